/** A kernel function in the numbers that scalar products become its values with. */
#ifndef PS_SVM_FINISH_H
#define PS_SVM_FINISH_H

#include <math.h>
#include "kernels/svm/svm_kernels.h"

struct ps_svm_finish {
    enum ps_svm_form form;
    bool distance; /**< of |u-v|^2, not u'v */
    int degree;
    float gamma, coef0;
    float rate, rate_rest; /**< -gamma log2(e) in two parts */
    float limit;           /**< |u-v|^2 from which on the value is 0: it would be below 2^-125 */
};

/** @param differences rows are packed so that |u-v|^2 is by differences */
static inline struct ps_svm_finish ps_svm_finish_of(const struct ps_svm_function *f, bool differences)
{
    const double rate = -f->gamma * M_LOG2E;
    struct ps_svm_finish r;
    r.form = f->form;
    r.distance = f->form == PS_SVM_RBF && differences;
    r.degree = f->degree;
    r.gamma = (float)f->gamma;
    r.coef0 = (float)f->coef0;
    r.rate = (float)rate;
    r.rate_rest = (float)(rate - (double)r.rate);
    r.limit = (float)(-125 / rate);
    return r;
}

#endif
