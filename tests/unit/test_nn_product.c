/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/product.h"
#include "kernels/rng.h"

/* Random numbers in [-1, 1). */
static float *numbers(int64_t n, uint32_t stream)
{
    float *x = aligned_alloc(64, (size_t)((n + 64) * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n + 64; i++)
        x[i] = (float)(2 * ps_rng_uniform((struct ps_rng){7, stream}, i, 0) - 1);
    return x;
}

static double element_a(const struct ps_product *p, int64_t s, int64_t i, int64_t q)
{
    return p->a[s * p->a_next + i / p->m * p->a_line + i % p->m * p->a_row + q * p->a_col];
}

static double element_b(const struct ps_product *p, int64_t s, int64_t q, int64_t j)
{
    const float *b = p->b + s * p->b_next + q * p->b_row;
    return p->b_panel ? b[j / PS_PANEL_COLS * p->b_panel + j % PS_PANEL_COLS] : b[j];
}

/* The product against its definition in double precision. A chain of K multiply-adds of numbers up to 1, each
 * rounded once, from a start up to 1: the error is at most K 2^-24 times the largest partial sum, K + 1. What
 * lies beside the product stays. */
static void check(struct ps_product p, const char *what)
{
    const int64_t depth = p.k * p.batch, lines = p.lines > 0 ? p.lines : 1;
    const int64_t room = (lines - 1) * p.c_line + p.m * p.c_row + 64;
    float *c = numbers(room, 3), *was = numbers(room, 3), *work = NULL;
    p.c = c;
    const double bound = (double)(depth + 1) * (double)(depth + 1) * 0x1p-24;
    for (int with = p.half; with < 2; with++) {
        memcpy(c, was, (size_t)room * sizeof *c);
        if (with) work = numbers(ps_product_work(p.n, p.k * p.batch), 4);
        ps_product(&p, work);
        double worst = 0;
        bool beside = true;
        for (int64_t i = 0; i < lines * p.m; i++)
            for (int64_t j = 0; j < p.c_row; j++) {
                const int64_t at = i / p.m * p.c_line + i % p.m * p.c_row + j;
                double want = was[at];
                if (j >= p.n) {
                    beside = beside && c[at] == was[at];
                    continue;
                }
                if (!p.add) want = p.bias ? p.bias[j] : 0;
                for (int64_t s = 0; s < p.batch; s++)
                    for (int64_t q = 0; q < p.k; q++) want += element_a(&p, s, i, q) * element_b(&p, s, q, j);
                if (p.relu) want = fmax(want, 0);
                worst = fmax(worst, fabs(want - c[at]));
            }
        ck_assert_msg(worst <= bound, "%s, %lld x %lld x %lld x %lld, scratch %d: off by %g (%g)", what,
                      (long long)p.m, (long long)p.n, (long long)p.k, (long long)p.batch, with, worst, bound);
        ck_assert_msg(beside, "%s: wrote beside the product", what);
    }
    free(c), free(was), free(work);
}

static const int64_t sizes[] = {1, 2, 3, 5, 7, 13, 16, 17, 31, 33, 63, 64, 65, 100, 127, 130};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* All tiles and rests, both orders of a, with and without bias and sums. */
START_TEST(every_shape)
{
    float *a = numbers(200 * 200, 1), *b = numbers(200 * 200, 2), *bias = numbers(200, 5);
    for (int mi = 0; mi < SIZES; mi++)
        for (int ni = 0; ni < SIZES; ni++) {
            const int64_t m = sizes[mi], n = sizes[ni], k = sizes[(mi + ni) % SIZES];
            const struct ps_product p = {
                .m = m, .n = n, .k = k, .batch = 1, .a = a, .b = b, .b_row = n, .c_row = n + 3};
            struct ps_product q = p;
            q.a_row = k, q.a_col = 1, q.bias = bias, q.relu = ni % 2;
            check(q, "rows of a");
            q.a_row = 1, q.a_col = m, q.bias = NULL, q.add = true;
            check(q, "columns of a");
        }
    free(a), free(b), free(bias);
}
END_TEST

/* Operands far apart, deeper than what is copied at once. */
START_TEST(far)
{
    enum { ROW = 300 };
    float *a = numbers(700 * ROW, 1), *b = numbers(700 * ROW, 2);
    for (int64_t k = 250; k < 700; k += 149)
        for (int64_t m = 20; m < 240; m += 73)
            check((struct ps_product){.m = m,
                                      .n = 150,
                                      .k = k,
                                      .batch = 1,
                                      .a = a,
                                      .a_row = 1,
                                      .a_col = ROW,
                                      .b = b,
                                      .b_row = ROW,
                                      .c_row = 150,
                                      .add = m > 100},
                  "far");
    free(a), free(b);
}
END_TEST

/* Sums of products: windows that overlap, and blocks far apart. */
START_TEST(batches)
{
    enum { ROW = 140, DEPTH = 63 };
    float *a = numbers(20 * 64 * ROW, 1), *b = numbers(20 * 64 * ROW, 2);
    for (int64_t batch = 1; batch < 20; batch += 3) {
        check((struct ps_product){.m = 8,
                                  .n = 50,
                                  .k = 100,
                                  .batch = batch,
                                  .a = a,
                                  .a_row = 20,
                                  .a_col = 1,
                                  .a_next = 240,
                                  .b = b,
                                  .b_row = 50,
                                  .b_next = 5000,
                                  .c_row = 50},
              "windows as rows");
        check((struct ps_product){.m = 50,
                                  .n = 100,
                                  .k = 8,
                                  .batch = batch,
                                  .a = a,
                                  .a_row = 1,
                                  .a_col = 50,
                                  .a_next = 400,
                                  .b = b,
                                  .b_row = 20,
                                  .b_next = 240,
                                  .c_row = 500,
                                  .add = true},
              "windows as columns");
        check((struct ps_product){.m = 130,
                                  .n = 140,
                                  .k = DEPTH,
                                  .batch = batch,
                                  .a = a,
                                  .a_row = 1,
                                  .a_col = ROW,
                                  .a_next = (DEPTH + 1) * ROW,
                                  .b = b,
                                  .b_row = ROW,
                                  .b_next = (DEPTH + 1) * ROW,
                                  .c_row = 140,
                                  .add = batch > 1},
              "blocks far apart");
    }
    free(a), free(b);
}
END_TEST

/* Lines of rows, as convolutions have them: more of them than one block holds, and a depth of several parts.
 */
START_TEST(lines)
{
    enum { CHANNELS = 9, WIDTH = 30, KERNEL = 5, OUT = 70 };
    float *a = numbers(200 * WIDTH * CHANNELS, 1), *b = numbers(KERNEL * KERNEL * CHANNELS * OUT, 2),
          *bias = numbers(OUT, 5);
    for (int64_t m = 1; m <= WIDTH - KERNEL + 1; m += 5)
        for (int relu = 0; relu < 2; relu++)
            check((struct ps_product){.m = m,
                                      .lines = 3 * m,
                                      .n = OUT,
                                      .k = KERNEL * CHANNELS,
                                      .batch = KERNEL,
                                      .a = a,
                                      .a_row = CHANNELS,
                                      .a_col = 1,
                                      .a_next = WIDTH * CHANNELS,
                                      .a_line = WIDTH * CHANNELS,
                                      .b = b,
                                      .b_row = OUT,
                                      .b_next = KERNEL * CHANNELS * OUT,
                                      .c_row = OUT + 2,
                                      .c_line = m * (OUT + 2) + relu,
                                      .bias = bias,
                                      .relu = relu},
                  "lines");
    free(a), free(b), free(bias);
}
END_TEST

/* More rows and columns than a block holds, by panels. */
START_TEST(blocks)
{
    enum { M = 700, N = 200, K = 310 };
    float *a = numbers(M * K, 1), *b = numbers(ps_panels(N, K), 2);
    check((struct ps_product){.m = M,
                              .n = N,
                              .k = K,
                              .batch = 1,
                              .a = a,
                              .a_row = K,
                              .a_col = 1,
                              .b = b,
                              .b_row = PS_PANEL_COLS,
                              .b_panel = PS_PANEL_COLS * K,
                              .c_row = N,
                              .add = true},
          "blocks");
    free(a), free(b);
}
END_TEST

/* In bf16, with numbers that it holds exactly: both orders of a, odd depths, sums of products, more rows and
 * depth than are copied at once. Panels that were halved give the same bits as rows. */
START_TEST(halves)
{
    enum { MOST = 300 * 2200 };
    static const int64_t depths[] = {1, 2, 7, 64, 301, 2200};
    float *a = numbers(MOST, 1), *b = numbers(MOST, 2), *work = numbers(ps_product_work(100, 2200), 3);
    for (int64_t i = 0; i < MOST; i++) a[i] = rintf(a[i] * 127) / 128, b[i] = rintf(b[i] * 127) / 128;
    for (int i = 0; i < 6; i++)
        for (int64_t m = 1; m < 300; m += 147) {
            const int64_t k = depths[i], n = 1 + 33 * i % 100;
            struct ps_product p = {.m = m,
                                   .n = n,
                                   .k = k,
                                   .batch = 1,
                                   .a = a,
                                   .b = b,
                                   .b_row = n,
                                   .c_row = n,
                                   .half = true,
                                   .relu = i % 2};
            p.a_row = k, p.a_col = 1;
            check(p, "rows of a in bf16");
            float *panels = numbers(ps_panels(n, k), 4), *x = numbers(m * n, 5), *y = numbers(m * n, 6);
            ps_panels_fill(n, k, b, n, 1, 0, (n + PS_PANEL_COLS - 1) / PS_PANEL_COLS, panels,
                           k * PS_PANEL_COLS);
            ps_panels_halve(k, 0, (n + PS_PANEL_COLS - 1) / PS_PANEL_COLS, panels, k * PS_PANEL_COLS);
            p.c = x;
            ps_product(&p, work);
            p.b = panels, p.b_row = PS_PANEL_COLS, p.b_panel = k * PS_PANEL_COLS, p.c = y;
            ps_product(&p, work);
            ck_assert(memcmp(x, y, (size_t)(m * n) * sizeof *x) == 0);
            free(panels), free(x), free(y);
            p = (struct ps_product){.m = m,
                                    .n = n,
                                    .k = k < 300 ? k : 301,
                                    .batch = 3,
                                    .a = a,
                                    .a_row = 1,
                                    .a_col = m,
                                    .a_next = 301 * m,
                                    .b = b,
                                    .b_row = n,
                                    .b_next = 301 * n,
                                    .c_row = n,
                                    .add = true,
                                    .half = true};
            check(p, "columns of a in bf16");
        }
    free(a), free(b), free(work);
}
END_TEST

/* Numbers are rounded to the nearest, ties to even; NaN stays. */
START_TEST(rounding)
{
    static const float from[] = {1, 0x1.01p0f, 0x1.03p0f, 0x1.0101p0f, -0x1.01p0f, 0x1.fffffep127f, INFINITY};
    static const float to[] = {1, 1, 0x1.04p0f, 0x1.02p0f, -1, INFINITY, INFINITY};
    for (int i = 0; i < 7; i++) {
        uint32_t bits;
        memcpy(&bits, &to[i], sizeof bits);
        ck_assert_uint_eq(ps_round_half(from[i]), bits >> 16);
        ck_assert_uint_eq(((ps_vu)ps_vf_pair(ps_vf_all(from[i]), ps_vf_all(1)))[0], bits >> 16 | 0x3f800000);
    }
    const uint32_t nan = (uint32_t)ps_round_half(NAN) << 16;
    float back;
    memcpy(&back, &nan, sizeof back);
    ck_assert(isnan(back));
}
END_TEST

/* Panels from rows and from columns hold the same, zeros fill the last, and products read them. */
START_TEST(panels)
{
    for (int ki = 0; ki < SIZES; ki++)
        for (int ni = 0; ni < SIZES; ni++) {
            const int64_t k = sizes[ki], n = sizes[ni], all = ps_panels(n, k);
            float *b = numbers(n * k, 1), *across = numbers(n * k, 2), *x = numbers(all, 3),
                  *y = numbers(all, 4);
            for (int64_t q = 0; q < k; q++)
                for (int64_t j = 0; j < n; j++) across[j * k + q] = b[q * n + j];
            for (int64_t g = 0; g < all / k / PS_PANEL_COLS; g++) {
                ps_panels_fill(n, k, b, n, 1, g, g + 1, x, k * PS_PANEL_COLS);
                ps_panels_fill(n, k, across, 1, k, g, g + 1, y, k * PS_PANEL_COLS);
            }
            ck_assert_msg(memcmp(x, y, (size_t)all * sizeof *x) == 0, "%lld x %lld", (long long)k,
                          (long long)n);
            bool right = true;
            for (int64_t q = 0; q < k; q++)
                for (int64_t j = 0; j < all / k; j++)
                    right =
                        right &&
                        x[j / PS_PANEL_COLS * PS_PANEL_COLS * k + q * PS_PANEL_COLS + j % PS_PANEL_COLS] ==
                            (j < n ? b[q * n + j] : 0);
            ck_assert_msg(right, "%lld x %lld", (long long)k, (long long)n);
            check((struct ps_product){.m = 7,
                                      .n = n,
                                      .k = k,
                                      .batch = 1,
                                      .a = b,
                                      .a_row = 1,
                                      .a_col = 1,
                                      .b = x,
                                      .b_row = PS_PANEL_COLS,
                                      .b_panel = PS_PANEL_COLS * k,
                                      .c_row = n},
                  "panels");
            free(b), free(across), free(x), free(y);
        }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_shape, far, batches, lines, blocks, halves, rounding, panels, NULL};
    return mck_main(argc, argv, "nn_product", tests);
}
