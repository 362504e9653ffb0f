/* Each sum is one chain in double precision over the terms in their order, which begins with what `out`
 * holds. A product of two floats is exact in double, so a multiply-add rounds as an addition does, and
 * machines with and without that instruction agree. */
#include "kernels/svm/sums.h"
#include "kernels/svm/double_lanes.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = PS_DOUBLES,
    VECS = PS_LANES == 16 ? 4 : 2, /* of rows: a tile's sums stay in registers */
    ROWS = VECS * LANES,
    MOST = PS_LANES == 16 ? 6 : 5 /* columns of a tile */
};
_Static_assert(PS_SVM_SUMS % ROWS == 0, "whole tiles");

typedef float half __attribute__((vector_size(4 * LANES)));

INLINE ps_vd widened(const float *p)
{
    half v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, ps_vd);
}

/** Rows [0, ROWS) of k, columns [at, at + cols) of the terms. */
INLINE void chains(const float *k, int64_t kstride, const struct ps_svm_terms *x, int64_t at, int cols,
                   double *out, int64_t ostride)
{
    ps_vd sum[MOST][VECS];
    for (int t = 0; t < cols; t++)
        for (int v = 0; v < VECS; v++) sum[t][v] = ps_vd_load(out + (at + t) * ostride + v * LANES);
    for (int64_t e = 0; e < x->n; e++) {
        const float *from = k + x->row[e] * kstride;
        const double *coef = x->coef + e * x->cols + at;
        ps_vd y[VECS];
        for (int v = 0; v < VECS; v++) y[v] = widened(from + v * LANES);
        for (int t = 0; t < cols; t++)
            for (int v = 0; v < VECS; v++) sum[t][v] = ps_vd_fma(ps_vd_all(coef[t]), y[v], sum[t][v]);
    }
    for (int t = 0; t < cols; t++)
        for (int v = 0; v < VECS; v++) ps_vd_store(out + (at + t) * ostride + v * LANES, sum[t][v]);
}

void ps_svm_sums_cpu(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *x, double *out,
                     int64_t ostride)
{
    for (int64_t i = 0; i < n; i += ROWS)
        for (int64_t at = 0, cols; at < x->cols; at += cols) {
            const int64_t left = x->cols - at;
            cols = left < MOST ? left : MOST;
            if (cols == 1)
                chains(k + i, kstride, x, at, 1, out + i, ostride);
            else if (cols == 2)
                chains(k + i, kstride, x, at, 2, out + i, ostride);
            else if (cols == 3)
                chains(k + i, kstride, x, at, 3, out + i, ostride);
            else if (cols == 4)
                chains(k + i, kstride, x, at, 4, out + i, ostride);
            else if (cols == 5)
                chains(k + i, kstride, x, at, 5, out + i, ostride);
            else
                chains(k + i, kstride, x, at, MOST, out + i, ostride);
        }
}

void ps_svm_sums_ref(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *x, double *out,
                     int64_t ostride)
{
    for (int64_t t = 0; t < x->cols; t++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t e = 0; e < x->n; e++)
                out[t * ostride + i] += (double)k[x->row[e] * kstride + i] * x->coef[e * x->cols + t];
}
