/** Stands in for CUDA where the host's compiler compiles .cu files: what kernels use, and the part of the
 * runtime that the back end calls.
 *
 * Threads of a block take turns on one processor, from one barrier to the next, in ascending order, or in
 * descending where PS_HOST_ORDER=reverse: a missing barrier shows in one of the two. Shared memory holds
 * garbage when a block begins. Threads that wait for each other in vain end the process with a sentence.
 * Shared memory is the thread-local memory of a shared object, which must have no other. */
#ifndef PS_CUDA_ON_HOST_H
#define PS_CUDA_ON_HOST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <functional>
#include <tuple>
#include <type_traits>
#include "cuda_vectors_on_host.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define __constant__ static
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define __grid_constant__

/* --- where a thread is --- */
extern uint3 *ps_host_thread, ps_host_block;
extern dim3 ps_host_threads, ps_host_blocks;
extern void *ps_host_dynamic; /* dynamic shared memory of the block */
#define threadIdx (*ps_host_thread)
#define blockIdx ps_host_block
#define blockDim ps_host_threads
#define gridDim ps_host_blocks
static const int warpSize = 32;

/* --- threads that meet --- */
enum ps_host_meeting { PS_HOST_WARP, PS_HOST_SHUFFLE, PS_HOST_BALLOT, PS_HOST_MOST };
/** All threads of the block meet. */
void __syncthreads(const char *file = __builtin_FILE(), int line = __builtin_LINE());
/** Threads of the warp that `mask` names meet. @return the value of lane `from`, the bits of all values, or
 * the largest value */
uint64_t ps_host_meet(enum ps_host_meeting what, unsigned mask, uint64_t value, unsigned from,
                      const char *file, int line);

static inline unsigned ps_host_lane(void)
{
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % warpSize;
}

static inline void __syncwarp(unsigned mask = ~0u, const char *file = __builtin_FILE(),
                              int line = __builtin_LINE())
{
    ps_host_meet(PS_HOST_WARP, mask, 0, 0, file, line);
}

static inline unsigned __ballot_sync(unsigned mask, int predicate, const char *file = __builtin_FILE(),
                                     int line = __builtin_LINE())
{
    return (unsigned)ps_host_meet(PS_HOST_BALLOT, mask, predicate != 0, 0, file, line);
}

static inline unsigned __reduce_max_sync(unsigned mask, unsigned value, const char *file = __builtin_FILE(),
                                         int line = __builtin_LINE())
{
    return (unsigned)ps_host_meet(PS_HOST_MOST, mask, value, 0, file, line);
}

static inline int __any_sync(unsigned mask, int predicate, const char *file = __builtin_FILE(),
                             int line = __builtin_LINE())
{
    return __ballot_sync(mask, predicate, file, line) != 0;
}

static inline int __all_sync(unsigned mask, int predicate, const char *file = __builtin_FILE(),
                             int line = __builtin_LINE())
{
    return __ballot_sync(mask, !predicate, file, line) == 0;
}

template <class T>
static inline T ps_host_shuffle(unsigned mask, T v, unsigned from, const char *file, int line)
{
    static_assert(sizeof(T) <= sizeof(uint64_t) && std::is_trivially_copyable_v<T>);
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = ps_host_meet(PS_HOST_SHUFFLE, mask, bits, from, file, line);
    memcpy(&v, &bits, sizeof v);
    return v;
}

#define PS_HOST_SHUFFLES(name, type, from)                                                     \
    template <class T>                                                                         \
    static inline T name(unsigned mask, T v, type other, int width = warpSize,                 \
                         const char *file = __builtin_FILE(), int line = __builtin_LINE())     \
    {                                                                                          \
        const unsigned lane = ps_host_lane(), lo = lane / (unsigned)width * (unsigned)width,   \
                       hi = lo + (unsigned)width, there = from;                                \
        return ps_host_shuffle(mask, v, there >= lo && there < hi ? there : lane, file, line); \
    }
PS_HOST_SHUFFLES(__shfl_sync, int, lo + (unsigned)other % (unsigned)width)
PS_HOST_SHUFFLES(__shfl_down_sync, unsigned, lane + other)
PS_HOST_SHUFFLES(__shfl_up_sync, unsigned, lane - other)
PS_HOST_SHUFFLES(__shfl_xor_sync, int, lane ^ (unsigned)other)
#undef PS_HOST_SHUFFLES

/* --- atomics: threads take turns --- */
template <class T> static inline T ps_host_load(const T *p)
{
    T v;
    __atomic_load(p, &v, __ATOMIC_RELAXED);
    return v;
}
template <class T> static inline void ps_host_store(T *p, T v)
{
    __atomic_store(p, &v, __ATOMIC_RELAXED);
}
#define PS_HOST_ATOMIC(name, value)                                          \
    template <class T> static inline T name(T *p, std::type_identity_t<T> v) \
    {                                                                        \
        const T old = ps_host_load(p);                                       \
        ps_host_store(p, (T)(value));                                        \
        return old;                                                          \
    }
PS_HOST_ATOMIC(atomicAdd, (T)(old + v))
PS_HOST_ATOMIC(atomicSub, (T)(old - v))
PS_HOST_ATOMIC(atomicMax, v > old ? v : old)
PS_HOST_ATOMIC(atomicMin, v < old ? v : old)
PS_HOST_ATOMIC(atomicExch, v)
PS_HOST_ATOMIC(atomicAnd, (T)(old &v))
PS_HOST_ATOMIC(atomicOr, (T)(old | v))
#undef PS_HOST_ATOMIC
template <class T> static inline T atomicCAS(T *p, std::type_identity_t<T> old, std::type_identity_t<T> v)
{
    const T was = ps_host_load(p);
    if (was == old) ps_host_store(p, v);
    return was;
}
static inline void __threadfence(void) {}
static inline void __threadfence_block(void) {}

#include "cuda_runtime_on_host.h"

/** Launch a kernel. @param shared bytes of dynamic shared memory */
template <class... P>
static inline cudaError_t ps_host_launch(cudaStream_t stream, void (*kernel)(P...), dim3 grid, dim3 block,
                                         size_t shared, std::type_identity_t<P>... arguments)
{
    const std::tuple<P...> kept(arguments...);
    return ps_host_enqueue(stream, {(const void *)kernel, grid, block, shared},
                           [kernel, kept] { std::apply(kernel, kept); });
}

#endif
