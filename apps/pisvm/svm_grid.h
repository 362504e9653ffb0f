/** Grid search over gamma and C inside one job. */
#ifndef SVM_GRID_H
#define SVM_GRID_H

#include "apps/pisvm/svm_validate.h"

/** The grid. */
struct svm_grid {
    const double *c, *gamma; /**< ascending */
    int nc, ngamma;
    int folds;
    const char *csv; /**< file for the table, or "" */
};

/** Validate all points, gamma after gamma; print the table gamma x C with accuracy (regression: mean squared
 * error) and minutes, write it as CSV and into the record; name the best point: the first of the best,
 * smallest C, then smallest gamma. With a checkpoint, a stop between or within gammas goes on at the first
 * gamma that is not done. Collective over run->comm.
 * @param cost the type's numbers; c is replaced
 * @param best out: indices of C and gamma
 * @return (agreed) as svm_train; PS_EIO */
enum ps_status svm_grid_run(const struct svm_train_spec *spec, const struct ps_svm_function *f,
                            const struct svm_cost *cost, const struct svm_grid *grid, int best[2]);

#endif
