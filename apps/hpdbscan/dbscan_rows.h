/** Rows of points of any type, taken in blocks as doubles, so that the distributed steps are written once. */
#ifndef DBSCAN_ROWS_H
#define DBSCAN_ROWS_H

#include <stdint.h>
#include <string.h>
#include "common/par/block.h"
#include "kernels/view.h"

/** Rows of a block: as many as keep it in a core's first caches. */
static inline int64_t dbscan_rows_block(int d)
{
    return d >= 128 ? 16 : 2048 / d;
}

/** Rows [lo, hi) as doubles: the points themselves where they are doubles, else converted into `buffer`.
 * Local. 64-bit integers are rounded to nearest, which keeps their order.
 * @param buffer [hi - lo][d], row-major; the caller's
 * @return [hi - lo][d], row-major; borrowed from `p` or `buffer` */
const double *dbscan_rows_double(const struct ps_points *p, int64_t lo, int64_t hi, double *buffer);

/** Bytes of a row. Local. */
static inline size_t dbscan_rows_size(const struct ps_points *p)
{
    return (size_t)p->d * ps_dtype_size(p->type);
}

/** Copy one row; the usual sizes without a call. Local. */
static inline void dbscan_rows_copy(char *to, const char *from, size_t bytes)
{
    switch (bytes) {
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 12:
        memcpy(to, from, 12);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    case 20:
        memcpy(to, from, 20);
        break;
    case 24:
        memcpy(to, from, 24);
        break;
    case 28:
        memcpy(to, from, 28);
        break;
    case 40:
        memcpy(to, from, 40);
        break;
    default:
        memcpy(to, from, bytes);
    }
}

/** Part `i` of n rows cut for `parts` threads at block borders. Local. */
struct ps_range dbscan_rows_part(int64_t n, int d, int parts, int i);

#endif
