/** Sequential minimal optimization and updates of f: what the tables of back ends are made of. */
#ifndef PS_SVM_SMO_H
#define PS_SVM_SMO_H

#include "kernels/svm/svm_kernels.h"

/** As ps_svm_kernels.smo. Both make the same choices and give the same bits. */
enum ps_status ps_svm_smo_ref(struct ps_svm_smo *s);
enum ps_status ps_svm_smo_cpu(struct ps_svm_smo *s);

/** As ps_svm_kernels.update. Both give the same bits. */
void ps_svm_update_ref(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);
void ps_svm_update_cpu(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);

#endif
