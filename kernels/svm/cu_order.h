/** Doubles as bits that are in their order. */
#ifndef PS_SVM_CU_ORDER_H
#define PS_SVM_CU_ORDER_H

#include "kernels/cuda.h"

/** The same ones for both zeros; not for what is no number. */
static __device__ inline uint64_t ps_svm_ordered(double x)
{
    const int64_t bits = __double_as_longlong(x + 0.0);
    return (uint64_t)(bits ^ (bits >> 63 | INT64_MIN));
}

/** The number whose bits they are. */
static __device__ inline double ps_svm_number(uint64_t ordered)
{
    const int64_t bits = (int64_t)ordered;
    return __longlong_as_double(bits ^ (~bits >> 63 | INT64_MIN));
}

#endif
