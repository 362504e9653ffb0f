/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "apps/pisvm/svm_fold.h"
#include "apps/pisvm/svm_validate.h"
#include "common/run/err.h"
#include "kernels/rng.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* A data set that every rank can make: row i of class i * 7 % 16 % nclass, class 1 rare. */
struct set {
    enum svm_type type;
    int64_t rows;
    int cols, nclass; /* 0: values */
    int folds, ncost;
    struct ps_svm_function function;
    int64_t memory;
};

static struct ps_common quiet = {.log = "quiet"};
static const double weight[8] = {1, 1, 1, 1, 1, 1, 1, 1};
static char path[600], part[620];

static int class_at(const struct set *s, int64_t i)
{
    if (i == s->rows / 2 && s->nclass > 2) return 1; /* the only row of its class */
    const int c = (int)(i * 7 % 16) % s->nclass;
    return c == 1 && s->nclass > 2 ? 0 : c;
}

static double feature(const struct set *s, int64_t i, int k)
{
    const struct ps_rng r = {11, 3};
    const double centre = s->nclass ? 1.5 * ps_rng_normal(r, 1000 + class_at(s, i), (uint32_t)k + 64) : 0;
    return round((centre + ps_rng_normal(r, i, (uint32_t)k)) * 1e4) / 1e4;
}

static double label(const struct set *s, int64_t i)
{
    const double x = feature(s, i, 0), y = feature(s, i, 1);
    if (s->nclass) return class_at(s, i) * 3 - 2;
    if (s->type == SVM_ONE_CLASS) return x * x + y * y < 5 ? 1 : -1;
    return round((sin(x) + 0.3 * y) * 1e4) / 1e4;
}

/* Rows of the set for which fold[] is not `without`; fold NULL: all. */
static void write_rows(const struct set *s, const char *to, const int *fold, int without)
{
    FILE *f = fopen(to, "w");
    for (int64_t i = 0; i < s->rows; i++) {
        if (fold && fold[i] == without) continue;
        fprintf(f, "%g", label(s, i));
        for (int k = 0; k < s->cols; k++) fprintf(f, " %d:%.10g", k + 1, feature(s, i, k));
        fputc('\n', f);
    }
    fclose(f);
}

static void write_set(const struct set *s)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_svm_validate.el", dir ? dir : "/tmp");
    snprintf(part, sizeof part, "%s.%d", path, rank);
    if (rank == 0) write_rows(s, path, NULL, 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

static struct ps_run run_on(MPI_Comm comm)
{
    struct ps_run run = {.comm = comm, .common = &quiet, .name = "test", .threads = omp_get_max_threads()};
    MPI_Comm_rank(comm, &run.rank);
    MPI_Comm_size(comm, &run.size);
    return run;
}

static struct svm_train_spec spec_of(const struct set *s, struct ps_run *run, const struct svm_data *d)
{
    return (struct svm_train_spec){.run = run,
                                   .data = d,
                                   .kernels = &ps_svm_cpu,
                                   .type = s->type,
                                   .weight = weight,
                                   .dense = true,
                                   .shrinking = true,
                                   .eps = 1e-5,
                                   .memory = s->memory,
                                   .seed = 5,
                                   .quiet = true};
}

static void costs(const struct set *s, struct svm_cost *cost)
{
    for (int c = 0; c < s->ncost; c++)
        cost[c] = (struct svm_cost){.type = s->type, .c = pow(10, c), .nu = 0.2, .p = 0.1};
}

static enum ps_status validate(const struct set *s, MPI_Comm comm, struct svm_worth *out)
{
    struct ps_run run = run_on(comm);
    struct svm_data d;
    struct svm_cost cost[8];
    costs(s, cost);
    enum ps_status rc = svm_data_read(comm, path, s->nclass ? SVM_CLASSES : SVM_VALUES, &d);
    if (rc != PS_OK) return rc;
    const struct svm_train_spec spec = spec_of(s, &run, &d);
    const struct svm_sweep sweep = {s->function, cost, s->ncost, s->folds, false};
    rc = svm_validate(&spec, &sweep, out);
    svm_data_free(&d);
    return rc;
}

/* --- the oracle: a data set without the rows of a fold, trained alone, values in double precision --- */

/* The fold that leaves out each row of the file. */
static void folds_of(const struct set *s, const struct svm_data *d, int *fold)
{
    int64_t position[8] = {0};
    for (int64_t i = 0; i < s->rows; i++) {
        const int c = s->nclass ? d->class_of[i] : -1;
        fold[i] = s->nclass ? svm_fold(5, c, position[c]++, d->count[c], s->folds)
                            : svm_fold(5, -1, i, s->rows, s->folds);
    }
}

/* The value of row i of d by a machine of subset o. */
static double value(const struct set *s, const struct svm_machine *m, const struct svm_data *o,
                    const struct svm_data *d, int64_t i)
{
    const struct ps_csr a = svm_data_csr(d), b = svm_data_csr(o);
    int64_t position[8] = {0};
    double sum = -m->result.rho;
    for (int64_t k = 0; k < o->x.rows; k++) {
        const int c = s->nclass ? o->class_of[k] : -1;
        const int64_t p = s->nclass ? position[c]++ : k;
        const double *coef = m->coef;
        for (int q = 0; q < 2; coef += m->part[q].hi - m->part[q].lo, q++)
            if (m->part[q].cls == c && p >= m->part[q].lo && p < m->part[q].hi)
                sum += coef[p - m->part[q].lo] * ps_svm_value(&s->function, &a, i, &b, k);
    }
    return sum;
}

/* Classes of a part may come in another order. */
static int number(const struct svm_data *d, int32_t label)
{
    int c = 0;
    while (d->label[c] != label) c++;
    return c;
}

struct tally {
    int64_t hits;
    double square;
};

/* Judge the rows of one fold by machines that were trained without them. */
static void judge(const struct set *s, const struct svm_data *d, const int *fold, int f, int cost,
                  struct tally *t)
{
    struct ps_run run = run_on(MPI_COMM_SELF);
    struct svm_machines machines;
    struct svm_cost all[8];
    struct svm_data o;
    costs(s, all);
    write_rows(s, part, fold, f);
    ck_assert_msg(svm_data_read(MPI_COMM_SELF, part, s->nclass ? SVM_CLASSES : SVM_VALUES, &o) == PS_OK, "%s",
                  ps_err_message());
    const struct svm_train_spec spec = spec_of(s, &run, &o);
    const struct svm_sweep sweep = {s->function, all + cost, 1, 0, false};
    ck_assert_msg(svm_train(&spec, &sweep, &machines) == PS_OK, "%s", ps_err_message());
    for (int64_t i = 0; i < d->x.rows; i++) {
        int votes[8] = {0}, best = 0;
        double v = 0;
        if (fold[i] != f) continue;
        for (int64_t k = 0; k < machines.n; k++) {
            const struct svm_machine *m = &machines.machine[k];
            v = value(s, m, &o, d, i);
            if (s->nclass) votes[number(d, o.label[v > 0 ? m->a : m->b])]++;
        }
        for (int c = 1; c < s->nclass; c++)
            if (votes[c] > votes[best]) best = c;
        t->square += (v - d->x.label[i]) * (v - d->x.label[i]);
        t->hits += s->nclass ? best == d->class_of[i] : (v > 0) == (d->x.label[i] > 0);
    }
    svm_machines_free(&machines);
    svm_data_free(&o);
}

/* Equal on all ranks and threads, and what the oracle finds but for `slack` rows. */
static void check(const struct set *s, int64_t slack)
{
    struct svm_worth all[8], alone[8];
    struct svm_data d;
    const bool values = s->type == SVM_EPSILON_SVR || s->type == SVM_NU_SVR;
    write_set(s);
    mck_assert(validate(s, MPI_COMM_WORLD, all) == PS_OK, "all: %s", ps_err_message());
    omp_set_num_threads(3);
    mck_assert(validate(s, MPI_COMM_SELF, alone) == PS_OK, "alone: %s", ps_err_message());
    omp_set_num_threads(1);
    for (int c = 0; c < s->ncost; c++) {
        mck_assert(all[c].accuracy == alone[c].accuracy, "accuracy %.17g, alone %.17g", all[c].accuracy,
                   alone[c].accuracy);
        mck_assert(all[c].mse == alone[c].mse && all[c].correlation2 == alone[c].correlation2,
                   "error %.17g %.17g, alone %.17g %.17g", all[c].mse, all[c].correlation2, alone[c].mse,
                   alone[c].correlation2);
        mck_assert(all[c].seconds >= 0, "seconds");
    }
    mck_assert(svm_data_read(MPI_COMM_SELF, path, s->nclass ? SVM_CLASSES : SVM_VALUES, &d) == PS_OK, "read");
    int *fold = malloc((size_t)s->rows * sizeof *fold);
    folds_of(s, &d, fold);
    for (int c = 0; c < s->ncost; c++) {
        struct tally t = {0, 0};
        for (int f = 0; f < s->folds; f++) judge(s, &d, fold, f, c, &t);
        const double rows = (double)s->rows, got = all[c].accuracy * rows / 100;
        if (values)
            mck_assert(fabs(all[c].mse - t.square / rows) < 1e-3 * t.square / rows, "mse %g, not %g",
                       all[c].mse, t.square / rows);
        else
            mck_assert(fabs(got - (double)t.hits) <= (double)slack + 1e-6, "C %d: %g right, not %lld", c, got,
                       (long long)t.hits);
    }
    free(fold);
    svm_data_free(&d);
}

static const struct ps_svm_function rbf = {PS_SVM_RBF, 3, 0.2, 0};
enum { MEMORY = 64 << 20 };

START_TEST(classes)
{
    const struct set two = {SVM_C_SVC, 180, 5, 2, 4, 3, rbf, MEMORY};
    const struct set many = {SVM_C_SVC, 320, 5, 5, 5, 3, rbf, MEMORY};
    const struct set linear = {SVM_C_SVC, 200, 4, 4, 3, 2, {PS_SVM_LINEAR, 0, 0, 0}, MEMORY};
    const struct set nu = {SVM_NU_SVC, 200, 4, 2, 3, 1, rbf, MEMORY};
    check(&two, 1);
    check(&many, 2);
    check(&linear, 2);
    check(&nu, 1);
}
END_TEST

/* Every row is a fold of its own. */
START_TEST(leave_one_out)
{
    const struct set s = {SVM_C_SVC, 24, 3, 2, 24, 2, rbf, MEMORY};
    check(&s, 0);
}
END_TEST

START_TEST(values)
{
    const struct set epsilon = {SVM_EPSILON_SVR, 150, 3, 0, 4, 3, rbf, MEMORY};
    const struct set nu = {SVM_NU_SVR, 150, 3, 0, 3, 2, rbf, MEMORY};
    const struct set one = {SVM_ONE_CLASS, 150, 2, 0, 4, 1, rbf, MEMORY};
    check(&epsilon, 0);
    check(&nu, 0);
    check(&one, 1);
}
END_TEST

/* More rows than one chunk and one batch hold. */
START_TEST(batches)
{
    const struct set much = {SVM_C_SVC, 9500, 2, 3, 2, 2, rbf, 1 << 30};
    struct set little = much;
    struct svm_worth a[8], b[8];
    little.memory = 1 << 20;
    write_set(&much);
    mck_assert(validate(&much, MPI_COMM_SELF, a) == PS_OK, "%s", ps_err_message());
    mck_assert(validate(&little, MPI_COMM_SELF, b) == PS_OK, "%s", ps_err_message());
    for (int c = 0; c < 2; c++)
        mck_assert(fabs(a[c].accuracy - b[c].accuracy) < 0.05, "accuracy %g, with little memory %g",
                   a[c].accuracy, b[c].accuracy);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {classes, leave_one_out, values, batches, NULL};
    return mck_main(argc, argv, "svm_validate", tests);
}
