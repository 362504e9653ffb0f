/** How far f is from what double precision would give. */
#ifndef SVM_SAMPLE_H
#define SVM_SAMPLE_H

#include "apps/pisvm/svm_large_parts.h"

/** Compute f of a pseudo-random sample of rows anew, in double precision from the values as read: few enough
 * rows that it takes a small part of the time of `outer` iterations. Collective over s->spec.comm.
 * @param checked out: largest difference; -1 where there are no rows
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_sample_check(struct svm_large *s, const struct svm_vars *v, int64_t outer,
                                double *checked);

#endif
