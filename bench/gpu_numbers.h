/** Random numbers in arrays on a GPU. */
#ifndef BENCH_GPU_NUMBERS_H
#define BENCH_GPU_NUMBERS_H

#include "kernels/cuda.h"

static __device__ inline void gpu_number(float v, float *x)
{
    *x = v;
}

static __device__ inline void gpu_number(float v, ps_half *x)
{
    *x = ps_half_of(v);
}

/** n numbers in [-1, 1): matrices of few values would draw less power, and run faster, than data do. */
template <typename T> static __global__ void gpu_numbers(int64_t n, uint32_t seed, T *x)
{
    for (int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x; i < n;
         i += (int64_t)gridDim.x * blockDim.x) {
        uint32_t h = (uint32_t)i * 2654435761u + seed;
        h = (h ^ h >> 15) * 2246822519u;
        h = (h ^ h >> 13) * 3266489917u;
        gpu_number((float)(h ^ h >> 16) * 0x1p-31f - 1, &x[i]);
    }
}

#endif
