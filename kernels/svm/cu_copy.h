/** Copies to shared memory, past the registers where the device can. */
#ifndef PS_SVM_CU_COPY_H
#define PS_SVM_CU_COPY_H

#include "kernels/cuda.h"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#    define PS_SVM_COPIES_AHEAD
#endif

/** 16 bytes. */
__device__ static inline void ps_svm_copy16(float *shared, const float *from)
{
#ifdef PS_SVM_COPIES_AHEAD
    asm volatile(
        "cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((unsigned)__cvta_generic_to_shared(shared)),
        "l"(from)
        : "memory");
#else
    *(float4 *)shared = *(const float4 *)from;
#endif
}

/** N floats, 1 or 4, of which the first `there` are read, the others 0. */
template <int N> __device__ static inline void ps_svm_copy_part(float *shared, const float *from, int there)
{
#ifdef PS_SVM_COPIES_AHEAD
    if (N == 4)
        asm volatile(
            "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned)__cvta_generic_to_shared(shared)),
            "l"(from), "r"(4 * there)
            : "memory");
    else
        asm volatile(
            "cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"((unsigned)__cvta_generic_to_shared(shared)),
            "l"(from), "r"(4 * there)
            : "memory");
#else
    for (int c = 0; c < N; c++) shared[c] = c < there ? from[c] : 0;
#endif
}

/** Wait for own copies. */
__device__ static inline void ps_svm_copied(void)
{
#ifdef PS_SVM_COPIES_AHEAD
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

#endif
