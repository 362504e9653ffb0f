/* Each sum is one chain in double precision over the terms in their order. A product of two floats is exact
 * in double precision, so that a fused multiply-add rounds as the host's addition does. */
#include "kernels/svm/cu.h"
#include <string.h>

enum { THREADS = 128, MOST = 4 /* columns of a thread: k is read once for them */ };

static __global__ void __launch_bounds__(THREADS)
    sums(const float *k, int64_t kstride, int64_t n, struct ps_svm_terms x, double *out, int64_t ostride)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x, first = (int64_t)blockIdx.y * MOST;
    const int cols = (int)min(x.cols - first, (int64_t)MOST);
    double sum[MOST];
    if (i >= n) return;
    PS_UNROLL_ALL
    for (int t = 0; t < MOST; t++) sum[t] = t < cols ? out[(first + t) * ostride + i] : 0;
    PS_UNROLL(8)
    for (int64_t e = 0; e < x.n; e++) {
        const double v = k[(int64_t)x.row[e] * kstride + i];
        PS_UNROLL_ALL
        for (int t = 0; t < MOST; t++)
            if (t < cols) sum[t] = fma(x.coef[e * x.cols + first + t], v, sum[t]);
    }
    PS_UNROLL_ALL
    for (int t = 0; t < MOST; t++)
        if (t < cols) out[(first + t) * ostride + i] = sum[t];
}

void ps_svm_sums_cu(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *terms, double *out,
                    int64_t ostride)
{
    const int64_t coefs = terms->n * terms->cols * (int64_t)sizeof *terms->coef;
    const int64_t rows = terms->n * (int64_t)sizeof *terms->row;
    if (n < 1 || terms->n < 1 || terms->cols < 1) return;
    struct ps_svm_stage *stage = ps_svm_stage_cu(coefs + rows);
    if (!stage) return;
    memcpy(stage->here, terms->coef, (size_t)coefs);
    memcpy(stage->here + coefs, terms->row, (size_t)rows);
    ps_svm_stage_send_cu(stage, coefs + rows);
    const struct ps_svm_terms there = {terms->n, (const int32_t *)(stage->there + coefs), terms->cols,
                                       (const double *)stage->there};
    const dim3 grid((unsigned)((n + THREADS - 1) / THREADS), (unsigned)((terms->cols + MOST - 1) / MOST));
    PS_LAUNCH(sums, grid, THREADS, 0, k, kstride, n, there, out, ostride);
    ps_svm_stage_done_cu(stage);
}
