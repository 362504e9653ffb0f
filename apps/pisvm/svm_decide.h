/** Decision values of rows against support vectors, and what follows from them: votes and probabilities. */
#ifndef SVM_DECIDE_H
#define SVM_DECIDE_H

#include "apps/pisvm/svm_type.h"
#include "kernels/svm/svm_kernels.h"

/** Support vectors of one class with the columns that their coefficients go to. */
struct svm_group {
    const struct ps_svm_pack *pack; /**< packed like the rows */
    int64_t lo, hi;                 /**< of the pack */
    int64_t cols;                   /**< columns of coef */
    const float *coef;              /**< [hi - lo][cols]; on the kernels' device, if they have one */
    const int32_t *column;          /**< [cols] the decision value that a column adds to */
};

/** What decision values are made of. */
struct svm_decision {
    const struct ps_svm_kernels *kernels;
    struct ps_svm_function function;
    const struct ps_svm_pack *rows;
    int groups;
    const struct svm_group *group; /**< [groups] */
    int64_t stride;                /**< numbers of a row */
};

/** value[i][column] += sum_s coef[s][.] k(row i, support vector s) for rows [rlo, rhi) of a pack, group after
 * group. Local; uses the threads of its caller. The bits of a value do not depend on rlo, rhi.
 * @param value [rhi - rlo][stride], double
 * @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status svm_decide(const struct svm_decision *d, int64_t rlo, int64_t rhi, double *value);

/** The same on the device that the kernels have. */
enum ps_status svm_decide_there(const struct svm_decision *d, int64_t rlo, int64_t rhi, double *value);

/** The class that wins the votes of pairs (0,1) (0,2) ... (1,2) ...: the first of those with most. Local.
 * @param value [nclass (nclass - 1) / 2]; positive: the first class of the pair
 * @param votes out [nclass], or NULL */
int svm_vote(int nclass, const double *value, int *votes);

/** Probabilities of the classes from decision values and sigmoids. Local. Source: Wu, Lin, Weng (2004),
 * second approach, as LIBSVM iterates it.
 * @param work [nclass (nclass + 1)] */
void svm_probability(int nclass, const double *value, const double *prob_a, const double *prob_b,
                     double *work, double *p);

/** Fit the sigmoid 1 / (1 + exp(A f + B)) to decision values. Local. Source: Platt (2000); Lin, Lin, Weng
 * (2007).
 * @param positive [n] 1 where the row is of the first class */
void svm_sigmoid(const double *decision, const uint8_t *positive, int64_t n, double *a, double *b);

/** Width of the Laplace distribution of residuals, those beyond 5 standard deviations left out, as LIBSVM
 * estimates it. Local; destroys nothing. */
double svm_laplace(const double *residual, int64_t n);

#endif
