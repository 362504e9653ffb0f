#include "kernels/cuda_sort.h"
#ifdef PS_CUDA_ON_HOST
#    include <cub_on_host.h>
#else
#    include <cub/device/device_radix_sort.cuh>
#    include <cub/device/device_scan.cuh>
#endif

/* More bits want no less. */
int64_t ps_cuda_sort_room(int64_t n)
{
    cub::DoubleBuffer<uint64_t> keys(NULL, NULL);
    cub::DoubleBuffer<uint32_t> values(NULL, NULL);
    size_t sort = 0, sum = 0;
    PS_CU(cub::DeviceRadixSort::SortPairs(NULL, sort, keys, values, n, 0, 64, ps_cuda_stream()));
    PS_CU(cub::DeviceScan::InclusiveSum(NULL, sum, (uint32_t *)NULL, (uint32_t *)NULL, n, ps_cuda_stream()));
    return (int64_t)(sort > sum ? sort : sum) + 1;
}

void ps_cuda_sort(struct ps_cuda_pair<uint64_t> *key, struct ps_cuda_pair<uint32_t> *value, int64_t n,
                  int bits, const struct ps_cuda_room *room)
{
    cub::DoubleBuffer<uint64_t> keys(key->now, key->other);
    cub::DoubleBuffer<uint32_t> values(value->now, value->other);
    size_t bytes = (size_t)room->bytes;
    PS_CU(cub::DeviceRadixSort::SortPairs(room->there, bytes, keys, values, n, 0, bits, ps_cuda_stream()));
    *key = {keys.Current(), keys.Alternate()};
    *value = {values.Current(), values.Alternate()};
}

void ps_cuda_sum_along(uint32_t *x, int64_t n, const struct ps_cuda_room *room)
{
    size_t bytes = (size_t)room->bytes;
    PS_CU(cub::DeviceScan::InclusiveSum(room->there, bytes, x, x, n, ps_cuda_stream()));
}
