/** Sums of kernel values times sparse coefficients in double precision. */
#ifndef PS_SVM_SUMS_H
#define PS_SVM_SUMS_H

#include "kernels/svm/svm_kernels.h"

/** `sums` of the tables. Both give the same bits. */
void ps_svm_sums_ref(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *terms,
                     double *out, int64_t ostride);
void ps_svm_sums_cpu(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *terms,
                     double *out, int64_t ostride);

#endif
