#include "kernels/cuda.h"
#include <stdio.h>

#ifndef PS_CUDA_ARCHS
#    define PS_CUDA_ARCHS "the host"
#endif

static struct {
    cudaStream_t stream;
    bool exact;
    int processors, capability;
    enum ps_status status; /* of the first failure */
    char error[512];
} cuda;

cudaStream_t ps_cuda_stream(void)
{
    return cuda.stream;
}

void ps_cuda_use(cudaStream_t stream)
{
    cuda.stream = stream;
}

bool ps_cuda_good(void)
{
    return cuda.status == PS_OK;
}

void ps_cuda_fail(enum ps_status status, const char *call, const char *why)
{
    if (cuda.status != PS_OK) return;
    cuda.status = status;
    snprintf(cuda.error, sizeof cuda.error, "%.300s: %.200s", call, why);
}

enum ps_status ps_cuda_status(void)
{
    return cuda.status;
}

const char *ps_cuda_error(void)
{
    return cuda.error;
}

void ps_cuda_forgive(void)
{
    cudaGetLastError();
    cuda.status = PS_OK;
    cuda.error[0] = '\0';
}

bool ps_cuda_exact(void)
{
    return cuda.exact;
}

int ps_cuda_processors(void)
{
    return cuda.processors;
}

int ps_cuda_capability(void)
{
    return cuda.capability;
}

int ps_cuda_devices(char *why, size_t room)
{
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0) return count;
    snprintf(why, room, "%s", error == cudaSuccess ? "CUDA knows no device" : cudaGetErrorString(error));
    cudaGetLastError();
    return 0;
}

/* Whether this can be had says whether any kernel can. */
static __global__ void probe(int *out)
{
    *out = 1;
}

enum ps_status ps_cuda_open(int device, bool exact, char *text, size_t room)
{
    cudaDeviceProp has;
    cudaFuncAttributes kernel;
    int version = 0;
    ps_cuda_close();
    PS_CU(cudaSetDevice(device));
    PS_CU(cudaGetDeviceProperties(&has, device));
    PS_CU(cudaRuntimeGetVersion(&version));
    if (!ps_cuda_good()) {
        snprintf(text, room, "GPU %d: %s", device, cuda.error);
        return cuda.status;
    }
    const cudaError_t error = cudaFuncGetAttributes(&kernel, probe);
    if (error != cudaSuccess) {
        snprintf(text, room,
                 "GPU %d, %s (sm_%d%d), is not among what this build is for (CUDA_ARCHS = %s): %s", device,
                 has.name, has.major, has.minor, PS_CUDA_ARCHS, cudaGetErrorString(error));
        cudaGetLastError();
        return PS_EBACKEND;
    }
    cuda.exact = exact;
    cuda.processors = has.multiProcessorCount;
    cuda.capability = 10 * has.major + has.minor;
    snprintf(text, room, "%s at %04x:%02x:%02x (sm_%d, %d multiprocessors, %.1f GiB), CUDA %d.%d", has.name,
             (unsigned)has.pciDomainID, (unsigned)has.pciBusID, (unsigned)has.pciDeviceID, cuda.capability,
             cuda.processors, (double)has.totalGlobalMem / (1 << 30), version / 1000, version % 1000 / 10);
    return PS_OK;
}

void ps_cuda_close(void)
{
    ps_cuda_forgive();
    cuda.stream = NULL;
}
