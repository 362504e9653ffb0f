/* ranks: 1
 *
 * Random quadratic programs, too small for working sets: what both back ends return is feasible, optimal to
 * the tolerance, and the same to the bit; and agrees with a plain solver of first order at a tolerance of
 * 1e-10. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "kernels/rng.h"
#include "kernels/svm/smo.h"
#include "tests/unit/mpicheck.h"
#include "tests/unit/smocheck.h"

enum { MAX_ROWS = 300, MAX_VARS = 2 * MAX_ROWS, MAX_STRIDE = MAX_ROWS + 9 };

struct problem {
    struct ps_svm_smo s;
    float k[MAX_ROWS * MAX_STRIDE];
    int8_t y[MAX_VARS];
    double p[MAX_VARS], c[MAX_VARS], alpha[MAX_VARS], f[MAX_ROWS], start[MAX_VARS];
};

struct form {
    int64_t n;
    int copies;
    bool nu, warm, lattice; /**< lattice: equal rows and equal values abound */
    double width;           /**< of the kernel function */
    double c;
};

static double coordinate(struct ps_rng r, const struct form *form, int64_t i, uint32_t k)
{
    return form->lattice ? (double)ps_rng_below(r, i, k, 3) : ps_rng_normal(r, i, k);
}

static void fill_kernel(struct problem *q, const struct form *form, struct ps_rng r)
{
    q->s.k = q->k;
    q->s.stride = form->n + form->n % 9;
    for (int64_t i = 0; i < form->n; i++)
        for (int64_t j = 0; j < form->n; j++) {
            double d2 = 0;
            for (uint32_t k = 0; k < 3; k++)
                d2 += pow(coordinate(r, form, i, k) - coordinate(r, form, j, k), 2);
            q->k[i * q->s.stride + j] = (float)exp(-d2 / form->width);
        }
}

/** Linear terms, bounds (an eighth of the rows left out) and a start: zeros, or alpha in pairs of a group. */
static void fill(struct problem *q, const struct form *form, uint64_t seed)
{
    struct ps_rng r = {seed, 3};
    int64_t vars = form->copies * form->n;
    q->s = (struct ps_svm_smo){
        .n = form->n, .copies = form->copies, .nu = form->nu, .y = q->y, .p = q->p, .c = q->c};
    q->s.eps = 1e-3;
    q->s.alpha = q->alpha;
    q->s.f = q->f;
    fill_kernel(q, form, r);
    for (int64_t v = 0; v < vars; v++) {
        int64_t i = v % form->n;
        double target = sin(coordinate(r, form, i, 0)) + 0.3 * coordinate(r, form, i, 1);
        q->y[v] = form->copies == 2 ? (v < form->n ? 1 : -1)
                                    : (target + 0.3 * ps_rng_normal(r, i, 20) > 0 ? 1 : -1);
        q->p[v] = form->copies == 2 ? 0.1 - q->y[v] * target : form->nu ? 0 : -1;
        q->c[v] = ps_rng_below(r, i, 11, 8) == 0 ? 0 : q->y[v] > 0 ? form->c : 1.5 * form->c;
        q->start[v] = 0;
    }
    for (int64_t v = 0, w = vars - 1; form->warm && v < w; v++) {
        while (w > v && (q->c[w] == 0 || (q->y[v] == q->y[w]) == !form->nu)) w--;
        if (w <= v || q->c[v] == 0) continue;
        q->start[v] = q->start[w] = v % 3 == 0 ? fmin(q->c[v], q->c[w]) : 0.3 * form->c;
        w--;
    }
}

static void solve(struct problem *q, enum ps_status (*smo)(struct ps_svm_smo *))
{
    memcpy(q->alpha, q->start, sizeof q->alpha);
    smo_gradient(&q->s, q->alpha, q->f);
    ck_assert_int_eq(smo(&q->s), PS_OK);
}

/** The most violating pair, again and again: slow and sure. */
static double oracle(const struct ps_svm_smo *s, const double *start)
{
    static double alpha[MAX_VARS], f[MAX_ROWS];
    int64_t v[2];
    memcpy(alpha, start, sizeof alpha);
    smo_gradient(s, alpha, f);
    for (int step = 0; step < 2000000; step++) {
        double d = smo_violation(s, alpha, f, v);
        if (d < 1e-10) break;
        int64_t i = v[0] % s->n, j = v[1] % s->n;
        double a = (double)s->k[i * s->stride + i] + (double)s->k[j * s->stride + j] -
                   2 * (double)s->k[i * s->stride + j];
        d /= fmax(a, 1e-12);
        d = fmin(d, s->y[v[0]] > 0 ? s->c[v[0]] - alpha[v[0]] : alpha[v[0]]);
        d = fmin(d, s->y[v[1]] > 0 ? alpha[v[1]] : s->c[v[1]] - alpha[v[1]]);
        alpha[v[0]] += s->y[v[0]] * d;
        alpha[v[1]] -= s->y[v[1]] * d;
        for (int64_t r = 0; r < s->n; r++)
            f[r] += d * ((double)s->k[i * s->stride + r] - (double)s->k[j * s->stride + r]);
    }
    return smo_objective(s, alpha, f);
}

static void check_solution(const struct problem *q)
{
    static double f[MAX_ROWS];
    const struct ps_svm_smo *s = &q->s;
    double sum[2] = {0}, most = 0, f_off = 0;
    int64_t pair[2];
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        ck_assert_msg(q->alpha[v] >= 0 && q->alpha[v] <= s->c[v], "alpha %d is %g of %g", (int)v, q->alpha[v],
                      s->c[v]);
        sum[s->nu && s->y[v] < 0] += s->y[v] * (q->alpha[v] - q->start[v]);
        most += q->alpha[v];
    }
    ck_assert_double_le(fabs(sum[0]) + fabs(sum[1]), 1e-13 * (1 + most));
    smo_gradient(s, q->alpha, f);
    for (int64_t r = 0; r < s->n; r++) f_off = fmax(f_off, fabs(f[r] - q->f[r]));
    ck_assert_double_le(f_off, 1e-11 * (1 + most));
    double v = smo_violation(s, q->alpha, f, pair);
    ck_assert_msg(v < s->eps + 1e-9 * (1 + most), "the violation is %g", v);
    ck_assert(s->violation < s->eps && (!isfinite(v) || fabs(v - s->violation) < 1e-9 * (1 + most)));
    double want = oracle(s, q->start), got = smo_objective(s, q->alpha, f);
    ck_assert_msg(got - want <= s->eps * (1 + most) && want - got <= 1e-8 * (1 + fabs(want)),
                  "objective %.9g, not %.9g", got, want);
}

static void check(const struct form *form, uint64_t seed)
{
    static struct problem a, b;
    fill(&a, form, seed);
    fill(&b, form, seed);
    solve(&a, ps_svm_smo_ref);
    check_solution(&a);
    solve(&b, ps_svm_smo_cpu);
    ck_assert_msg(a.s.iterations == b.s.iterations, "%d rows, %d copies, nu %d, warm %d: %d steps, not %d",
                  (int)form->n, form->copies, form->nu, form->warm, (int)b.s.iterations, (int)a.s.iterations);
    size_t vars = (size_t)(form->n * form->copies);
    ck_assert(memcmp(a.alpha, b.alpha, vars * sizeof *a.alpha) == 0);
    ck_assert(memcmp(a.f, b.f, (size_t)form->n * sizeof *a.f) == 0);
    ck_assert(memcmp(&a.s.violation, &b.s.violation, sizeof a.s.violation) == 0);
}

START_TEST(all_forms)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 15, 16, 17, 31, 33, 64, 100, MAX_ROWS};
    uint64_t seed = 0;
    for (int n = 0; n < (int)(sizeof sizes / sizeof *sizes); n++)
        for (int form = 0; form < 16; form++) {
            struct form f = {.n = sizes[n],
                             .copies = 1 + form % 2,
                             .nu = form / 2 % 2,
                             .warm = form / 4 % 2,
                             .lattice = form / 8,
                             .width = 2};
            f.c = ++seed % 3 ? 1 : 30;
            f.warm = f.warm || f.nu;
            check(&f, seed);
        }
}
END_TEST

/** A matrix whose rows come when they are wanted; until then they are no numbers. */
static struct problem whole;

static void bring(void *source, int64_t row)
{
    const int64_t stride = whole.s.stride;
    memcpy((float *)source + row * stride, whole.k + row * stride, (size_t)whole.s.n * sizeof(float));
}

START_TEST(rows_as_wanted)
{
    static struct problem q;
    float diagonal[MAX_ROWS];
    for (int back = 0; back < 2; back++)
        for (int nu = 0; nu < 2; nu++) {
            struct form form = {.n = 211, .copies = 1 + nu, .nu = nu, .warm = nu, .width = 1, .c = 10};
            fill(&whole, &form, 9);
            solve(&whole, ps_svm_smo_ref);
            fill(&q, &form, 9);
            smo_gradient(&q.s, q.start, q.f);
            memcpy(q.alpha, q.start, sizeof q.alpha);
            for (int64_t r = 0; r < form.n; r++) diagonal[r] = q.k[r * q.s.stride + r];
            for (int i = 0; i < MAX_ROWS * MAX_STRIDE; i++) q.k[i] = NAN;
            q.s.want = bring;
            q.s.source = q.k;
            q.s.diagonal = diagonal;
            ck_assert_int_eq((back ? ps_svm_smo_cpu : ps_svm_smo_ref)(&q.s), PS_OK);
            ck_assert_int_eq(q.s.iterations, whole.s.iterations);
            ck_assert(memcmp(q.alpha, whole.alpha, sizeof q.alpha) == 0);
            ck_assert(memcmp(q.f, whole.f, (size_t)form.n * sizeof *q.f) == 0);
        }
}
END_TEST

START_TEST(nothing_to_do)
{
    static struct problem q;
    struct form form = {.n = 20, .copies = 1, .width = 1, .c = 1};
    for (int back = 0; back < 2; back++) {
        fill(&q, &form, 5);
        for (int v = 0; v < 20; v++) q.y[v] = 1; /* one class: no pair can move */
        solve(&q, back ? ps_svm_smo_cpu : ps_svm_smo_ref);
        ck_assert(q.s.iterations == 0 && q.s.violation == 0 && q.alpha[3] == 0);
        memset(q.c, 0, sizeof q.c);
        solve(&q, back ? ps_svm_smo_cpu : ps_svm_smo_ref);
        ck_assert(q.s.iterations == 0 && q.s.violation == 0);
        q.s.n = 0;
        solve(&q, back ? ps_svm_smo_cpu : ps_svm_smo_ref);
        ck_assert(q.s.iterations == 0);
    }
}
END_TEST

START_TEST(stops_when_told)
{
    static struct problem q;
    struct form form = {.n = 200, .copies = 1, .width = 1, .c = 10};
    for (int back = 0; back < 2; back++) {
        fill(&q, &form, 6);
        q.s.max_iter = 17;
        solve(&q, back ? ps_svm_smo_cpu : ps_svm_smo_ref);
        ck_assert_int_eq(q.s.iterations, 17);
        ck_assert_double_ge(q.s.violation, q.s.eps);
        q.s.max_iter = 0;
        memcpy(q.start, q.alpha, sizeof q.start); /* and from there to the end */
        solve(&q, back ? ps_svm_smo_cpu : ps_svm_smo_ref);
        check_solution(&q);
    }
}
END_TEST

/** Kernel values in another unit, with bounds to match, change nothing but the unit of alpha. */
START_TEST(unit_of_the_kernel)
{
    static struct problem a, b;
    struct form form = {.n = 150, .copies = 1, .width = 1, .c = 3};
    for (int power = -60; power <= 60; power += 24) {
        fill(&a, &form, 8);
        fill(&b, &form, 8);
        for (int64_t i = 0; i < 150 * b.s.stride; i++) b.k[i] = (float)ldexp((double)b.k[i], power);
        for (int v = 0; v < 150; v++) b.c[v] = ldexp(b.c[v], -power);
        solve(&a, ps_svm_smo_cpu);
        solve(&b, ps_svm_smo_cpu);
        ck_assert_int_eq(a.s.iterations, b.s.iterations);
        for (int v = 0; v < 150; v++) ck_assert(a.alpha[v] == ldexp(b.alpha[v], power));
    }
}
END_TEST

/** A kernel function that is not positive definite, and no bound on the steps. */
START_TEST(indefinite)
{
    static struct problem q;
    struct form form = {.n = 120, .copies = 1, .width = 1, .c = 1};
    static double f[MAX_ROWS];
    int64_t pair[2];
    fill(&q, &form, 9);
    for (int64_t i = 0; i < 120; i++)
        for (int64_t j = 0; j < 120; j++) q.k[i * q.s.stride + j] = (float)sin((double)(i * j % 17));
    solve(&q, ps_svm_smo_cpu);
    smo_gradient(&q.s, q.alpha, f);
    ck_assert_double_lt(smo_violation(&q.s, q.alpha, f, pair), q.s.eps + 1e-9);
}
END_TEST

START_TEST(updates)
{
    enum { ROWS = 5000, COLS = 37 };
    static float k[COLS][ROWS];
    static double want[ROWS], got[ROWS], coef[COLS];
    const float *col[COLS];
    struct ps_rng r = {4, 4};
    for (int w = 0; w < COLS; w++) {
        col[w] = k[w];
        coef[w] = ps_rng_normal(r, w, 0);
        for (int i = 0; i < ROWS; i++) k[w][i] = (float)ps_rng_normal(r, w * ROWS + i, 1);
    }
    for (int ncol = 0; ncol <= COLS; ncol++)
        for (int64_t n = 0; n <= ROWS; n = n * 3 + 1)
            for (int threads = 1; threads <= 3; threads++) {
                omp_set_num_threads(threads);
                for (int i = 0; i < ROWS; i++) want[i] = got[i] = i;
                ps_svm_update_ref(col, coef, ncol, n, want);
                ps_svm_update_cpu(col, coef, ncol, n, got);
                ck_assert(memcmp(want, got, sizeof want) == 0);
            }
    double sum = 0;
    for (int w = 0; w < COLS; w++) sum += coef[w] * (double)k[w][7];
    ck_assert_double_eq_tol(got[7], 7 + sum, 1e-12);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {all_forms,          rows_as_wanted, nothing_to_do, stops_when_told,
                                  unit_of_the_kernel, indefinite,     updates,       NULL};
    return mck_main(argc, argv, "svm smo", tests);
}
