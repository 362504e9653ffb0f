/** Newton's method on the free variables of a program. */
#ifndef PS_SVM_SMO_NEWTON_H
#define PS_SVM_SMO_NEWTON_H

#include "kernels/svm/smo_state.h"

/** One variable per row, and one equality? */
bool ps_smo_newton_can(const struct ps_svm_smo *s);

/** Minimise over the free variables as far as bounds allow, all others fixed. Scores and marks follow; it
 * counts as one step. Nothing happens where fewer than two variables are free or their matrix cannot be
 * factored.
 * @param cost out: operations, in units of a multiplication of a product of large matrices
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_smo_newton(struct ps_smo_state *t, double *cost);

#endif
