/** Newton's method on the free variables of a program. */
#ifndef PS_SVM_SMO_NEWTON_H
#define PS_SVM_SMO_NEWTON_H

#include <stddef.h>
#include "kernels/svm/smo_state.h"

/** One variable per row, and one equality? */
bool ps_smo_newton_can(const struct ps_svm_smo *s);

/** Memory that one call leaves to the next: new pages cost as much as the work. Begins as 0; the caller frees
 * `at`. */
struct ps_smo_room {
    void *at;
    size_t size;
};

/** Minimise over the free variables as far as bounds allow, all others fixed. Scores and marks follow; it
 * counts as one step. Nothing happens where fewer than two variables are free or their matrix cannot be
 * factored.
 * @param cost out: operations, in units of a multiplication of a product of large matrices
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_smo_newton(struct ps_smo_state *t, struct ps_smo_room *room, double *cost);

#endif
