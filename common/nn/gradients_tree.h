/** The tree of common/par/grain in pieces: who adds what when leaves are spread over threads and nodes.
 *
 * Leaves are [0, count). A node of the tree covers [i 2^k, (i + 1) 2^k), cut off at count; it is whole within
 * a range where that holds all its leaves. Ranges break into the largest such nodes, their parts. A leaf that
 * is not there counts as nothing: the other side of a sum is then the sum. Local. */
#ifndef PS_GRADIENTS_TREE_H
#define PS_GRADIENTS_TREE_H

#include <stdbool.h>
#include "common/par/block.h"

enum { PS_TREE_PARTS = 126 }; /**< that a range has at most: two of each width */

/** @param first out [PS_TREE_PARTS] first leaves of the parts of `mine`, ascending @return how many */
int ps_tree_parts(int64_t count, struct ps_range mine, int64_t *first);

/** Vectors that a thread holds at most while it adds up the part from `lo` to `hi`, leaf by leaf. */
int ps_tree_depth(int64_t lo, int64_t hi);

/** Two neighbouring sums, one with leaf `left`, one with leaf `right` > left: are they to be added now, where
 * all leaves of `mine` below `settled` have been added as far as may be? */
bool ps_tree_meet(int64_t count, struct ps_range mine, int64_t left, int64_t right, int64_t settled);

/** One addition: vector `to` += vector `from`. */
struct ps_tree_add {
    int to, from;
};

/** Additions that make the parts of `mine` of n sums.
 * @param first [n] a leaf of each, ascending
 * @param add out [n] @param part out [n] vectors that hold the parts; NULL: not wanted
 * @return additions; n less of them are parts */
int ps_tree_plan(int64_t count, struct ps_range mine, int n, const int64_t *first, struct ps_tree_add *add,
                 int *part);

#endif
