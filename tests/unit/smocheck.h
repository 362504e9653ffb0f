/** What solutions of quadratic programs are judged by, computed from alpha in double precision. */
#ifndef SMOCHECK_H
#define SMOCHECK_H

#include <math.h>
#include "kernels/svm/svm_kernels.h"

/** f from alpha, in double precision. */
static inline void smo_gradient(const struct ps_svm_smo *s, const double *alpha, double *f)
{
    for (int64_t r = 0; r < s->n; r++) {
        f[r] = 0;
        for (int64_t v = 0; v < s->copies * s->n; v++)
            f[r] += (double)s->k[v % s->n * s->stride + r] * s->y[v] * alpha[v];
    }
}

static inline bool smo_may(const struct ps_svm_smo *s, int64_t v, const double *alpha, bool rise)
{
    return s->c[v] > 0 && ((s->y[v] > 0) == rise ? alpha[v] < s->c[v] : alpha[v] > 0);
}

/** The largest violation, and the pair. */
static inline double smo_violation(const struct ps_svm_smo *s, const double *alpha, const double *f,
                                   int64_t pair[2])
{
    double worst = -INFINITY;
    for (int y = -1; y <= 1; y += 2) {
        int64_t up = -1, low = -1;
        double most = -INFINITY, least = INFINITY;
        for (int64_t v = 0; v < s->copies * s->n; v++) {
            if (s->nu && s->y[v] != y) continue;
            double score = -f[v % s->n] - s->y[v] * s->p[v];
            if (smo_may(s, v, alpha, true) && score > most) most = score, up = v;
            if (smo_may(s, v, alpha, false) && score < least) least = score, low = v;
        }
        if (up < 0 || low < 0 || most - least <= worst) continue;
        worst = most - least;
        pair[0] = up, pair[1] = low;
    }
    return worst;
}

static inline double smo_objective(const struct ps_svm_smo *s, const double *alpha, const double *f)
{
    double sum = 0;
    for (int64_t v = 0; v < s->copies * s->n; v++) sum += alpha[v] * (0.5 * s->y[v] * f[v % s->n] + s->p[v]);
    return sum;
}

#endif
