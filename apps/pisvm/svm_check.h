/** Decision values in double precision, fast ones and those of LIBSVM's very arithmetic, with bounds of how
 * far values may lie from what LIBSVM computes.
 *
 * The bounds. Let u be the unit roundoff (2^-24 or 2^-53), |a| the norm of a row, |b| the largest one of a
 * group of support vectors, n the number of products in a scalar product. Rows may be rounded to the format
 * first. To first order a chain of n multiply-adds errs by (n + 2) u sum_i |a_i b_i| <= (n + 2) u |a| |b|; a
 * squared distance, from norms and product or from differences, by (n + 10) u (|a| + |b|)^2. From there:
 *   linear      |a||b| times (n + 4) u
 *   polynomial  with B = gamma |a||b| + |r| and its error E = gamma (n + 4) u |a||b| + 3 u B: d (B + E)^(d-1)
 * E and 2 d u B^d for the powers RBF         relative: exp(gamma (n + 12) u (|a| + |b|)^2) - 1 and 8 u for
 * exp sigmoid     |tanh'| <= 1: E as for polynomials, and 16 u Some units stand for what is left out: second
 * order terms and LIBSVM's own roundings, which are of the same form. Source: Higham (2002), Accuracy and
 * Stability of Numerical Algorithms, sections 3.1 and 3.5. */
#ifndef SVM_CHECK_H
#define SVM_CHECK_H

#include "apps/pisvm/svm_model.h"

/** A model's support vectors, laid out for products with rows. Without classes all are one group. */
struct svm_check {
    const struct svm_model *m; /**< borrowed */
    int groups, ncoef;
    int64_t pairs;
    int64_t *first;   /**< [groups + 1] first support vector; all arrays owned */
    double *norm2;    /**< [sv] */
    double *largest;  /**< [groups] largest norm */
    int64_t *longest; /**< [groups] most entries */
    double *weight;   /**< [groups] sum over support vectors of the largest |coefficient| */
    int64_t *block;   /**< [groups + 1] first block of 32 support vectors */
    double *coef;     /**< [blocks][ncoef][32] */
    double *panel;    /**< [blocks][cols][32], or NULL: too large, rows are spread instead */
    bool differences; /**< squared distances from differences, all columns of a row */
};

/** Rows of which values are wanted. */
struct svm_check_rows {
    const struct ps_csr *x;
    const int64_t *row;  /**< [n] */
    const uint8_t *need; /**< [n][groups] values of pairs of two marked groups are wanted; NULL: all */
    double *value;       /**< out [n][stride]: where wanted, rho taken off; else of no use */
    int64_t stride;
};

/** Prepare. Local; uses all threads. @return PS_OK; PS_ENOMEM */
enum ps_status svm_check_make(const struct svm_model *m, struct svm_check *out);
void svm_check_free(struct svm_check *c);

/** Number of doubles that svm_check_values works in. Local. */
int64_t svm_check_work(const struct svm_check *c);

/** Decision values of listed rows [lo, hi). Local, one thread; a row's bits depend on that row alone.
 * @param work [svm_check_work], zeros at first */
void svm_check_values(const struct svm_check *c, const struct svm_check_rows *r, int64_t lo, int64_t hi,
                      double *work);

/** One decision value as LIBSVM computes it, to the bit: pair (a, b), or (0, 0) where there are no classes.
 * Local. */
double svm_check_exact(const struct svm_check *c, const struct ps_csr *x, int64_t row, int a, int b);

/** Bound of the error of one kernel value. Local.
 * @param n products in a scalar product
 * @param unit 2^-24 or 2^-53
 * @param largest out: bound of the value itself
 * @return absolute bound, of an RBF relative; infinity where there is none */
double svm_kernel_error(const struct ps_svm_function *f, double a, double b, int64_t n, double unit,
                        double *largest);

/** What the values of svm_check_values may differ by from LIBSVM's. Local.
 * @param norm |x|; @param entries of the row */
double svm_check_bound(const struct svm_check *c, double norm, int64_t entries, int a, int b);

/** Number of pair (a, b), a < b; 0 for (0, 0). Local. */
static inline int64_t svm_pair_number(int groups, int a, int b)
{
    return a == b ? 0 : (int64_t)a * (2 * groups - a - 1) / 2 + b - a - 1;
}

#endif
