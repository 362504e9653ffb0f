/** The part of CUDA's runtime that the back end calls, for one process without a GPU.
 *
 * Streams put work off: a stream goes on only when somebody waits for it, and as far as is waited for, so
 * that a missing wait shows. PS_HOST_EAGER=1: work is done at once. Memory of the device cannot be reached by
 * the host except while the device works; it is filled with ones (NaN) at first, and never used twice.
 * PS_HOST_DEVICES: number of devices (1); PS_HOST_MEMORY: bytes of each (8 GiB). */
#ifndef PS_CUDA_RUNTIME_ON_HOST_H
#define PS_CUDA_RUNTIME_ON_HOST_H

#include <stddef.h>
#include <functional>
#include "cuda_vectors_on_host.h"

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorNotReady = 600,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901,
    cudaErrorStreamCaptureUnjoined = 904,
    cudaErrorStreamCaptureIsolation = 905,
    cudaErrorCapturedEvent = 907
};
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);

/* --- devices --- */
enum cudaDeviceAttr {
    cudaDevAttrMaxThreadsPerBlock = 1,
    cudaDevAttrMaxSharedMemoryPerBlock = 8,
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    int major, minor, multiProcessorCount;
    int pciDomainID, pciBusID, pciDeviceID;
};
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device);
cudaError_t cudaDeviceGetAttribute(int *out, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);

/* --- kernels --- */
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
cudaError_t ps_host_allow_shared(const void *kernel, int bytes);
template <class... P>
static inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute, int value)
{
    return ps_host_allow_shared((const void *)kernel, value);
}
struct cudaFuncAttributes {
    int ptxVersion, binaryVersion; /* 10 major + minor */
};
template <class... P> static inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *out, void (*)(P...))
{
    out->ptxVersion = out->binaryVersion = 90;
    return cudaSuccess;
}

/* --- memory --- */
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum { cudaHostAllocDefault = 0 };
cudaError_t ps_host_malloc(void **out, size_t bytes);
cudaError_t ps_host_malloc_host(void **out, size_t bytes);
template <class T> static inline cudaError_t cudaMalloc(T **out, size_t bytes)
{
    return ps_host_malloc((void **)out, bytes);
}
template <class T> static inline cudaError_t cudaMallocHost(T **out, size_t bytes)
{
    return ps_host_malloc_host((void **)out, bytes);
}
template <class T> static inline cudaError_t cudaHostAlloc(T **out, size_t bytes, unsigned)
{
    return ps_host_malloc_host((void **)out, bytes);
}
cudaError_t cudaFree(void *memory);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemset(void *to, int value, size_t bytes);

/* --- streams and events --- */
typedef struct ps_host_stream *cudaStream_t;
typedef struct ps_host_event *cudaEvent_t;
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1 };
enum { cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int priority);
cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
enum { cudaEventRecordDefault = 0, cudaEventRecordExternal = 1 };
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags);
/** Between events that were recorded with flags the host's time; else it does not pass here: of what is
 * timed, the last seems the fastest. */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);

/* --- graphs --- */
typedef struct ps_host_graph *cudaGraph_t;
typedef struct ps_host_graph *cudaGraphExec_t;
enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
};
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
enum cudaStreamCaptureStatus {
    cudaStreamCaptureStatusNone,
    cudaStreamCaptureStatusActive,
    cudaStreamCaptureStatusInvalidated
};
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *out);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out);
enum { cudaGraphInstantiateFlagUseNodePriority = 8 };
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);

/* --- for ps_host_launch, and for libraries that stand in for those of CUDA --- */
struct ps_host_shape {
    const void *kernel;
    dim3 grid, block;
    size_t shared;
};
/** Put a kernel's launch at the end of a stream. @param body what a thread does */
cudaError_t ps_host_enqueue(cudaStream_t stream, const struct ps_host_shape &shape,
                            std::function<void()> body);
/** Put any work at the end of a stream. */
cudaError_t ps_host_enqueue_work(cudaStream_t stream, std::function<void()> work);

#endif
