/** What both solvers do alike: which way a variable may go, the worth of a pair, the step. Scores are
 * -f - y p; a step moves a variable i that may raise y alpha and a variable j that may lower it.
 * Source: Fan, Chen, Lin (2005), "Working set selection using second order information for training support
 * vector machines", WSS 2. */
#ifndef PS_SVM_SMO_STEP_H
#define PS_SVM_SMO_STEP_H

#include <stdbool.h>
#include <string.h>
#include "kernels/svm/smo.h"

/** In place of a curvature that is not positive, as in LIBSVM. */
#define PS_SMO_TAU 1e-12

PS_SVM_BOTH static inline bool ps_smo_may_rise(const struct ps_svm_smo *s, int64_t v)
{
    return s->c[v] > 0 && (s->y[v] > 0 ? s->alpha[v] < s->c[v] : s->alpha[v] > 0);
}

PS_SVM_BOTH static inline bool ps_smo_may_fall(const struct ps_svm_smo *s, int64_t v)
{
    return s->c[v] > 0 && (s->y[v] > 0 ? s->alpha[v] > 0 : s->alpha[v] < s->c[v]);
}

/** Number of sets within which pairs are made, and the one of a variable. */
PS_SVM_BOTH static inline int ps_smo_groups(const struct ps_svm_smo *s)
{
    return s->nu ? 2 : 1;
}
PS_SVM_BOTH static inline int ps_smo_group(const struct ps_svm_smo *s, int64_t v)
{
    return s->nu && s->y[v] < 0;
}

PS_SVM_BOTH static inline int64_t ps_smo_row(const struct ps_svm_smo *s, int64_t v)
{
    return v < s->n ? v : v - s->n;
}

/** See to it that a row of the matrix is there. */
PS_SVM_BOTH static inline void ps_smo_want(const struct ps_svm_smo *s, int64_t row)
{
    if (s->want) s->want(s->source, row);
}

/** A row of the matrix, until another one is wanted. */
PS_SVM_BOTH static inline const float *ps_smo_k(const struct ps_svm_smo *s, int64_t row)
{
    return s->row ? s->row[row] : s->k + row * s->stride;
}

PS_SVM_BOTH static inline float ps_smo_diagonal(const struct ps_svm_smo *s, int64_t row)
{
    return s->diagonal ? s->diagonal[row] : ps_smo_k(s, row)[row];
}

/** The power of two that brings a positive number into [1, 2); 1 where there is none. Choices are made in
 * single precision on numbers of moderate size, whatever the unit of the data. */
PS_SVM_BOTH static inline double ps_smo_scale(double x)
{
    uint64_t bits, exponent;
    memcpy(&bits, &x, sizeof bits);
    exponent = bits >> 52;
    if (exponent == 0 || exponent > 2045) return 1; /* zero or tiny, negative, infinite, no number */
    bits = (2046 - exponent) << 52;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/** The least curvature that a choice reckons with: PS_SMO_TAU in the unit of the kernel values, which the
 * largest of the diagonal, `most`, shows. */
PS_SVM_BOTH static inline float ps_smo_least_of(double most)
{
    return (float)(PS_SMO_TAU / ps_smo_scale(most));
}
static inline float ps_smo_least(const struct ps_svm_smo *s)
{
    double most = 0;
    for (int64_t r = 0; r < s->n; r++) {
        double k = fabs((double)ps_smo_diagonal(s, r));
        most = k > most ? k : most;
    }
    return ps_smo_least_of(most);
}

/** 1/a starts from the complement of a's bits, 5 % off, and takes one step of Newton's method: 0.3 %. */
#define PS_SMO_RECIPROCAL 0x7ef127eau

/** Worth of a pair with scores `b` apart and curvature `a`, at least `least`: b^2 / a, to 0.3 %. A function
 * of its arguments alone, built of operations that vectors of any width have: all paths choose alike. */
PS_SVM_BOTH static inline float ps_smo_worth(float b, float a, float least)
{
    uint32_t bits;
    float inverse;
    a = a > least ? a : least;
    memcpy(&bits, &a, sizeof bits);
    bits = PS_SMO_RECIPROCAL - bits;
    memcpy(&inverse, &bits, sizeof inverse);
    return b * b * (inverse * ps_svm_fmaf(-a, inverse, 2.0f));
}

PS_SVM_BOTH static inline double ps_smo_curvature(float kii, float kjj, float kij)
{
    return (double)kii + (double)kjj - 2 * (double)kij;
}

/** Move alpha of a pair whose scores are `b` > 0 and curvature `a` apart to the minimum on their line, or to
 * the first bound, which is then met to the bit.
 * @param w out [2] changes of y alpha of i and of j
 * @return false where the step is lost in rounding */
PS_SVM_BOTH static inline bool ps_smo_move(struct ps_svm_smo *s, int64_t i, int64_t j, double b, double a,
                                           double w[2])
{
    double room_i = s->y[i] > 0 ? s->c[i] - s->alpha[i] : s->alpha[i];
    double room_j = s->y[j] > 0 ? s->alpha[j] : s->c[j] - s->alpha[j];
    double d = b / (a > 0 ? a : PS_SMO_TAU);
    if (!(d < room_i)) d = room_i;
    if (!(d < room_j)) d = room_j;
    double old_i = s->alpha[i], old_j = s->alpha[j];
    s->alpha[i] = d < room_i ? old_i + s->y[i] * d : s->y[i] > 0 ? s->c[i] : 0;
    s->alpha[j] = d < room_j ? old_j - s->y[j] * d : s->y[j] > 0 ? 0 : s->c[j];
    w[0] = s->y[i] * (s->alpha[i] - old_i);
    w[1] = s->y[j] * (s->alpha[j] - old_j);
    return w[0] != 0 || w[1] != 0;
}

/** f of the start, as score of variable v; and back. */
PS_SVM_BOTH static inline double ps_smo_score(const struct ps_svm_smo *s, int64_t v)
{
    return -(s->f[ps_smo_row(s, v)] + s->y[v] * s->p[v]);
}
PS_SVM_BOTH static inline double ps_smo_f(const struct ps_svm_smo *s, int64_t row, double score)
{
    return -(score + s->y[row] * s->p[row]);
}

/** A score after a step. */
PS_SVM_BOTH static inline double ps_smo_advanced(double score, const double w[2], float ki, float kj)
{
    return ps_svm_fma(-w[0], (double)ki, ps_svm_fma(-w[1], (double)kj, score));
}

#endif
