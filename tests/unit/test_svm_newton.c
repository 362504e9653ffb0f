/* ranks: 1
 *
 * The Cholesky factorization, and Newton's method on the free variables of a program: the minimum over them
 * where no bound is in the way; else feasible, with bounds met to the bit, and lower. */
#include <stdlib.h>
#include <string.h>
#include "kernels/rng.h"
#include "kernels/svm/cholesky.h"
#include "kernels/svm/smo_newton.h"
#include "tests/unit/mpicheck.h"
#include "tests/unit/smocheck.h"

enum { ROWS = 150, STRIDE = 160 };

static const struct ps_rng rng = {5, 9};
static struct ps_smo_room room; /* one for all tests: what an earlier call left does not matter */

/** Entries of a positive definite matrix with condition about n / ridge. */
static double entry(int64_t i, int64_t j, double ridge)
{
    const double d = (double)(i - j);
    return exp(-d * d / 20) + (i == j ? ridge : 0);
}

START_TEST(factor_solves)
{
    for (int64_t n = PS_PANEL; n <= 13 * PS_PANEL; n += 3 * PS_PANEL)
        for (int64_t first = 0; first < n; first += 29) {
            double *a = aligned_alloc(64, (size_t)ps_panel_start(n) * sizeof *a);
            const int64_t values = n * PS_SOLVES;
            double *x = aligned_alloc(64, (size_t)values * sizeof *x);
            double *b = malloc((size_t)values * sizeof *b);
            for (int64_t j = 0; j < n; j++)
                for (int64_t i = 0; i <= j / PS_PANEL * PS_PANEL + PS_PANEL - 1; i++)
                    a[ps_panel_at(i, j)] = i <= j ? entry(i, j, 0.01) : NAN;
            for (int64_t i = 0; i < values; i++)
                b[i] = x[i] = i < first * PS_SOLVES ? 0 : ps_rng_normal(rng, (uint64_t)i, 0);
            ck_assert(ps_cholesky(n, a));
            ps_cholesky_solve(n, a, first, x);
            for (int64_t side = 0; side < PS_SOLVES; side++) {
                double size = 0;
                for (int64_t i = side; i < values; i += PS_SOLVES) size = fmax(size, fabs(x[i]));
                for (int64_t i = 0; i < n; i++) {
                    double sum = -b[i * PS_SOLVES + side];
                    for (int64_t j = 0; j < n; j++)
                        sum += entry(i < j ? i : j, i < j ? j : i, 0.01) * x[j * PS_SOLVES + side];
                    /* Higham (2002), theorem 10.4: |b - Ax| <= 4 n (3n + 1) u |A| |x| at most */
                    ck_assert_double_le(fabs(sum), 1e-13 * (double)n * size);
                }
            }
            free(a);
            free(x);
            free(b);
        }
}
END_TEST

START_TEST(factor_wants_positive)
{
    for (int64_t at = 0; at < 3 * PS_PANEL; at += 7) {
        double *a = aligned_alloc(64, (size_t)ps_panel_start(3 * PS_PANEL) * sizeof *a);
        for (int64_t j = 0; j < 3 * PS_PANEL; j++)
            for (int64_t i = 0; i <= j / PS_PANEL * PS_PANEL + PS_PANEL - 1; i++)
                a[ps_panel_at(i, j)] = entry(i, j, i == at ? -1.5 : 0.01);
        ck_assert(!ps_cholesky(3 * PS_PANEL, a));
        free(a);
    }
}
END_TEST

struct program {
    struct ps_svm_smo s;
    float k[ROWS * STRIDE];
    int8_t y[ROWS];
    double p[ROWS], c[ROWS], alpha[ROWS], start[ROWS], f[ROWS];
};

/** Two classes on a plane; every fifth variable is at a bound, others between. */
static void fill(struct program *q, double width, double c)
{
    double x[ROWS][2], sum = 0;
    for (int64_t i = 0; i < ROWS; i++)
        for (uint32_t k = 0; k < 2; k++)
            x[i][k] = i % 7 == 6 ? x[i - 3][k] : ps_rng_normal(rng, (uint64_t)i, k);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < ROWS; j++) {
            const double d2 = pow(x[i][0] - x[j][0], 2) + pow(x[i][1] - x[j][1], 2);
            q->k[i * STRIDE + j] = (float)exp(-d2 / width);
        }
    q->s = (struct ps_svm_smo){.n = ROWS, .copies = 1, .k = q->k, .stride = STRIDE, .eps = 1e-6};
    q->s.y = q->y, q->s.p = q->p, q->s.c = q->c, q->s.alpha = q->alpha, q->s.f = q->f;
    for (int64_t i = 0; i < ROWS; i++) {
        q->y[i] = x[i][0] + 0.3 * ps_rng_normal(rng, (uint64_t)i, 5) > 0 ? 1 : -1;
        q->p[i] = -1;
        q->c[i] = i % 11 == 3 ? 0 : c;
        q->alpha[i] = i % 5 == 0 ? 0 : i % 5 == 1 ? q->c[i] : q->c[i] * (0.4 + 0.01 * (double)(i % 13));
        sum += q->y[i] * q->alpha[i];
    }
    ck_assert(fabs(sum) < 1e9); /* any sum is kept */
    memcpy(q->start, q->alpha, sizeof q->start);
    smo_gradient(&q->s, q->alpha, q->f);
}

/** One call, and what always holds. Tolerances are the rounding of sums of ROWS terms in double precision.
 * @return how many free variables met a bound */
static int check(struct program *q, double *spread)
{
    static double f[ROWS], before[ROWS];
    struct ps_smo_state t;
    double cost, sum = 0, size = 1, up = -INFINITY, low = INFINITY;
    int met = 0;
    memcpy(before, q->f, sizeof before);
    void *memory = ps_smo_begin(&q->s, &t);
    ck_assert(memory != NULL);
    ck_assert_int_eq(ps_smo_newton(&t, &room, &cost), PS_OK);
    ck_assert_double_gt(cost, 0);
    smo_gradient(&q->s, q->alpha, f);
    for (int64_t i = 0; i < ROWS; i++) size += fabs(q->alpha[i]) + fabs(q->start[i]);
    for (int64_t i = 0; i < ROWS; i++) {
        const bool was_free = q->start[i] > 0 && q->start[i] < q->c[i];
        ck_assert(q->alpha[i] >= 0 && q->alpha[i] <= q->c[i]);
        ck_assert(was_free || q->alpha[i] == q->start[i]);
        ck_assert_double_le(fabs(-(f[i] + q->y[i] * q->p[i]) - t.score[i]), 1e-12 * size);
        sum += q->y[i] * (q->alpha[i] - q->start[i]);
        const bool is_free = q->alpha[i] > 0 && q->alpha[i] < q->c[i];
        met += was_free && !is_free;
        if (is_free) up = fmax(up, t.score[i]), low = fmin(low, t.score[i]);
        ck_assert_int_eq(t.rise[0][i / 8] >> i % 8 & 1, ps_smo_may_rise(&q->s, i));
        ck_assert_int_eq(t.fall[0][i / 8] >> i % 8 & 1, ps_smo_may_fall(&q->s, i));
    }
    ck_assert_double_le(fabs(sum), 1e-13 * size);
    ck_assert_double_lt(smo_objective(&q->s, q->alpha, f), smo_objective(&q->s, q->start, before));
    *spread = up - low;
    free(memory);
    return met;
}

static struct program q;

/** The middle of all bounds is the minimum, and the start is near. */
START_TEST(minimum_without_bounds)
{
    double spread;
    fill(&q, 0.02, 100); /* well conditioned, but for rows that stand twice */
    for (int64_t i = 0; i < ROWS; i++) q.alpha[i] = 0.5 * q.c[i];
    smo_gradient(&q.s, q.alpha, q.f);
    for (int64_t i = 0; i < ROWS; i++) {
        q.p[i] = -q.y[i] * q.f[i];
        q.alpha[i] += q.c[i] > 0 ? ps_rng_normal(rng, (uint64_t)i, 40) : 0;
    }
    memcpy(q.start, q.alpha, sizeof q.start);
    smo_gradient(&q.s, q.alpha, q.f);
    ck_assert_int_eq(check(&q, &spread), 0);
    ck_assert_double_lt(spread, q.s.eps);
}
END_TEST

START_TEST(bounds)
{
    static const double widths[] = {0.02, 0.5, 8};
    for (int w = 0; w < 3; w++)
        for (double c = 1; c < 1e5; c *= 100) {
            double spread;
            fill(&q, widths[w], c);
            const int met = check(&q, &spread);
            ck_assert_msg(w == 0 || met > 0, "width %g, c %g: no bound was met", widths[w], c);
        }
}
END_TEST

START_TEST(nothing_to_do)
{
    struct ps_smo_state t;
    double cost;
    fill(&q, 1, 1);
    memset(q.alpha, 0, sizeof q.alpha);
    memset(q.f, 0, sizeof q.f);
    void *memory = ps_smo_begin(&q.s, &t);
    ck_assert_int_eq(ps_smo_newton(&t, &room, &cost), PS_OK);
    for (int64_t i = 0; i < ROWS; i++) ck_assert(q.alpha[i] == 0 && t.score[i] == q.y[i]);
    free(memory);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {factor_solves, factor_wants_positive, minimum_without_bounds,
                                  bounds,        nothing_to_do,         NULL};
    const int rc = mck_main(argc, argv, "svm newton", tests);
    free(room.at);
    return rc;
}
