/** One problem that fits into one thread's kernel matrix, for all folds and all C of a sweep. Makes no MPI
 * call and is safe in parallel regions. */
#ifndef SVM_SMALL_H
#define SVM_SMALL_H

#include "apps/pisvm/svm_type.h"
#include "kernels/svm/svm_kernels.h"

/** The rows of one problem and their kernel values. */
struct svm_small {
    const struct ps_svm_kernels *kernels;
    int64_t n;
    const float *k; /**< [n][stride]; borrowed */
    int64_t stride;
    const float *const *place;               /**< [n] where rows of k are, as `row` in ps_svm_smo; or NULL */
    void (*want)(void *source, int64_t row); /**< as in ps_svm_smo, with `source` and `diagonal`; or NULL */
    void *source;
    const float *diagonal;
    const struct svm_row *row; /**< [n] targets; left_out is not looked at */
    const int16_t *fold;       /**< [n] the fold in which a row is left out, or NULL: no folds */
    double eps;
    int64_t max_iter;
};

/** One solution: coefficients, and f - rho for all rows (of use for those left out). */
struct svm_solution {
    struct svm_result result;
    double *coef;     /**< [n] */
    double *decision; /**< [n] sum_j coef_j K(row, row j) - rho */
};

/** Solve for costs cost[0..ncost), in this order, each but the first from the solution before it
 * (svm_vars_recost) where the type allows, with the rows of fold `fold` left out (-1: none). Local.
 * @param out [ncost]; coef and decision are the caller's arrays; decision may be NULL
 * @return PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM */
enum ps_status svm_small_solve(const struct svm_small *s, const struct svm_cost *cost, int ncost, int fold,
                               struct svm_solution *out);

#endif
