/** What all files of the CUDA back end share. They are C++, compiled by nvcc, or by the host's compiler with
 * PS_CUDA_ON_HOST, where tests/gpu/host stands in for CUDA and its libraries. */
#ifndef PS_CUDA_H
#define PS_CUDA_H

#ifdef PS_CUDA_ON_HOST
#    include <cuda_on_host.h>
#else
#    include <cuda_bf16.h>
#    include <cuda_runtime.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels/device_memory.h"
#include "kernels/status.h"

/** Devices that this process may use. @param why out, where there are none: what CUDA says */
int ps_cuda_devices(char *why, size_t room);

/** Take a device. @param exact results must have the same bits each time @param text out: the device in
 * words, or what failed @return PS_OK; PS_EBACKEND; PS_ENOMEM */
enum ps_status ps_cuda_open(int device, bool exact, char *text, size_t room);

/** Forget the device, and what failed. */
void ps_cuda_close(void);

/** Memory and copies, in the stream that work goes to. */
extern const struct ps_device_memory ps_cuda_memory;

/** The stream that work goes to. */
cudaStream_t ps_cuda_stream(void);
void ps_cuda_use(cudaStream_t stream);

/** Has nothing failed so far? After the first failure no call is made any more. */
bool ps_cuda_good(void);

/** Keep a failure, if it is the first. @param call, why in words @param status PS_ENOMEM, PS_EBACKEND */
void ps_cuda_fail(enum ps_status status, const char *call, const char *why);

/** What failed. @return PS_OK: nothing did; then ps_cuda_error is "" */
enum ps_status ps_cuda_status(void);
const char *ps_cuda_error(void);

/** Go on as if nothing had failed: after what has another way. */
void ps_cuda_forgive(void);

/** Must results have the same bits each time? */
bool ps_cuda_exact(void);

/** Multiprocessors of the device; its compute capability, 10 major + minor. */
int ps_cuda_processors(void);
int ps_cuda_capability(void);

/** A call of CUDA's runtime: made if all is good, and checked. */
#define PS_CU(call)                                                                                \
    do {                                                                                           \
        if (ps_cuda_good()) {                                                                      \
            const cudaError_t error_ = (call);                                                     \
            if (error_ != cudaSuccess)                                                             \
                ps_cuda_fail(error_ == cudaErrorMemoryAllocation ? PS_ENOMEM : PS_EBACKEND, #call, \
                             cudaGetErrorString(error_));                                          \
        }                                                                                          \
    } while (0)

/** Launch a kernel in the queue in use. Without blocks there is nothing to do.
 * @param shared bytes of dynamic shared memory */
#ifdef PS_CUDA_ON_HOST
#    define PS_LAUNCH(kernel, grid, block, shared, ...)                                                      \
        do {                                                                                                 \
            if (ps_cuda_good() && dim3(grid).x > 0)                                                          \
                PS_CU(                                                                                       \
                    ps_host_launch(ps_cuda_stream(), kernel, dim3(grid), dim3(block), shared, __VA_ARGS__)); \
        } while (0)
#else
#    define PS_LAUNCH(kernel, grid, block, shared, ...)                         \
        do {                                                                    \
            if (ps_cuda_good() && dim3(grid).x > 0) {                           \
                kernel<<<grid, block, shared, ps_cuda_stream()>>>(__VA_ARGS__); \
                PS_CU(cudaGetLastError());                                      \
            }                                                                   \
        } while (0)
#endif

/** In a kernel: `name`, the dynamic shared memory of its block, of elements of `type`, at 16 bytes. */
#ifdef PS_CUDA_ON_HOST
#    define PS_SHARED_DYNAMIC(type, name) type *const name = (type *)ps_host_dynamic
#else
extern __shared__ __align__(16) unsigned char ps_shared_dynamic[];
#    define PS_SHARED_DYNAMIC(type, name) type *const name = (type *)ps_shared_dynamic
#endif

/** Before a loop: unroll it by this, or as a whole. */
#ifdef PS_CUDA_ON_HOST
#    define PS_UNROLL(times)
#    define PS_UNROLL_ALL
#else
#    define PS_UNROLL(times) _Pragma(PS_UNROLL_TEXT(unroll times))
#    define PS_UNROLL_TEXT(text) #    text
#    define PS_UNROLL_ALL _Pragma("unroll")
#endif

/** Images in bf16 are arrays of these. */
typedef uint16_t ps_half;

__host__ __device__ static inline float ps_half_get(ps_half h)
{
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)h << 16};
    return u.value;
}

/** To the nearest, ties to even; what is not a number stays none. */
__host__ __device__ static inline ps_half ps_half_of(float v)
{
#ifdef __CUDA_ARCH__
    return __bfloat16_as_ushort(__float2bfloat16_rn(v));
#else
    union {
        float value;
        uint32_t bits;
    } u = {v};
    if ((u.bits & 0x7fffffffu) > 0x7f800000u) return (ps_half)(u.bits >> 16 | 0x40);
    return (ps_half)((u.bits + 0x7fffu + (u.bits >> 16 & 1)) >> 16);
#endif
}

#endif
