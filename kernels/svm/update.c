/* f[r] += sum_w coef[w] col[w][r]: each f[r] is one chain of fused multiply-adds in the order of w, in both
 * forms. */
#include "kernels/svm/smo.h"

/* A block of f stays in the first-level cache while all columns stream past it. */
enum { BLOCK = 512, TOGETHER = 4 };

void ps_svm_update_ref(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f)
{
    for (int64_t r = 0; r < n; r++)
        for (int64_t w = 0; w < ncol; w++) f[r] = ps_svm_fma(coef[w], (double)col[w][r], f[r]);
}

/** Four columns at once: f is loaded and stored once for them. */
static void add_four(const float *const *col, const double *coef, int64_t lo, int64_t hi, double *restrict f)
{
    const float *restrict k0 = col[0], *restrict k1 = col[1], *restrict k2 = col[2], *restrict k3 = col[3];
    double c0 = coef[0], c1 = coef[1], c2 = coef[2], c3 = coef[3];
    for (int64_t r = lo; r < hi; r++) {
        double t = ps_svm_fma(c0, (double)k0[r], f[r]);
        t = ps_svm_fma(c1, (double)k1[r], t);
        t = ps_svm_fma(c2, (double)k2[r], t);
        f[r] = ps_svm_fma(c3, (double)k3[r], t);
    }
}

static void add_one(const float *restrict k, double c, int64_t lo, int64_t hi, double *restrict f)
{
    for (int64_t r = lo; r < hi; r++) f[r] = ps_svm_fma(c, (double)k[r], f[r]);
}

void ps_svm_update_cpu(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f)
{
#pragma omp parallel for schedule(static) if (ncol * n > 16 * BLOCK)
    for (int64_t lo = 0; lo < n; lo += BLOCK) {
        int64_t hi = n - lo < BLOCK ? n : lo + BLOCK, w = 0;
        for (; w + TOGETHER <= ncol; w += TOGETHER) add_four(col + w, coef + w, lo, hi, f);
        for (; w < ncol; w++) add_one(col[w], coef[w], lo, hi, f);
    }
}
