/* Errors, devices, copies. */
#include "cuda_host_parts.h"
#include <map>
#include <stdio.h>
#include <stdlib.h>

enum { PROCESSORS = 3, SHARED = 48 << 10, SHARED_MOST = 227 << 10, THREADS = 1024, GRID_YZ = 65535 };

static cudaError_t last = cudaSuccess;
static int device_in_use;
static std::map<const void *, size_t> allowed; /* dynamic shared memory beyond what is always there */

cudaError_t ps_host_error(cudaError_t error)
{
    last = error;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
        return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
        return "invalid resource handle";
    case cudaErrorNotReady:
        return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
        return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureUnjoined:
        return "capturing stream has unjoined work";
    case cudaErrorStreamCaptureIsolation:
        return "dependency created on uncaptured work in another stream";
    case cudaErrorCapturedEvent:
        return "operation not permitted on an event last recorded in a capturing stream";
    }
    return "unrecognized error code";
}

/* --- devices --- */
cudaError_t cudaGetDeviceCount(int *count)
{
    const char *given = getenv("PS_HOST_DEVICES");
    *count = given ? atoi(given) : 1;
    return *count > 0 ? cudaSuccess : ps_host_error(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess) return error;
    if (device < 0 || device >= count) return ps_host_error(cudaErrorInvalidDevice);
    device_in_use = device;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = device_in_use;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device)
{
    size_t free;
    *out = {};
    snprintf(out->name, sizeof out->name, "host in place of a GPU");
    out->major = 9;
    out->multiProcessorCount = PROCESSORS;
    out->pciBusID = device;
    return cudaMemGetInfo(&free, &out->totalGlobalMem);
}

cudaError_t cudaDeviceGetAttribute(int *out, cudaDeviceAttr attribute, int)
{
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *out = THREADS;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *out = SHARED;
        break;
    case cudaDevAttrMultiProcessorCount:
        *out = PROCESSORS;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *out = 9;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *out = 0;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *out = SHARED_MOST;
        break;
    }
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    return cudaDriverGetVersion(version);
}

/* --- kernels --- */
cudaError_t ps_host_allow_shared(const void *kernel, int bytes)
{
    if (bytes > SHARED_MOST) return ps_host_error(cudaErrorInvalidValue);
    allowed[kernel] = (size_t)bytes;
    return cudaSuccess;
}

bool ps_host_fits(const struct ps_host_shape &s)
{
    const auto more = allowed.find(s.kernel);
    const size_t shared = more != allowed.end() ? more->second : (size_t)SHARED;
    const uint64_t threads = (uint64_t)s.block.x * s.block.y * s.block.z;
    return threads > 0 && threads <= THREADS && s.block.z <= 64 && s.grid.x > 0 && s.grid.x < 1u << 31 &&
           s.grid.y > 0 && s.grid.y <= GRID_YZ && s.grid.z > 0 && s.grid.z <= GRID_YZ && s.shared <= shared;
}

/* --- copies --- */
/* Does the memory fit what is said of it? */
static bool is_right(const void *memory, size_t bytes, bool device)
{
    const enum ps_host_whose whose = ps_host_whose(memory, bytes);
    return whose != PS_HOST_BEYOND && (whose == PS_HOST_DEVICE) == device;
}

static bool are_right(const void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    if (kind == cudaMemcpyDefault)
        return ps_host_whose(to, bytes) != PS_HOST_BEYOND && ps_host_whose(from, bytes) != PS_HOST_BEYOND;
    return is_right(to, bytes, kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
           is_right(from, bytes, kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    if (!are_right(to, from, bytes, kind)) return ps_host_error(cudaErrorInvalidValue);
    const bool from_anywhere = ps_host_whose(from, bytes) == PS_HOST_UNKNOWN,
               to_anywhere = ps_host_whose(to, bytes) == PS_HOST_UNKNOWN;
    if ((from_anywhere || to_anywhere) && ps_host_capturing()) {
        ps_host_capture_spoil();
        return ps_host_error(cudaErrorStreamCaptureUnsupported);
    }
    if (from_anywhere) { /* read before the call returns */
        const std::vector<char> kept((const char *)from, (const char *)from + bytes);
        return ps_host_enqueue_work(stream, [to, kept] { memcpy(to, kept.data(), kept.size()); });
    }
    const cudaError_t error = ps_host_enqueue_work(stream, [=] { memmove(to, from, bytes); });
    return to_anywhere && error == cudaSuccess ? cudaStreamSynchronize(stream) : error;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    if (!is_right(to, bytes, true)) return ps_host_error(cudaErrorInvalidValue);
    return ps_host_enqueue_work(stream, [=] { memset(to, value, bytes); });
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, NULL);
    return error == cudaSuccess ? cudaStreamSynchronize(NULL) : error;
}

cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    const cudaError_t error = cudaMemsetAsync(to, value, bytes, NULL);
    return error == cudaSuccess ? cudaStreamSynchronize(NULL) : error;
}
