/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "apps/pisvm/svm_plan.h"
#include "apps/pisvm/svm_store.h"
#include "apps/pisvm/svm_unit.h"
#include "common/run/err.h"
#include "kernels/rng.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 900, CLASSES = 5 };
static struct ps_common quiet = {.log = "quiet", .progress = "off"};
static const double weight[CLASSES] = {1, 2, 1, 0.5, 1};
static struct ps_run run;
static struct svm_data data;

/* Class k has (k + 1) / 15 of the rows. */
static int class_at(int64_t i)
{
    const int at = (int)(i * 7 % 15);
    return at < 1 ? 0 : at < 3 ? 1 : at < 6 ? 2 : at < 10 ? 3 : 4;
}

static double feature(int64_t i, int k)
{
    const struct ps_rng r = {5, 3};
    return ps_rng_normal(r, 5000 + class_at(i), (uint32_t)k) + ps_rng_normal(r, i, (uint32_t)k + 100);
}

/* Rows of `cols` features, read back by all ranks. */
static void read_rows(int cols, bool values)
{
    static char path[600];
    const char *folder = getenv("TMPDIR");
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    snprintf(path, sizeof path, "%s/test_svm_train.%d", folder ? folder : "/tmp", cols);
    if (rank == 0) {
        FILE *f = fopen(path, "w");
        for (int64_t i = 0; i < ROWS; i++) {
            fprintf(f, "%.6g", values ? feature(i, 0) + sin(3 * feature(i, 1)) : 10 - class_at(i));
            for (int k = 0; k < cols; k++) fprintf(f, " %d:%.6g", k + 1, feature(i, k));
            fputc('\n', f);
        }
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    run = (struct ps_run){.comm = MPI_COMM_WORLD, .common = &quiet, .threads = 2, .name = "test"};
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    omp_set_num_threads(2);
    mck_assert(svm_data_read(run.comm, path, values ? SVM_VALUES : SVM_CLASSES, &data) == PS_OK, "%s",
               ps_err_message());
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) unlink(path);
}

static struct svm_train_spec spec_of(enum svm_type type, int64_t memory)
{
    return (struct svm_train_spec){.run = &run,
                                   .data = &data,
                                   .kernels = &ps_svm_cpu,
                                   .type = type,
                                   .weight = weight,
                                   .dense = true,
                                   .shrinking = true,
                                   .eps = 1e-3,
                                   .max_iter = 1000000,
                                   .memory = memory,
                                   .seed = 7,
                                   .quiet = true};
}

static const struct svm_cost costs[] = {
    {.c = 0.5, .nu = 0.1, .p = 0.1}, {.c = 2, .nu = 0.1, .p = 0.1}, {.c = 30, .nu = 0.1, .p = 0.1}};
static const struct ps_svm_function rbf = {PS_SVM_RBF, 3, 0.2, 0};

/* --- the plan --- */

static void check_owners(const struct svm_plan *p, const uint8_t *done)
{
    for (int k = 0; k < p->pairs; k++)
        for (int f = 0; f < p->folds; f++) {
            const int64_t at = (int64_t)k * p->folds + f;
            const bool none = p->problem[k].large || (done && done[at]);
            ck_assert_msg(none ? p->owner[at] == -1 : p->owner[at] >= 0 && p->owner[at] < p->size,
                          "problem %d fold %d: owner %d", k, f, p->owner[at]);
        }
}

START_TEST(plans)
{
    static const int sizes[] = {1, 2, 3, 7, 40};
    static const int64_t memories[] = {1 << 10, 300000, 1 << 20, 1 << 30};
    const struct svm_rows_cost cost = {.products = 20, .bytes = 400};
    read_rows(6, false);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 4; i++) {
        struct ps_run other = run;
        other.size = sizes[i / 4];
        struct svm_train_spec spec = spec_of(SVM_C_SVC, memories[i % 4]);
        spec.run = &other;
        const struct svm_sweep sweep = {.function = rbf, .cost = costs, .ncost = 3, .folds = i % 3 ? 10 : 0};
        struct svm_plan p;
        uint8_t done[CLASSES * CLASSES * 10] = {[3] = 1, [4] = 1, [7] = 1};
        mck_assert(svm_plan_make(&spec, &sweep, &cost, done, &p) == PS_OK, "a plan");
        ck_assert_int_eq(p.pairs, 10);
        ck_assert_int_eq(p.small + p.large, 10);
        check_owners(&p, done);
        int held = 0;
        for (int k = 0; k < p.pairs; k++) {
            const struct svm_problem *q = &p.problem[k];
            const int64_t n = svm_problem_rows(q);
            ck_assert(q->large == (4 * n * n > spec.memory));
            ck_assert(q->round >= 0 && q->round < p.rounds);
            held += !q->large;
        }
        ck_assert_int_eq(held, p.small);
        if (spec.memory == 1 << 30) ck_assert_int_eq(p.rounds, 1);
        if (spec.memory == 300000) ck_assert_int_gt(p.rounds, 1);
        if (other.size <= 7 && p.rounds == 1 && p.small == 10 && sweep.folds) ck_assert(p.balance > 0.8);
        svm_plan_free(&p);
    }
    svm_data_free(&data);
}
END_TEST

START_TEST(parts_of_a_problem)
{
    const struct svm_problem p = {.a = 2, .b = 4, .rows = {10, 7}};
    struct svm_want w[2];
    svm_problem_wants(&p, 3, 12, w);
    ck_assert(w[0].cls == 2 && w[0].lo == 3 && w[0].hi == 10 && w[1].cls == 4 && w[1].lo == 0 &&
              w[1].hi == 2);
    svm_problem_wants(&p, 11, 17, w);
    ck_assert(w[0].lo == w[0].hi && w[1].lo == 1 && w[1].hi == 7);
    svm_problem_wants(&p, 2, 4, w);
    ck_assert(w[0].lo == 2 && w[0].hi == 4 && w[1].lo == w[1].hi);
}
END_TEST

/* --- kernel matrices --- */

/* Row `at` of a problem as a row of the fetched rows. */
static double value_at(const struct svm_store *s, const struct svm_rows *all, const int64_t *start,
                       const struct svm_problem *p, int64_t i, int64_t j)
{
    const struct ps_csr x = svm_rows_csr(all);
    const int64_t ri = i < p->rows[0] ? start[p->a] + i : start[p->b] + i - p->rows[0];
    const int64_t rj = j < p->rows[0] ? start[p->a] + j : start[p->b] + j - p->rows[0];
    return ps_svm_value(&s->function, &x, ri, &x, rj);
}

static void check_matrix(struct svm_store *s, const struct svm_rows *all, const int64_t *start,
                         const struct svm_problem *p)
{
    const int64_t n = svm_problem_rows(p), stride = svm_problem_stride(p);
    float *k = malloc((size_t)(n * stride) * sizeof *k), *again = malloc((size_t)(n * stride) * sizeof *k);
    double worst = 0;
    svm_store_matrix(s, p, k);
    svm_store_matrix(s, p, again); /* now from kept matrices of classes, where there is room */
    bool equal = memcmp(k, again, (size_t)(n * stride) * sizeof *k) == 0, symmetric = true;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            const double d = fabs(value_at(s, all, start, p, i, j) - k[i * stride + j]);
            if (d > worst) worst = d;
            symmetric = symmetric && k[i * stride + j] == k[j * stride + i];
        }
    bool rows = true;
    float *diagonal = malloc((size_t)n * sizeof *diagonal);
    for (int64_t i = 0; i < n; i++) svm_store_row(s, p, i, again + i * stride);
    svm_store_diagonal(s, p, diagonal);
    for (int64_t i = 0; i < n; i++) rows = rows && diagonal[i] == k[i * stride + i];
    mck_assert(rows && memcmp(k, again, (size_t)(n * stride) * sizeof *k) == 0,
               "problem %d %d: other rows alone", p->a, p->b);
    free(diagonal);
    mck_assert(equal, "problem %d %d: another matrix the second time", p->a, p->b);
    mck_assert(symmetric, "problem %d %d: not symmetric", p->a, p->b);
    mck_assert(worst < 1e-5, "problem %d %d: off by %g", p->a, p->b, worst);
    free(k);
    free(again);
}

START_TEST(matrices)
{
    static const int cols[] = {5, 40};
    for (size_t c = 0; c < 2; c++)
        for (int room = 0; room < 2; room++) {
            read_rows(cols[c], false);
            const struct svm_train_spec spec = spec_of(SVM_C_SVC, 1 << 30);
            const struct svm_sweep sweep = {
                .function = {PS_SVM_RBF, 3, 0.5 / cols[c], 0}, .cost = costs, .ncost = 1};
            struct svm_store s;
            struct svm_rows_cost cost;
            struct svm_plan p;
            struct svm_rows all;
            struct svm_want want[CLASSES];
            int64_t start[CLASSES + 1] = {0};
            bool need[CLASSES] = {true, true, false, true, true};
            mck_assert(svm_store_open(&spec, &sweep, &s, &cost) == PS_OK, "%s", ps_err_message());
            mck_assert(svm_plan_make(&spec, &sweep, &cost, NULL, &p) == PS_OK, "%s", ps_err_message());
            for (int k = 0; k < CLASSES; k++) {
                want[k] = (struct svm_want){k, 0, p.count[k]};
                start[k + 1] = start[k] + p.count[k];
            }
            mck_assert(svm_rows_fetch(run.comm, &data, want, CLASSES, &all) == PS_OK, "%s", ps_err_message());
            mck_assert(svm_store_load(&s, p.count, need) == PS_OK, "%s", ps_err_message());
            ck_assert(s.pack[0] && !s.pack[2]);
            need[0] = false, need[2] = true;
            mck_assert(svm_store_load(&s, p.count, need) == PS_OK, "%s", ps_err_message());
            ck_assert(!s.pack[0] && s.pack[1] && s.pack[2]);
            mck_assert(svm_store_keep(&s, run.comm, room ? 1 << 20 : 0) == PS_OK, "%s", ps_err_message());
            for (int k = 0; k < p.pairs; k++)
                if (p.problem[k].a > 0) check_matrix(&s, &all, start, &p.problem[k]);
            svm_store_forget(&s);
            svm_rows_free(&all);
            svm_plan_free(&p);
            svm_store_close(&s);
            svm_data_free(&data);
        }
}
END_TEST

/* --- machines --- */

/* Results of all machines on all ranks, [pairs][ncost][folds]; each must be there once. */
enum { OBJECTIVE, RHO, PROB_A, PROB_B, COEF, LEFT_OUT, NUMBERS };

static double *results(const struct svm_train_spec *spec, const struct svm_sweep *sweep)
{
    struct svm_machines m;
    const int folds = sweep->folds > 0 ? sweep->folds : 1, pairs = svm_pairs(&data);
    const int n = pairs * sweep->ncost * folds;
    double *out = calloc((size_t)n * NUMBERS, sizeof *out);
    int *rows = calloc((size_t)n, sizeof *rows);
    mck_assert(svm_train(spec, sweep, &m) == PS_OK, "%s", ps_err_message());
    for (int64_t i = 0; i < m.n; i++) {
        const struct svm_machine *x = &m.machine[i];
        const int at = (x->pair * sweep->ncost + x->cost) * folds + (x->fold < 0 ? 0 : x->fold);
        double *to = out + (int64_t)at * NUMBERS;
        int64_t k = 0;
        if (x->part[0].lo == 0 && x->part[0].hi > 0) {
            const double first[] = {x->result.objective, x->result.rho, x->prob_a, x->prob_b};
            memcpy(to, first, sizeof first);
        }
        for (int half = 0; half < 2; half++)
            for (int64_t r = x->part[half].lo; r < x->part[half].hi; r++, k++) {
                to[COEF] += x->coef[k] * (double)(r % 1000 + 1); /* rounded sums: only for whole machines */
                rows[at]++;
            }
        if (i > 0) ck_assert(m.machine[i - 1].pair <= x->pair);
    }
    MPI_Allreduce(MPI_IN_PLACE, out, n * NUMBERS, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, rows, n, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (int k = 0, a = 0; a < (data.nclass ? data.nclass : 1); a++)
        for (int b = data.nclass ? a + 1 : 0; b < (data.nclass ? data.nclass : 1); b++)
            for (int c = 0; c < sweep->ncost * folds; c++, k++)
                mck_assert(rows[k] == (data.nclass ? data.count[a] + data.count[b] : ROWS),
                           "machine %d has %d rows", k, rows[k]);
    svm_machines_free(&m);
    free(rows);
    return out;
}

/* The same machines with all work on one rank alone. */
static void check_alone(const struct svm_train_spec *spec, const struct svm_sweep *sweep)
{
    double *all = results(spec, sweep);
    const int folds = sweep->folds > 0 ? sweep->folds : 1;
    const size_t n = (size_t)(svm_pairs(&data) * sweep->ncost * folds) * NUMBERS;
    omp_set_num_threads(1);
    run.threads = 1;
    double *again = results(spec, sweep);
    mck_assert(memcmp(all, again, n * sizeof *all) == 0, "other bits with one thread");
    omp_set_num_threads(3);
    run.threads = 3;
    struct svm_train_spec little = *spec;
    if (sweep->folds > 0) little.memory = 1200000; /* all fit, but rows come in rounds */
    double *rounds = results(&little, sweep);
    mck_assert(memcmp(all, rounds, n * sizeof *all) == 0, "other bits in rounds");
    free(all);
    free(again);
    free(rounds);
}

START_TEST(same_bits)
{
    static const enum svm_type types[] = {SVM_C_SVC, SVM_NU_SVC, SVM_EPSILON_SVR};
    for (int i = 0; i < 6; i++) {
        const enum svm_type type = types[i % 3];
        read_rows(type == SVM_EPSILON_SVR ? 6 : 60, type == SVM_EPSILON_SVR);
        const struct svm_train_spec spec = spec_of(type, 4000000);
        const struct svm_sweep sweep = {.function = rbf,
                                        .cost = costs,
                                        .ncost = 2,
                                        .folds = i < 3 && type != SVM_EPSILON_SVR ? 4 : 0,
                                        .probability = i >= 3};
        check_alone(&spec, &sweep);
        svm_data_free(&data);
    }
}
END_TEST

/* A C that starts from the one before ends where a fresh start ends; class weights count. */
START_TEST(next_c)
{
    read_rows(6, false);
    const struct svm_train_spec spec = spec_of(SVM_C_SVC, 1 << 28);
    const struct svm_sweep three = {.function = rbf, .cost = costs, .ncost = 3};
    const struct svm_sweep one = {.function = rbf, .cost = costs + 2, .ncost = 1};
    double *a = results(&spec, &three), *b = results(&spec, &one);
    for (int k = 0; k < svm_pairs(&data); k++) {
        const double x = a[(k * 3 + 2) * NUMBERS + OBJECTIVE], y = b[k * NUMBERS + OBJECTIVE];
        mck_assert(fabs(x - y) <= 1e-4 * fabs(y), "problem %d: %g and %g", k, x, y);
    }
    free(a);
    free(b);
    svm_data_free(&data);
}
END_TEST

/* Problems that do not fit are solved by all ranks, and come to the same. */
START_TEST(large_problems)
{
    for (int i = 0; i < 4; i++) {
        read_rows(6, i >= 2);
        const enum svm_type type = i < 2 ? SVM_C_SVC : SVM_EPSILON_SVR;
        const struct svm_train_spec small = spec_of(type, 1 << 28), large = spec_of(type, 100000);
        const struct svm_sweep sweep = {
            .function = rbf, .cost = costs, .ncost = 2, .folds = i % 2 ? 3 : 0, .probability = i % 2 == 0};
        double *a = results(&small, &sweep), *b = results(&large, &sweep);
        const int n = svm_pairs(&data) * 2 * (sweep.folds ? 3 : 1);
        for (int k = 0; k < n; k++) {
            const double *x = a + k * NUMBERS, *y = b + k * NUMBERS;
            mck_assert(fabs(x[OBJECTIVE] - y[OBJECTIVE]) <= 1e-3 * fabs(x[OBJECTIVE]),
                       "machine %d: %g and %g", k, x[OBJECTIVE], y[OBJECTIVE]);
            mck_assert(fabs(x[PROB_A] - y[PROB_A]) <= 0.02 * fabs(x[PROB_A]), "machine %d: %g and %g", k,
                       x[PROB_A], y[PROB_A]);
        }
        free(a);
        free(b);
        svm_data_free(&data);
    }
}
END_TEST

/* nu that two classes cannot reach is refused at once, with their names. */
START_TEST(infeasible)
{
    struct svm_machines m;
    read_rows(4, false);
    const struct svm_train_spec spec = spec_of(SVM_NU_SVC, 1 << 28);
    const struct svm_cost high = {.c = 1, .nu = 0.9};
    const struct svm_sweep sweep = {.function = rbf, .cost = &high, .ncost = 1};
    mck_assert(svm_train(&spec, &sweep, &m) == PS_EUSAGE, "it was accepted");
    mck_assert(strstr(ps_err_message(), "nu = 0.9"), "the message is '%s'", ps_err_message());
    ps_err_clear();
    svm_data_free(&data);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {plans,  parts_of_a_problem, matrices,   same_bits,
                                  next_c, large_problems,     infeasible, NULL};
    return mck_main(argc, argv, "svm_train", tests);
}
