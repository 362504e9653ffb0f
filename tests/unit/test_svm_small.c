/* ranks: 1
 *
 * The five types on random sets: what comes out obeys the type's own conditions of optimality, a warm start
 * ends where a cold one does, a fold is the problem without its rows, and no bit depends on the threads. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "apps/pisvm/svm_small.h"
#include "common/run/err.h"
#include "kernels/rng.h"
#include "kernels/svm/smo.h"
#include "tests/unit/mpicheck.h"

enum { MAX = 240, STRIDE = 256, FOLDS = 5, TYPES = 5 };

static const struct ps_svm_kernels ref = {.name = "ref", .smo = ps_svm_smo_ref, .update = ps_svm_update_ref};
static const struct ps_svm_kernels cpu = {.name = "cpu", .smo = ps_svm_smo_cpu, .update = ps_svm_update_cpu};

struct set {
    struct svm_small s;
    struct svm_row row[MAX];
    int16_t fold[MAX];
    float k[MAX * STRIDE];
};

/** Noisy rows in three dimensions, first class first; rows of -1 are a third. */
static void make_set(struct set *q, enum svm_type type, int64_t n, uint64_t seed)
{
    static double x[MAX][3];
    struct ps_rng r = {seed, 6};
    q->s = (struct svm_small){
        .kernels = &cpu, .n = n, .k = q->k, .stride = STRIDE, .row = q->row, .fold = q->fold, .eps = 1e-3};
    for (int64_t i = 0; i < n; i++) {
        double target = 1;
        for (uint32_t k = 0; k < 3; k++) x[i][k] = ps_rng_normal(r, i, k);
        if (type == SVM_C_SVC || type == SVM_NU_SVC) target = 3 * i < 2 * n ? 1 : -1;
        if (type == SVM_EPSILON_SVR || type == SVM_NU_SVR)
            target = sin(x[i][0]) + x[i][1] + 0.2 * ps_rng_normal(r, i, 5);
        else
            x[i][0] += target;
        q->row[i] = (struct svm_row){.target = target, .left_out = true}; /* not looked at */
        q->fold[i] = (int16_t)(i % FOLDS);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double d2 = 0;
            for (int k = 0; k < 3; k++) d2 += (x[i][k] - x[j][k]) * (x[i][k] - x[j][k]);
            q->k[i * STRIDE + j] = (float)exp(-d2 / 3);
        }
}

static struct svm_cost cost_of(enum svm_type type, double c)
{
    return (struct svm_cost){
        .type = type, .c = c, .c_positive = c, .c_negative = 2 * c, .nu = 0.35, .p = 0.15};
}

struct answer {
    struct svm_solution s;
    double coef[MAX], decision[MAX];
};

static void solve(const struct svm_small *s, const struct svm_cost *cost, int ncost, int fold,
                  struct answer *a)
{
    struct svm_solution out[8];
    for (int c = 0; c < ncost; c++) out[c] = (struct svm_solution){{0}, a[c].coef, a[c].decision};
    ck_assert_int_eq(svm_small_solve(s, cost, ncost, fold, out), PS_OK);
    for (int c = 0; c < ncost; c++) a[c].s = out[c];
}

/** How far a row's decision is on the wrong side of where its coefficient `size` of `bound` puts it: `slack`
 * is how much more than asked for it has. */
static double wrong(double size, double bound, double slack)
{
    if (size <= 0) return -slack;
    return size >= bound ? slack : fabs(slack);
}

static double expected_sum(const struct svm_cost *cost, int64_t l)
{
    double nu = cost->nu * (double)l;
    return cost->type == SVM_NU_SVC || cost->type == SVM_ONE_CLASS ? nu : nu * cost->c;
}

/** Conditions of optimality of each type, from coefficients and decision values. */
static double worst_row(const struct set *q, const struct svm_cost *cost, const struct answer *a, int64_t i)
{
    double coef = a->coef[i], d = a->decision[i], t = q->row[i].target, r = a->s.result.r;
    double e = cost->type == SVM_NU_SVR ? -r : cost->p;
    switch (cost->type) {
    case SVM_C_SVC:
        ck_assert(t * coef >= 0);
        return wrong(t * coef, t > 0 ? cost->c_positive : cost->c_negative, t * d - 1) *
               (t * coef >= 0 ? 1 : 0);
    case SVM_NU_SVC:
        ck_assert(t * coef >= 0);
        return r * wrong(t * coef * r, 1 - 1e-12, t * d - 1);
    case SVM_ONE_CLASS:
        return wrong(coef, 1, d);
    default:
        return fmax(wrong(coef, cost->c, d - (t - e)), wrong(-coef, cost->c, t + e - d));
    }
}

static void check_answer(const struct set *q, const struct svm_cost *cost, int fold, const struct answer *a)
{
    double sum = 0, size = 0, quadratic = 0, linear = 0;
    int64_t l = 0, sv = 0;
    for (int64_t i = 0; i < q->s.n; i++) {
        double f = 0, coef = a->coef[i];
        for (int64_t j = 0; j < q->s.n; j++) f += (double)q->k[i * STRIDE + j] * a->coef[j];
        ck_assert_double_eq_tol(a->decision[i], f - a->s.result.rho, 1e-9 * (1 + cost->c));
        sum += coef;
        size += fabs(coef);
        quadratic += coef * f;
        if (cost->type == SVM_C_SVC) linear -= fabs(coef);
        if (cost->type == SVM_EPSILON_SVR) linear += cost->p * fabs(coef) - coef * q->row[i].target;
        if (cost->type == SVM_NU_SVR) linear -= coef * q->row[i].target;
        sv += coef != 0;
        if (fold >= 0 && q->fold[i] == fold) {
            ck_assert(coef == 0);
            continue;
        }
        l++;
        double bad = worst_row(q, cost, a, i);
        ck_assert_msg(bad < 1.01e-3, "type %d, row %d: %g, coefficient %g", cost->type, (int)i, bad, coef);
    }
    ck_assert_double_eq_tol(a->s.result.objective, quadratic / 2 + linear,
                            1e-9 * (1 + fabs(quadratic) + fabs(linear)));
    ck_assert_int_eq(a->s.result.sv, sv);
    ck_assert_double_eq_tol(sum, cost->type == SVM_ONE_CLASS ? expected_sum(cost, l) : 0, 1e-10 * (1 + size));
    if (cost->type == SVM_NU_SVC) size *= a->s.result.r;
    if (cost->type == SVM_NU_SVC || cost->type == SVM_ONE_CLASS)
        ck_assert_double_eq_tol(size, expected_sum(cost, l), 1e-10 * size);
    if (cost->type == SVM_NU_SVR) ck_assert_double_le(size, expected_sum(cost, l) * (1 + 1e-10));
}

START_TEST(conditions_of_optimality)
{
    static struct set q;
    static struct answer a;
    for (int type = 0; type < TYPES; type++)
        for (uint64_t seed = 1; seed <= 6; seed++)
            for (int fold = -1; fold < 2; fold++) {
                make_set(&q, (enum svm_type)type, seed == 1 ? 21 : MAX, seed);
                struct svm_cost cost = cost_of((enum svm_type)type, seed % 2 ? 1 : 20);
                solve(&q.s, &cost, 1, fold, &a);
                check_answer(&q, &cost, fold, &a);
            }
}
END_TEST

START_TEST(same_bits_everywhere)
{
    static struct set q;
    static struct answer a, b;
    for (int type = 0; type < TYPES; type++) {
        make_set(&q, (enum svm_type)type, MAX, 11);
        struct svm_cost cost = cost_of((enum svm_type)type, 5);
        q.s.kernels = &ref;
        solve(&q.s, &cost, 1, 2, &a);
        q.s.kernels = &cpu;
        for (int threads = 1; threads <= 3; threads++) {
            omp_set_num_threads(threads);
            solve(&q.s, &cost, 1, 2, &b);
            ck_assert(memcmp(a.coef, b.coef, sizeof a.coef) == 0);
            ck_assert(memcmp(a.decision, b.decision, sizeof a.decision) == 0);
            ck_assert(memcmp(&a.s.result, &b.s.result, sizeof a.s.result) == 0);
        }
    }
}
END_TEST

START_TEST(warm_and_cold)
{
    enum { COSTS = 5 };
    static struct set q;
    static struct answer warm[COSTS], cold;
    for (int type = 0; type < TYPES; type++)
        for (int down = 0; down < 2; down++) {
            struct svm_cost cost[COSTS];
            make_set(&q, (enum svm_type)type, 80, 12);
            for (int c = 0; c < COSTS; c++)
                cost[c] = cost_of((enum svm_type)type, pow(10, down ? COSTS - 1 - c : c));
            solve(&q.s, cost, COSTS, 1, warm);
            for (int c = 0; c < COSTS; c++) {
                solve(&q.s, &cost[c], 1, 1, &cold);
                check_answer(&q, &cost[c], 1, &warm[c]);
                double want = cold.s.result.objective, got = warm[c].s.result.objective;
                ck_assert_msg(fabs(got - want) <= 1e-3 * fabs(want), "type %d C %g: %.9g, not %.9g", type,
                              cost[c].c, got, want);
            }
        }
}
END_TEST

/** The rows of a set that fold `fold` does not leave out, as a set of their own. */
static void subset(const struct set *q, int fold, struct set *out)
{
    *out = *q;
    out->s.row = out->row;
    out->s.fold = NULL;
    out->s.k = out->k;
    out->s.n = 0;
    for (int64_t i = 0; i < q->s.n; i++) {
        if (q->fold[i] == fold) continue;
        int64_t at = 0;
        for (int64_t j = 0; j < q->s.n; j++)
            if (q->fold[j] != fold) out->k[out->s.n * STRIDE + at++] = q->k[i * STRIDE + j];
        out->row[out->s.n++] = q->row[i];
    }
}

START_TEST(folds_are_subsets)
{
    static struct set q, part;
    static struct answer a, b;
    for (int type = 0; type < TYPES; type++)
        for (int fold = 0; fold < FOLDS; fold++) {
            make_set(&q, (enum svm_type)type, 200, 13);
            struct svm_cost cost = cost_of((enum svm_type)type, 2);
            subset(&q, fold, &part);
            solve(&q.s, &cost, 1, fold, &a);
            solve(&part.s, &cost, 1, 3, &b);
            ck_assert_int_eq(a.s.result.iterations, b.s.result.iterations);
            int64_t at = 0;
            for (int64_t i = 0; i < q.s.n; i++)
                if (q.fold[i] != fold) ck_assert(a.coef[i] == b.coef[at++]);
            ck_assert(a.s.result.objective == b.s.result.objective && a.s.result.rho == b.s.result.rho &&
                      a.s.result.nu == b.s.result.nu && a.s.result.bounded == b.s.result.bounded);
        }
}
END_TEST

START_TEST(degenerate)
{
    static struct set q;
    static struct answer a;
    for (int type = 0; type < TYPES; type++) {
        struct svm_cost cost = cost_of((enum svm_type)type, 2);
        bool classes = type == SVM_C_SVC || type == SVM_NU_SVC;
        for (int64_t n = 0; n <= 12; n += n < 2 ? 1 : 10)
            for (int side = -1; side <= 1; side += 2) { /* one class alone */
                make_set(&q, (enum svm_type)type, n, 14);
                for (int i = 0; i < n && classes; i++) q.row[i].target = side;
                solve(&q.s, &cost, 1, -1, &a);
                ck_assert(isfinite(a.s.result.rho) && isfinite(a.s.result.objective) &&
                          isfinite(a.s.result.r));
                ck_assert(!classes || a.s.result.iterations == 0);
                for (int i = 0; i < n; i++) ck_assert(isfinite(a.decision[i]));
                for (int i = 0; i < n && classes; i++) ck_assert(a.decision[i] == side && a.coef[i] == 0);
            }
        make_set(&q, (enum svm_type)type, 10, 15);
        memset(q.fold, 0, sizeof q.fold); /* all rows left out */
        solve(&q.s, &cost, 1, 0, &a);
        ck_assert(a.s.result.iterations == 0 && a.s.result.rho == 0 && a.s.result.sv == 0 &&
                  a.s.result.nu == 0);
        cost.nu = 1;
        if (type == SVM_NU_SVC) continue;
        solve(&q.s, &cost, 1, -1, &a); /* all at their bounds */
        ck_assert(isfinite(a.s.result.rho) && isfinite(a.s.result.objective));
    }
}
END_TEST

START_TEST(infeasible_nu)
{
    static struct set q;
    static double coef[MAX];
    struct svm_solution out = {.coef = coef};
    struct svm_cost cost = cost_of(SVM_NU_SVC, 1);
    make_set(&q, SVM_NU_SVC, 30, 16); /* 20 and 10 rows: at most 2/3 */
    cost.nu = 0.66;
    ck_assert_int_eq(svm_small_solve(&q.s, &cost, 1, -1, &out), PS_OK);
    cost.nu = 0.67;
    ck_assert_int_eq(svm_small_solve(&q.s, &cost, 1, -1, &out), PS_EUSAGE);
    ck_assert_msg(strstr(ps_err_message(), "0.67") && strstr(ps_err_message(), "0.666667"), "%s",
                  ps_err_message());
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {conditions_of_optimality,
                                  same_bits_everywhere,
                                  warm_and_cold,
                                  folds_are_subsets,
                                  degenerate,
                                  infeasible_nu,
                                  NULL};
    return mck_main(argc, argv, "svm small", tests);
}
