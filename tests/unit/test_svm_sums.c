/* ranks: 1 */
#include "mpicheck.h"
#include "kernels/rng.h"
#include "kernels/svm/svm_kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bits of plain loops on any machine and cut of the terms; rows of k without a term are not looked at. */
static void check(int64_t n, int64_t terms, int64_t cols)
{
    const int64_t kstride = n + 3, ostride = n + 1, m = 2 * terms, cut = terms / 3;
    const struct ps_rng rng = {(uint32_t)(n + terms), (uint32_t)cols};
    float *k = malloc((size_t)(m * kstride + 1) * sizeof *k);
    double *coef = malloc((size_t)(terms * cols + 1) * sizeof *coef), *out[3];
    int32_t *row = malloc((size_t)(terms + 1) * sizeof *row);
    for (int64_t e = 0; e < terms; e++) row[e] = (int32_t)(2 * e + ps_rng_below(rng, (uint64_t)e, 3, 2));
    for (int64_t i = 0; i < m * kstride; i++)
        k[i] = i / kstride == row[i / kstride / 2] ? (float)ps_rng_uniform(rng, (uint64_t)i, 1) : NAN;
    for (int64_t i = 0; i < terms * cols; i++)
        coef[i] = (double)(float)(1e4 * ps_rng_normal(rng, (uint64_t)i, 2));
    for (int w = 0; w < 3; w++) {
        out[w] = malloc((size_t)(cols * ostride + 1) * sizeof *out[w]);
        for (int64_t i = 0; i < cols * ostride; i++) out[w][i] = (double)i * 0.1;
    }
    const struct ps_svm_terms all = {terms, row, cols, coef}, low = {cut, row, cols, coef};
    const struct ps_svm_terms high = {terms - cut, row + cut, cols, coef + cut * cols};
    ps_svm_ref.sums(k, kstride, n, &all, out[0], ostride);
    ps_svm_cpu.sums(k, kstride, n, &all, out[1], ostride);
    ps_svm_cpu.sums(k, kstride, n, &low, out[2], ostride);
    ps_svm_cpu.sums(k, kstride, n, &high, out[2], ostride);
    for (int w = 1; w < 3; w++)
        ck_assert_msg(memcmp(out[0], out[w], (size_t)(cols * ostride) * sizeof *out[0]) == 0,
                      "n %d terms %d cols %d: other bits (%d)", (int)n, (int)terms, (int)cols, w);
    for (int64_t t = 0; t < cols; t++)
        for (int64_t i = 0; i < n; i++) {
            long double want = (double)(t * ostride + i) * 0.1, size = want;
            for (int64_t e = 0; e < terms; e++) {
                const long double x = (long double)k[row[e] * kstride + i] * (long double)coef[e * cols + t];
                want += x, size += fabsl(x);
            }
            /* each of the additions rounds once */
            ck_assert(fabsl(out[1][t * ostride + i] - want) <= (long double)(terms + 1) * 0x1p-53L * size);
        }
    free(k), free(coef), free(row), free(out[0]), free(out[1]), free(out[2]);
}

START_TEST(products)
{
    static const int64_t inner[] = {0, 1, 2, 127, 300};
    for (int64_t n = PS_SVM_SUMS; n <= 3 * PS_SVM_SUMS; n += PS_SVM_SUMS)
        for (size_t j = 0; j < sizeof inner / sizeof *inner; j++)
            for (int64_t cols = 1; cols < 20; cols++) check(n, inner[j], cols);
    check(0, 5, 5);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {products, NULL};
    return mck_main(argc, argv, "svm_sums", tests);
}
