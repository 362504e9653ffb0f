/** Steps within a working set on scores in single precision, which take half the time: a set is solved to a
 * part of its violation only, and its neighbourhood changes anyway. */
#ifndef PS_SVM_SMO_SINGLE_H
#define PS_SVM_SMO_SINGLE_H

#include "kernels/svm/smo_state.h"

/** Rows of a matrix must be multiples of so many numbers, those beyond n finite. */
enum { PS_SMO_SINGLE = 32 };

static inline int64_t ps_smo_single_padded(int64_t n)
{
    return (n + PS_SMO_SINGLE - 1) / PS_SMO_SINGLE * PS_SMO_SINGLE;
}

/** Scores of a program in single precision. */
struct ps_smo_single {
    int64_t rows;         /**< of a copy, padded */
    float *score;         /**< [copies * rows] beyond the middle, in units in which the violation is 1 to 2 */
    float *rise, *fall;   /**< [copies * rows] 0 where a variable may rise, else -INFINITY; fall: INFINITY */
    float *diagonal;      /**< [rows] */
    double *alpha;        /**< [copies * n] of the last time that scores were exact */
    const float **col;    /**< [n] rows of the matrix whose variables changed, */
    double *coef;         /**< and by how much f takes part in it, with its sign turned */
    double scale, middle; /**< of scores */
};

/** Memory for programs of up to `n` rows. @return NULL: none; else freed by the caller */
void *ps_smo_single_make(int64_t n, int copies, struct ps_smo_single *x);

/** One equality? */
bool ps_smo_single_can(const struct ps_svm_smo *s);

/** As ps_smo_steps. Scores in double precision are up to date afterwards.
 * @param error out: by how much a score of a free variable was off in the end */
bool ps_smo_single_steps(struct ps_smo_state *t, struct ps_smo_single *x, int64_t most, double *error);

#endif
