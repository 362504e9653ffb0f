/** Distances between 64-bit integers: subtracted exactly, then squared and summed in double. */
#ifndef PS_DBSCAN_CPU_LANES_I64_H
#define PS_DBSCAN_CPU_LANES_I64_H

#include "kernels/dbscan/cpu_state.h"

typedef int64_t ps_i64;
enum { PS_I64_LANES = 8 };

/** Bit i of the result: point j + i is a neighbour of p; only the lowest `count` lanes are looked at. */
static inline __attribute__((always_inline)) unsigned ps_i64_near(const struct ps_dbscan *s, int d,
                                                                  const int64_t *p, int64_t j, int64_t count)
{
    const int64_t *x = (const int64_t *)s->x + j;
    unsigned valid = count >= 8 ? 0xffu : (1u << count) - 1, in = 0;
    double sum[8] = {0};
    for (int k = 0; k < d; k++)
        for (int i = 0; i < 8; i++) {
            int64_t a = x[k * s->stride + i], b = p[k];
            double t = (double)(a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a);
            sum[i] += t * t;
        }
    for (int i = 0; i < 8; i++) in |= (unsigned)(sum[i] <= s->eps2) << i;
    return in & valid;
}

static inline double ps_i64_gap(int64_t lo_a, int64_t hi_a, int64_t lo_b, int64_t hi_b)
{
    if (lo_b > hi_a) return (double)((uint64_t)lo_b - (uint64_t)hi_a);
    if (lo_a > hi_b) return (double)((uint64_t)lo_a - (uint64_t)hi_b);
    return 0;
}

/** Bit i: boxes[first + i] of the level may hold a neighbour of something in the box [lo, hi]; sixteen boxes.
 */
static inline unsigned ps_i64_boxes_near(const struct ps_dbscan *s, const struct ps_box_level *level,
                                         int64_t first, const int64_t *lo, const int64_t *hi)
{
    const int64_t *blo = (const int64_t *)level->lo + first, *bhi = (const int64_t *)level->hi + first;
    unsigned near = 0;
    for (int i = 0; i < PS_BOX_FAN; i++) {
        double sum = 0;
        for (int k = 0; k < s->d; k++) {
            double gap = ps_i64_gap(lo[k], hi[k], blo[k * level->stride + i], bhi[k * level->stride + i]);
            sum += gap * gap;
        }
        near |= (unsigned)(sum <= s->eps2) << i;
    }
    return near;
}

#endif
