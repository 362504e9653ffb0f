/** Stands in for the parts of CUB that the back end calls: the same calls, computed plainly. */
#ifndef PS_CUB_ON_HOST_H
#define PS_CUB_ON_HOST_H

#include <algorithm>
#include <vector>
#include "cuda_on_host.h"

namespace cub
{
template <class T> struct DoubleBuffer {
    T *d_buffers[2];
    int selector = 0;
    DoubleBuffer(T *now, T *other) : d_buffers{now, other} {}
    T *Current(void) const
    {
        return d_buffers[selector];
    }
    T *Alternate(void) const
    {
        return d_buffers[selector ^ 1];
    }
};

/* Work that calls ask for; a smaller one is refused. */
static const size_t PS_HOST_WORK = 1000;

static inline bool ps_host_asks(void *work, size_t &bytes, cudaError_t *error)
{
    const size_t given = bytes;
    if (!work) bytes = PS_HOST_WORK;
    *error = work && given < PS_HOST_WORK ? cudaErrorInvalidValue : cudaSuccess;
    return !work || *error != cudaSuccess;
}

struct DeviceRadixSort {
    /* the arrays of which it leaves the result is not known: here always the other ones, and garbage in those
     * that it read */
    template <class K, class V>
    static cudaError_t SortPairs(void *work, size_t &bytes, DoubleBuffer<K> &keys, DoubleBuffer<V> &values,
                                 int64_t n, int from, int to, cudaStream_t stream)
    {
        cudaError_t error;
        if (ps_host_asks(work, bytes, &error)) return error;
        K *const k = keys.Current(), *const sorted = keys.Alternate();
        V *const v = values.Current(), *const moved = values.Alternate();
        keys.selector ^= 1;
        values.selector ^= 1;
        return ps_host_enqueue_work(stream, [=] {
            const K mask = (to - from < 8 * (int)sizeof(K) ? ((K)1 << (to - from)) - 1 : ~(K)0) << from;
            std::vector<int64_t> order((size_t)n);
            for (int64_t i = 0; i < n; i++) order[(size_t)i] = i;
            std::stable_sort(order.begin(), order.end(),
                             [=](int64_t a, int64_t b) { return (k[a] & mask) < (k[b] & mask); });
            for (int64_t i = 0; i < n; i++) sorted[i] = k[order[(size_t)i]], moved[i] = v[order[(size_t)i]];
            memset(k, 0xff, (size_t)n * sizeof *k);
            memset(v, 0xff, (size_t)n * sizeof *v);
        });
    }
};

struct DeviceScan {
    template <class T>
    static cudaError_t InclusiveSum(void *work, size_t &bytes, const T *in, T *out, int64_t n,
                                    cudaStream_t stream)
    {
        cudaError_t error;
        if (ps_host_asks(work, bytes, &error)) return error;
        return ps_host_enqueue_work(stream, [=] {
            T sum = 0;
            for (int64_t i = 0; i < n; i++) out[i] = sum += in[i];
        });
    }
};
} // namespace cub

#endif
