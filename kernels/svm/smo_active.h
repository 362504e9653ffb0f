/** Steps within a working set of rows whose part of the kernel matrix is small enough for the caches. */
#ifndef PS_SVM_SMO_ACTIVE_H
#define PS_SVM_SMO_ACTIVE_H

#include "kernels/svm/smo_state.h"

/** After how many steps over all rows a working set is worth its cost; INT64_MAX: never. */
int64_t ps_smo_active_from(const struct ps_svm_smo *s);

/** Solve within working sets, one after the other, until the violation over all variables is below eps, or
 * working sets do not pay, or max_iter is reached. Steps count as any.
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_smo_active(struct ps_smo_state *t);

#endif
