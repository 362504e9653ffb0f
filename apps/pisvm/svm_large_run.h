/** Large problems of a sweep: one after the other, each by all ranks. */
#ifndef SVM_LARGE_RUN_H
#define SVM_LARGE_RUN_H

#include "apps/pisvm/svm_resume.h"

/** Solve the large problems that are not done; the own parts of their machines go to j->pieces. Collective.
 * @return (agreed) PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM; PS_EMPI; PS_EIO; PS_STOPPED with a checkpoint
 */
enum ps_status svm_large_run(struct svm_job *j);

#endif
