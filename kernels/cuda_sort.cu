#include "kernels/cuda_sort.h"
#ifdef PS_CUDA_ON_HOST
#    include <cub_on_host.h>
#else
#    include <cub/device/device_radix_sort.cuh>
#    include <cub/device/device_scan.cuh>
#endif

bool ps_cuda_sort(struct ps_cuda_pair<uint64_t> *key, struct ps_cuda_pair<uint32_t> *value, int64_t n,
                  int bits)
{
    cub::DoubleBuffer<uint64_t> keys(key->now, key->other);
    cub::DoubleBuffer<uint32_t> values(value->now, value->other);
    size_t bytes = 0;
    PS_CU(cub::DeviceRadixSort::SortPairs(NULL, bytes, keys, values, n, 0, bits, ps_cuda_stream()));
    void *const work = ps_cuda_memory.alloc((int64_t)bytes + 1);
    if (!work) return false;
    PS_CU(cub::DeviceRadixSort::SortPairs(work, bytes, keys, values, n, 0, bits, ps_cuda_stream()));
    ps_cuda_memory.free(work);
    *key = {keys.Current(), keys.Alternate()};
    *value = {values.Current(), values.Alternate()};
    return true;
}

bool ps_cuda_sum_along(uint32_t *x, int64_t n)
{
    size_t bytes = 0;
    PS_CU(cub::DeviceScan::InclusiveSum(NULL, bytes, x, x, n, ps_cuda_stream()));
    void *const work = ps_cuda_memory.alloc((int64_t)bytes + 1);
    if (!work) return false;
    PS_CU(cub::DeviceScan::InclusiveSum(work, bytes, x, x, n, ps_cuda_stream()));
    ps_cuda_memory.free(work);
    return true;
}
