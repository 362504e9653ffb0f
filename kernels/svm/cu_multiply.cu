/* Products of kernel values and few columns, with sums cut as the host's (multiply.c). */
#include "kernels/svm/cu.h"

enum { THREADS = 256, BLOCK = 256, STEP = 16 };

struct product {
    const float *k;
    int64_t n, m, kstride;
    const float *b;
    int64_t cols, bstride;
    double *out;
    int64_t ostride;
};

static __global__ void __launch_bounds__(THREADS) multiply(struct product p)
{
    const int64_t e = (int64_t)blockIdx.x * THREADS + threadIdx.x, i = e / p.cols, t = e % p.cols;
    if (i >= p.n) return;
    double sum = p.out[i * p.ostride + t];
    for (int64_t block = 0; block < p.m; block += BLOCK) {
        float total = 0;
        for (int64_t step = block; step < block + BLOCK && step < p.m; step += STEP) {
            float chain = 0;
            for (int64_t j = step; j < step + STEP && j < p.m; j++)
                chain = fmaf(p.k[i * p.kstride + j], p.b[j * p.bstride + t], chain);
            total = __fadd_rn(total, chain);
        }
        sum = __dadd_rn(sum, (double)total);
    }
    p.out[i * p.ostride + t] = sum;
}

void ps_svm_multiply_cu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                        int64_t bstride, double *out, int64_t ostride)
{
    const struct product p = {k, n, m, kstride, b, cols, bstride, out, ostride};
    if (n < 1 || m < 1 || cols < 1) return;
    PS_LAUNCH(multiply, (unsigned)((n * cols + THREADS - 1) / THREADS), THREADS, 0, p);
}
