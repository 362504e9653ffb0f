/** Products of kernel values and few columns in double precision. */
#ifndef PS_SVM_SUMS_H
#define PS_SVM_SUMS_H

#include <stdint.h>

/** `sums` of the tables. Both give the same bits. */
void ps_svm_sums_ref(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                     int64_t bstride, double *out, int64_t ostride);
void ps_svm_sums_cpu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                     int64_t bstride, double *out, int64_t ostride);

#endif
