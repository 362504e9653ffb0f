/** Sorting and sums along arrays of the device, by CUB. */
#ifndef PS_CUDA_SORT_H
#define PS_CUDA_SORT_H

#include "kernels/cuda.h"

/** Two arrays of one size on the device: what is sorted or permuted goes from one to the other and back. */
template <class T> struct ps_cuda_pair {
    T *now, *other;
};

/** Sort pairs of key and value by the lowest `bits` bits of their keys, stable: `now` of both is sorted then,
 * `other` holds anything. @return false: no memory */
bool ps_cuda_sort(struct ps_cuda_pair<uint64_t> *key, struct ps_cuda_pair<uint32_t> *value, int64_t n,
                  int bits);

/** x[i] = x[0] + ... + x[i]. @return false: no memory */
bool ps_cuda_sum_along(uint32_t *x, int64_t n);

#endif
