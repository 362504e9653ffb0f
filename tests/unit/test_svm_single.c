/* ranks: 1
 *
 * Steps on scores in single precision: alpha stays feasible, scores in double precision are those of alpha
 * afterwards, and the difference between the two is told. */
#include <stdlib.h>
#include <string.h>
#include "kernels/rng.h"
#include "kernels/svm/smo_single.h"
#include "tests/unit/mpicheck.h"
#include "tests/unit/smocheck.h"

enum { ROWS = 150, STRIDE = 160, VARS = 2 * ROWS };

static struct {
    struct ps_svm_smo s;
    float k[ROWS * STRIDE];
    int8_t y[VARS];
    double p[VARS], c[VARS], alpha[VARS], f[ROWS];
} q;

/** Classes, or with two copies a regression, on a plane; every eleventh row is left out. */
static void fill(int copies, double c, double eps)
{
    const struct ps_rng r = {17, 4};
    double x[ROWS][2];
    memset(&q, 0, sizeof q); /* what lies beyond a row's end is a number */
    for (int64_t i = 0; i < ROWS; i++)
        for (uint32_t k = 0; k < 2; k++) x[i][k] = ps_rng_normal(r, (uint64_t)i, k);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < ROWS; j++)
            q.k[i * STRIDE + j] = (float)exp(-pow(x[i][0] - x[j][0], 2) - pow(x[i][1] - x[j][1], 2));
    for (int64_t v = 0; v < (int64_t)copies * ROWS; v++) {
        const int64_t i = v % ROWS;
        const double target = sin(2 * x[i][0]) + 0.4 * ps_rng_normal(r, (uint64_t)i, 20);
        q.y[v] = copies == 2 ? (v < ROWS ? 1 : -1) : (target > 0 ? 1 : -1);
        q.p[v] = copies == 2 ? 0.05 - q.y[v] * target : -1;
        q.c[v] = i % 11 == 3 ? 0 : q.y[v] > 0 ? c : 1.5 * c;
    }
    q.s = (struct ps_svm_smo){.n = ROWS, .copies = copies, .k = q.k, .stride = STRIDE, .eps = eps};
    q.s.y = q.y, q.s.p = q.p, q.s.c = q.c, q.s.alpha = q.alpha, q.s.f = q.f;
}

/** Up to `most` steps, and what always holds. Tolerances are the rounding of sums of ROWS terms.
 * @return more steps to be made? */
static bool steps(int64_t most, double *error)
{
    static double f[ROWS];
    struct ps_smo_state t;
    struct ps_smo_single x;
    double sum = 0, size = 1;
    void *memory = ps_smo_begin(&q.s, &t), *single = ps_smo_single_make(ROWS, q.s.copies, &x);
    ck_assert(memory && single && ps_smo_single_can(&q.s));
    const bool more = ps_smo_single_steps(&t, &x, most, error);
    smo_gradient(&q.s, q.alpha, f);
    for (int64_t v = 0; v < q.s.copies * ROWS; v++) {
        const int64_t slot = ps_smo_slot(&t, v);
        size += q.alpha[v];
        sum += q.y[v] * q.alpha[v];
        ck_assert(q.alpha[v] >= 0 && q.alpha[v] <= q.c[v]);
        ck_assert_int_eq(t.rise[0][slot / 8] >> slot % 8 & 1, ps_smo_may_rise(&q.s, v));
        ck_assert_int_eq(t.fall[0][slot / 8] >> slot % 8 & 1, ps_smo_may_fall(&q.s, v));
    }
    for (int64_t v = 0; v < q.s.copies * ROWS; v++)
        ck_assert_double_le(fabs(-f[v % ROWS] - q.y[v] * q.p[v] - t.score[ps_smo_slot(&t, v)]), 1e-12 * size);
    ck_assert_double_le(fabs(sum), 1e-12 * size);
    memcpy(q.f, f, sizeof q.f);
    free(memory);
    free(single);
    return more;
}

START_TEST(solves)
{
    for (int copies = 1; copies <= 2; copies++)
        for (double c = 1; c < 1e4; c *= 100) {
            double error;
            int64_t pair[2];
            fill(copies, c, 1e-3);
            ck_assert(!steps(INT64_MAX, &error));
            ck_assert_int_gt(q.s.iterations, ROWS / 4);
            ck_assert_double_lt(error, 0.25 * q.s.eps);
            ck_assert_double_lt(q.s.violation, q.s.eps);
            /* only of free variables is the error told: others are no nearer than the violation found */
            ck_assert_double_lt(smo_violation(&q.s, q.alpha, q.f, pair), 1.5 * q.s.eps);
        }
}
END_TEST

START_TEST(as_many_as_wanted)
{
    double error;
    fill(1, 100, 1e-3);
    ck_assert(steps(7, &error));
    ck_assert_int_eq(q.s.iterations, 7);
    ck_assert_double_gt(q.s.violation, q.s.eps);
    q.s.max_iter = 5;
    ck_assert(!steps(7, &error));
    ck_assert_int_eq(q.s.iterations, 5);
}
END_TEST

/** Single precision cannot solve to this: scores of the size of 1 are off by 6e-8, and more after many steps.
 */
START_TEST(error_is_told)
{
    double error;
    fill(1, 1e4, 1e-12);
    steps(5000, &error);
    ck_assert_double_gt(error, q.s.eps);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {solves, as_many_as_wanted, error_is_told, NULL};
    return mck_main(argc, argv, "svm single", tests);
}
