#include "kernels/cuda.h"

static void *alloc(int64_t bytes)
{
    void *out = NULL;
    if (cudaMalloc(&out, (size_t)bytes) == cudaSuccess) return out;
    cudaGetLastError(); /* who asked says what it means */
    return NULL;
}

static void release(void *there)
{
    if (!there) return;
    PS_CU(cudaDeviceSynchronize());
    cudaFree(there);
}

static void *alloc_host(int64_t bytes)
{
    void *out = NULL;
    if (cudaHostAlloc(&out, (size_t)bytes, cudaHostAllocDefault) == cudaSuccess) return out;
    cudaGetLastError();
    return NULL;
}

static void release_host(void *here)
{
    if (!here) return;
    PS_CU(cudaDeviceSynchronize());
    cudaFreeHost(here);
}

static int64_t room(void)
{
    size_t free = 0, all = 0;
    PS_CU(cudaMemGetInfo(&free, &all));
    return (int64_t)free;
}

static void put(void *there, const void *here, int64_t bytes)
{
    PS_CU(cudaMemcpyAsync(there, here, (size_t)bytes, cudaMemcpyHostToDevice, ps_cuda_stream()));
}

static void get(void *here, const void *there, int64_t bytes)
{
    PS_CU(cudaMemcpyAsync(here, there, (size_t)bytes, cudaMemcpyDeviceToHost, ps_cuda_stream()));
}

static enum ps_status wait(void)
{
    PS_CU(cudaDeviceSynchronize());
    return ps_cuda_status();
}

const struct ps_device_memory ps_cuda_memory = {alloc, release, alloc_host, release_host, room,
                                                put,   get,     wait,       ps_cuda_error};
