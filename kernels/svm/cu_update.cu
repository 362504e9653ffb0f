#include "kernels/svm/cu.h"

enum { THREADS = 128, TOGETHER = 16 /* columns whose values are on their way at a time */ };

struct term {
    const float *col;
    double coef;
};

/* Each row is one chain in the order of the columns, as on the host. Bytes of memory bound it: 4 a column and
 * 16 a row, for one operation in double precision a column. */
static __global__ void __launch_bounds__(THREADS)
    update(const struct term *terms, int64_t ncol, int64_t n, double *f)
{
    const int64_t r = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    int64_t w = 0;
    if (r >= n) return;
    double sum = f[r];
    for (; w + TOGETHER <= ncol; w += TOGETHER) {
        float k[TOGETHER];
        PS_UNROLL_ALL
        for (int t = 0; t < TOGETHER; t++) k[t] = __ldcs(terms[w + t].col + r);
        PS_UNROLL_ALL
        for (int t = 0; t < TOGETHER; t++) sum = fma(terms[w + t].coef, (double)k[t], sum);
    }
    for (; w < ncol; w++) sum = fma(terms[w].coef, (double)terms[w].col[r], sum);
    f[r] = sum;
}

void ps_svm_update_cu(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f)
{
    const int64_t bytes = ncol * (int64_t)sizeof(struct term);
    if (ncol < 1 || n < 1) return;
    struct ps_svm_stage *stage = ps_svm_stage_cu(bytes);
    if (!stage) return;
    for (int64_t w = 0; w < ncol; w++) ((struct term *)stage->here)[w] = {col[w], coef[w]};
    ps_svm_stage_send_cu(stage, bytes);
    PS_LAUNCH(update, (unsigned)((n + THREADS - 1) / THREADS), THREADS, 0, (const struct term *)stage->there,
              ncol, n, f);
    ps_svm_stage_done_cu(stage);
}
