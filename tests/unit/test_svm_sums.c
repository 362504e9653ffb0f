/* ranks: 1 */
#include "mpicheck.h"
#include "kernels/rng.h"
#include "kernels/svm/svm_kernels.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The bits of plain loops on any machine, numbers of threads and cut of m; what lies beyond rows' ends is not
 * looked at. */
static void check(int64_t n, int64_t m, int64_t cols, int threads)
{
    const int64_t kstride = m + 3, bstride = cols + 2, ostride = cols + 1, cut = m / 3;
    const struct ps_rng rng = {(uint32_t)(n + m), (uint32_t)cols};
    float *k = malloc((size_t)(n * kstride + 1) * sizeof *k),
          *b = malloc((size_t)(m * bstride + 1) * sizeof *b);
    double *out[3];
    for (int64_t i = 0; i < n * kstride; i++) k[i] = i % kstride < m ? (float)ps_rng_uniform(rng, i, 1) : NAN;
    for (int64_t i = 0; i < m * bstride; i++)
        b[i] = i % bstride < cols ? (float)(1e4 * ps_rng_normal(rng, i, 2)) : NAN;
    for (int w = 0; w < 3; w++) {
        out[w] = malloc((size_t)(n * ostride + 1) * sizeof *out[w]);
        for (int64_t i = 0; i < n * ostride; i++) out[w][i] = (double)i * 0.1;
    }
    ps_svm_ref.sums(k, n, m, kstride, b, cols, bstride, out[0], ostride);
    omp_set_num_threads(threads);
    ps_svm_cpu.sums(k, n, m, kstride, b, cols, bstride, out[1], ostride);
    omp_set_num_threads(1);
    ps_svm_cpu.sums(k, n, cut, kstride, b, cols, bstride, out[2], ostride);
    ps_svm_cpu.sums(k + cut, n, m - cut, kstride, b + cut * bstride, cols, bstride, out[2], ostride);
    for (int w = 1; w < 3; w++)
        ck_assert_msg(memcmp(out[0], out[w], (size_t)(n * ostride) * sizeof *out[0]) == 0,
                      "n %d m %d cols %d: other bits (%d)", (int)n, (int)m, (int)cols, w);
    for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < cols; t++) {
            long double want = (double)(i * ostride + t) * 0.1, size = want;
            for (int64_t j = 0; j < m; j++) {
                const long double x = (long double)k[i * kstride + j] * (long double)b[j * bstride + t];
                want += x, size += fabsl(x);
            }
            ck_assert(fabsl(out[1][i * ostride + t] - want) <= (long double)(m + 1) * 0x1p-53L * size);
        }
    free(k), free(b), free(out[0]), free(out[1]), free(out[2]);
}

START_TEST(products)
{
    static const int64_t rows[] = {1, 5, 6, 7, 11, 12, 13, 40}, inner[] = {1, 2, 127, 128, 129, 300};
    static const int64_t cols[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 95, 96, 97, 200};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t j = 0; j < sizeof inner / sizeof *inner; j++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                check(rows[r], inner[j], cols[c], 1 + (int)(r + j + c) % 3);
    check(1200, 700, 5, 3);
    check(0, 5, 5, 2);
    check(5, 0, 5, 2);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {products, NULL};
    return mck_main(argc, argv, "svm_sums", tests);
}
