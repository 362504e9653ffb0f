/** Sequential minimal optimization and updates of f: what the tables of back ends are made of. */
#ifndef PS_SVM_SMO_H
#define PS_SVM_SMO_H

#include <math.h>
#include "kernels/svm/svm_kernels.h"

/** A function that kernels on a device call too. */
#ifdef __CUDACC__
#    define PS_SVM_BOTH __host__ __device__
#else
#    define PS_SVM_BOTH
#endif

/** a b + c, rounded once where the processor can: elsewhere a call of fma would take fifty times as long.
 * Devices can, and what stands in for one on the host does as they do. */
PS_SVM_BOTH static inline double ps_svm_fma(double a, double b, double c)
{
#if defined(FP_FAST_FMA) || defined(__cplusplus)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}
PS_SVM_BOTH static inline float ps_svm_fmaf(float a, float b, float c)
{
#if defined(FP_FAST_FMAF) || defined(__cplusplus)
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/** As ps_svm_kernels.smo. `ref` is the plain method; `cpu` makes the same choices and gives the same bits
 * until it goes on in working sets (smo_active.h). */
enum ps_status ps_svm_smo_ref(struct ps_svm_smo *s);
enum ps_status ps_svm_smo_cpu(struct ps_svm_smo *s);

/** As ps_svm_kernels.update. Both give the same bits. */
void ps_svm_update_ref(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);
void ps_svm_update_cpu(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);

#endif
