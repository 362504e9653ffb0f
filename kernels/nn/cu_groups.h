/** Groups of threads that share a row: a warp, or a block where rows are long. */
#ifndef PS_NN_CU_GROUPS_H
#define PS_NN_CU_GROUPS_H

#include "kernels/cuda.h"

enum {
    PS_WARP = 32,
    PS_GROUPS_BLOCK = 256, /* threads of a block */
    PS_WARPS = PS_GROUPS_BLOCK / PS_WARP,
    PS_LONG = 1024,         /* elements of a row from which on it is a block's */
    PS_GROUPS_BLOCKS = 1024 /* blocks at most: they go on to other rows */
};

/** Sum over a group of GROUP threads, in an order of its own, for all of them. All threads of the block call
 * it.
 * @param shared [PS_WARPS] */
template <int GROUP> __device__ static inline double ps_group_sum(double v, double *shared)
{
    for (int i = PS_WARP / 2; i > 0; i /= 2) v += __shfl_xor_sync(0xffffffffu, v, i);
    if constexpr (GROUP > PS_WARP) {
        __syncthreads();
        if (threadIdx.x % PS_WARP == 0) shared[threadIdx.x / PS_WARP] = v;
        __syncthreads();
        v = 0;
        for (int i = 0; i < PS_WARPS; i++) v += shared[i];
    }
    return v;
}

/** The larger number; what is not a number is largest. */
__device__ static inline float ps_larger(float a, float b)
{
    return b > a || b != b ? b : a;
}

/** The largest number of a group. @param shared [PS_WARPS] */
template <int GROUP> __device__ static inline float ps_group_most(float v, double *shared)
{
    for (int i = PS_WARP / 2; i > 0; i /= 2) v = ps_larger(v, __shfl_xor_sync(0xffffffffu, v, i));
    if constexpr (GROUP > PS_WARP) {
        __syncthreads();
        if (threadIdx.x % PS_WARP == 0) shared[threadIdx.x / PS_WARP] = v;
        __syncthreads();
        v = (float)shared[0];
        for (int i = 1; i < PS_WARPS; i++) v = ps_larger(v, (float)shared[i]);
    }
    return v;
}

/** Blocks for n rows of groups of `group` threads. */
static inline unsigned ps_groups_blocks(int64_t n, int group)
{
    const int64_t rows = PS_GROUPS_BLOCK / group, blocks = (n + rows - 1) / rows;
    return (unsigned)(blocks < PS_GROUPS_BLOCKS ? blocks : (int64_t)PS_GROUPS_BLOCKS);
}

#endif
