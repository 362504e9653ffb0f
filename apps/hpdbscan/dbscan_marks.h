/** A set of numbers as bits, with the rank of each among the set: compact numbers without a sort. */
#ifndef DBSCAN_MARKS_H
#define DBSCAN_MARKS_H

#include <stdint.h>
#include "kernels/status.h"

/** Numbers in [0, range). */
struct dbscan_marks {
    uint64_t *bits;   /**< [words]; owned */
    int64_t *before;  /**< [words] marks in the words before; owned */
    int64_t words, n; /**< n: marks in all, once counted */
};

/** An empty set. Local. PS_OK; PS_ENOMEM. */
enum ps_status dbscan_marks_make(struct dbscan_marks *m, int64_t range);
void dbscan_marks_free(struct dbscan_marks *m);

/** Mark a number. Local. */
static inline void dbscan_marks_set(struct dbscan_marks *m, int64_t at)
{
    m->bits[at / 64] |= (uint64_t)1 << at % 64;
}

/** Count the marks; ranks are valid until the next mark. Local. */
void dbscan_marks_count(struct dbscan_marks *m);

/** How many marked numbers are smaller. Local. */
static inline int64_t dbscan_marks_rank(const struct dbscan_marks *m, int64_t at)
{
    return m->before[at / 64] + __builtin_popcountll(m->bits[at / 64] & (((uint64_t)1 << at % 64) - 1));
}

#endif
