/** The five types of support vector machines as one form of quadratic program. Source: Chang, Lin (2011),
 * LIBSVM, section 2 and eqs. 1-10. */
#ifndef SVM_TYPE_H
#define SVM_TYPE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

enum svm_type { SVM_C_SVC, SVM_NU_SVC, SVM_ONE_CLASS, SVM_EPSILON_SVR, SVM_NU_SVR };

/** What the type needs beside rows: one problem's numbers. */
struct svm_cost {
    enum svm_type type;
    double c; /**< SVR; the two below: C-SVC, weight of the class included */
    double c_positive, c_negative;
    double nu, p;
};

/** Own part of one problem's variables; variable v belongs to own row v % n. In classification the rows of
 * the first class come first and have y = +1. */
struct svm_vars {
    int64_t n;  /**< own rows */
    int copies; /**< 2 in regression: alpha, then alpha* */
    bool nu;
    int8_t *y; /**< [copies * n]; all owned */
    double *p, *c, *alpha;
    double *f; /**< [n] sum_v K(row, row v) y_v alpha_v */
};

/** What variable `at` may do, its score -f - y p, and the set within which pairs are made. Local. */
static inline bool svm_may_rise(const struct svm_vars *v, int64_t at)
{
    return v->c[at] > 0 && (v->y[at] > 0 ? v->alpha[at] < v->c[at] : v->alpha[at] > 0);
}
static inline bool svm_may_fall(const struct svm_vars *v, int64_t at)
{
    return v->c[at] > 0 && (v->y[at] > 0 ? v->alpha[at] > 0 : v->alpha[at] < v->c[at]);
}
static inline double svm_score(const struct svm_vars *v, int64_t row, int64_t at)
{
    return -(v->f[row] + v->y[at] * v->p[at]);
}
static inline int svm_side(const struct svm_vars *v, int64_t at)
{
    return v->nu && v->y[at] < 0;
}

/** What one row is to a problem. */
struct svm_row {
    double target; /**< classification: +1 or -1; regression: the value; one-class: 1 */
    bool left_out; /**< of the fold that is trained: its variables stay 0 */
};

/** Make the variables with the type's own start (zeros, or for nu types LIBSVM's); f is 0 where the start is
 * zero, else it is not set and *has_start is true. Collective over comm (own rows follow those of the ranks
 * before); MPI_COMM_NULL: one rank holds all, and no MPI call is made.
 * @return PS_OK; PS_EUSAGE where nu is infeasible for these rows; PS_ENOMEM. Not agreed */
enum ps_status svm_vars_make(MPI_Comm comm, const struct svm_cost *cost, const struct svm_row *row, int64_t n,
                             struct svm_vars *out, bool *has_start);
void svm_vars_free(struct svm_vars *v);

/** Bring a solution for another C to this cost, as a start: bounds change, alpha and f are multiplied by the
 * factor in [1, C / old C] (or [C / old C, 1]) that gives the least objective; from a larger C, alpha is
 * multiplied by C / old C. C-SVC and epsilon-SVR only. Collective over comm or MPI_COMM_NULL; sums are exact.
 */
enum ps_status svm_vars_recost(MPI_Comm comm, const struct svm_cost *from, const struct svm_cost *to,
                               struct svm_vars *v);

/** What comes out of a solved problem; all ranks of comm get the same. */
struct svm_result {
    double objective, rho;
    double nu; /**< sum of alpha / (C n): what piSVM prints as nu */
    double r;  /**< nu types: the scale that alpha, rho and objective were divided by (nu-SVC) or -epsilon
                    (nu-SVR); else 0 */
    int64_t sv, bounded; /**< support vectors (rows with a coefficient), at their bound */
    int64_t iterations;
    double violation;
};

/** Objective, rho and counts, with sums that do not depend on the cut; coefficients of rows. Collective over
 * comm or MPI_COMM_NULL.
 * @param out iterations and violation are the solver's and stay as they are
 * @param coef out [n] y alpha of own rows (regression: alpha - alpha*), scaled as the type asks
 * @return PS_OK; PS_EMPI. Not agreed */
enum ps_status svm_vars_result(MPI_Comm comm, const struct svm_cost *cost, const struct svm_vars *v,
                               struct svm_result *out, double *coef);

#endif
