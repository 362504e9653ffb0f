/** Sorting and sums along arrays of the device, by CUB. */
#ifndef PS_CUDA_SORT_H
#define PS_CUDA_SORT_H

#include "kernels/cuda.h"

/** Two arrays of one size on the device: what is sorted or permuted goes from one to the other and back. */
template <class T> struct ps_cuda_pair {
    T *now, *other;
};

/** Memory of the device that calls want beside their arrays. */
struct ps_cuda_room {
    int64_t bytes;
    void *there;
};

/** Bytes that the functions below want for n elements. */
int64_t ps_cuda_sort_room(int64_t n);

/** Sort pairs of key and value by the lowest `bits` > 0 bits of their keys, stable: `now` of both is sorted
 * then, `other` holds anything. */
void ps_cuda_sort(struct ps_cuda_pair<uint64_t> *key, struct ps_cuda_pair<uint32_t> *value, int64_t n,
                  int bits, const struct ps_cuda_room *room);

/** x[i] = x[0] + ... + x[i]. */
void ps_cuda_sum_along(uint32_t *x, int64_t n, const struct ps_cuda_room *room);

#endif
