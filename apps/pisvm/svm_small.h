/** One problem that fits into one thread's kernel matrix, for all folds and all C of a sweep. Makes no MPI
 * call and is safe in parallel regions, where kernels have no device. */
#ifndef SVM_SMALL_H
#define SVM_SMALL_H

#include "apps/pisvm/svm_type.h"
#include "kernels/svm/svm_kernels.h"

/** The rows of one problem and their kernel values. */
struct svm_small {
    const struct ps_svm_kernels *kernels;
    int64_t n;
    const float *k; /**< [n][stride]; borrowed; on the kernels' device, if they have one */
    int64_t stride;
    const float *const *place;               /**< [n] where rows of k are, as `row` in ps_svm_smo; or NULL */
    void (*want)(void *source, int64_t row); /**< as in ps_svm_smo, with `source` and `diagonal`; or NULL */
    void *source;
    const float *diagonal;
    const struct svm_row *row; /**< [n] targets; left_out is not looked at */
    const int16_t *fold;       /**< [n] the fold in which a row is left out, or NULL: no folds */
    double *f; /**< [n] room on the device for starts that are not zero; NULL without a device; borrowed */
    double eps;
    int64_t max_iter;
};

/** One solution: coefficients, and f - rho for all rows (of use for those left out). */
struct svm_solution {
    struct svm_result result;
    double *coef;     /**< [n] */
    double *decision; /**< [n] sum_j coef_j K(row, row j) - rho */
};

/** A problem with the rows of one fold left out, on its way from C to C: what solves several beside each
 * other takes its steps itself. */
struct svm_small_way {
    const struct svm_small *s;
    struct svm_row *row; /**< [n]; owned, as the variables */
    struct svm_vars vars;
    bool has_start;            /**< its f is still to be made */
    struct ps_svm_smo program; /**< to be solved next */
};

/** Begin with the rows of fold `fold` left out (-1: none). Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_small_open(const struct svm_small *s, int fold, struct svm_small_way *out);
void svm_small_close(struct svm_small_way *w);

/** Make the program for cost[c], which follows a solution for cost[c - 1]. Local.
 * @return PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM */
enum ps_status svm_small_prepare(struct svm_small_way *w, const struct svm_cost *cost, int c);

/** Make f of its start, where that is not zero. Local; with a device from one thread.
 * @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status svm_small_start(struct svm_small_way *w);

/** What came out of the program, when it is solved. Local. @return PS_OK */
enum ps_status svm_small_result(const struct svm_small_way *w, const struct svm_cost *cost,
                                struct svm_solution *out);

/** Solve for costs cost[0..ncost), in this order, each but the first from the solution before it
 * (svm_vars_recost) where the type allows, with the rows of fold `fold` left out (-1: none). Local.
 * @param out [ncost]; coef and decision are the caller's arrays; decision may be NULL
 * @return PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM */
enum ps_status svm_small_solve(const struct svm_small *s, const struct svm_cost *cost, int ncost, int fold,
                               struct svm_solution *out);

#endif
