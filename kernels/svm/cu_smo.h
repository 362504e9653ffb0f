/** What the two parts of sequential minimal optimization on a device share: problems there, and the kernel
 * that makes steps. */
#ifndef PS_SVM_CU_SMO_H
#define PS_SVM_CU_SMO_H

#include "kernels/cuda.h"
extern "C" {
#include "kernels/svm/smo_step.h"
}

/** A problem on the device. */
struct ps_svm_cu_problem {
    struct ps_svm_smo smo; /**< its arrays lie there; `diagonal` is filled by the first launch */
    float *diagonal;       /**< [n] smo.diagonal */
    double *score;         /**< [copies * n] -f - y p between launches, filled by the first one */
    uint8_t *may;          /**< [copies * n] which ways a variable may go, filled by each launch */
    int launches;          /**< so far */
    bool done;
};

/** Threads of a block for problems of up to n rows. */
int ps_svm_cu_smo_threads(int64_t n);

/** Go on with problems list[0..blocks), all of `copies` variables a row and of one kind, for a bounded number
 * of steps each. Enqueued. */
void ps_svm_cu_smo_launch(struct ps_svm_cu_problem *all, const int32_t *list, int64_t blocks, int threads,
                          int copies, bool nu);

#endif
