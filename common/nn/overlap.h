/** How much of the exchange of gradients the backward pass hides. */
#ifndef PS_OVERLAP_H
#define PS_OVERLAP_H

#include "common/par/network.h"

/** When the gradients of a thread's last micro-batch were final, from the end of the vector to its beginning:
 * at `at` seconds after the backward pass began, all elements from `lo` on were. */
struct ps_overlap {
    struct ps_overlap_point {
        int64_t lo;
        double at;
    } * point; /**< [points]; owned */
    int points, room;
    int64_t n; /**< elements of the vector */
};

/** Forget all points, of a vector of n elements. Local. */
void ps_overlap_begin(struct ps_overlap *o, int64_t n);

/** Another point; without memory it is left out. Local. */
void ps_overlap_add(struct ps_overlap *o, int64_t lo, double at);
void ps_overlap_free(struct ps_overlap *o);

/** Seconds that the sum over `nodes` goes on after the backward pass has ended, when buckets of `bucket`
 * bytes, of elements of `element` bytes, go one after the other, each as soon as it is final. Local. */
double ps_overlap_exposed(const struct ps_overlap *o, const struct ps_network *network, int64_t nodes,
                          int64_t bucket, int64_t element);

#endif
