/* ranks: 1 2 3 4
 *
 * Variables, other C and results over any cut of the rows against one rank that holds all: the same bits. */
#include <math.h>
#include <string.h>
#include "apps/pisvm/svm_type.h"
#include "common/par/block.h"
#include "kernels/rng.h"
#include "tests/unit/mpicheck.h"

enum { ROWS = 240, TYPES = 5 };

/** Cut [0, n) unevenly; some ranks have nothing. */
static struct ps_range uneven(int64_t n, int cut)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct ps_rng r = {(uint64_t)cut, 7};
    struct ps_range mine = {0, n};
    for (int k = 1; k < size; k++) {
        int64_t at = cut == 0 ? ps_block(n, size, k).lo : ps_rng_below(r, 0, 0, n);
        if (cut > 0 && k > 1) at = cut == 2 ? n : at + (n - at) * (k - 1) / size;
        if (k <= rank) mine.lo = at;
        if (k == rank + 1) mine.hi = at;
    }
    return mine;
}

/** Variables of own rows against those of one rank that holds all. */
static bool part_of(const struct svm_vars *part, const struct svm_vars *all, int64_t lo)
{
    bool same = part->copies == all->copies && part->nu == all->nu;
    for (int64_t i = 0; i < part->n; i++)
        for (int c = 0; c < part->copies; c++) {
            int64_t a = i + c * part->n, b = lo + i + c * all->n;
            same = same && part->y[a] == all->y[b] && part->p[a] == all->p[b] && part->c[a] == all->c[b] &&
                   part->alpha[a] == all->alpha[b];
        }
    for (int64_t i = 0; i < part->n; i++) same = same && part->f[i] == all->f[lo + i];
    return same;
}

/** Values as after a solution, for the tests of what reads them. */
static void pretend(const struct svm_vars *all, int64_t lo, struct svm_vars *v)
{
    struct ps_rng r = {17, 8};
    for (int64_t i = 0; i < v->n; i++) {
        v->f[i] = ps_rng_normal(r, lo + i, 0) * pow(10, (double)ps_rng_below(r, lo + i, 1, 9));
        for (int c = 0; c < v->copies; c++) {
            int64_t at = i + c * v->n, kind = ps_rng_below(r, lo + i + c * all->n, 2, 3);
            v->alpha[at] = kind == 0   ? 0
                           : kind == 1 ? v->c[at]
                                       : v->c[at] * ps_rng_uniform(r, lo + i, 3 + (uint32_t)c);
        }
    }
}

static void check_cut(enum svm_type type, int cut)
{
    static struct svm_row row[ROWS];
    static double coef[ROWS], own_coef[ROWS];
    bool regression = type == SVM_EPSILON_SVR || type == SVM_NU_SVR;
    struct svm_cost cost = {.type = type, .c = 7, .c_positive = 7, .c_negative = 14, .nu = 0.35, .p = 0.15};
    struct svm_cost next = cost;
    next.c = next.c_positive = 90;
    next.c_negative = 180;
    struct svm_vars all, own;
    struct svm_result want = {0}, got = {0};
    bool start[2];
    for (int i = 0; i < ROWS; i++)
        row[i] = (struct svm_row){regression                         ? sin(i)
                                  : i < 150 || type == SVM_ONE_CLASS ? 1
                                                                     : -1,
                                  i % 7 == 3};
    struct ps_range mine = uneven(ROWS, cut);
    mck_assert(svm_vars_make(MPI_COMM_NULL, &cost, row, ROWS, &all, &start[0]) == PS_OK, "all");
    mck_assert(svm_vars_make(MPI_COMM_WORLD, &cost, row + mine.lo, mine.hi - mine.lo, &own, &start[1]) ==
                   PS_OK,
               "own");
    mck_assert(start[0] == start[1] && start[0] == (type != SVM_C_SVC && type != SVM_EPSILON_SVR), "start");
    mck_assert(part_of(&own, &all, mine.lo), "variables, type %d, cut %d", type, cut);
    pretend(&all, 0, &all);
    pretend(&all, mine.lo, &own);
    for (int round = 0; round < 2; round++) {
        mck_assert(svm_vars_result(MPI_COMM_NULL, &cost, &all, &want, coef) == PS_OK, "all");
        mck_assert(svm_vars_result(MPI_COMM_WORLD, &cost, &own, &got, own_coef) == PS_OK, "own");
        mck_assert(memcmp(&want, &got, sizeof want) == 0, "result, type %d, cut %d", type, cut);
        mck_assert(memcmp(coef + mine.lo, own_coef, (size_t)own.n * sizeof *coef) == 0, "coefficients");
        if (type != SVM_C_SVC && type != SVM_EPSILON_SVR) break;
        mck_assert(svm_vars_recost(MPI_COMM_NULL, &cost, &next, &all) == PS_OK, "all");
        mck_assert(svm_vars_recost(MPI_COMM_WORLD, &cost, &next, &own) == PS_OK, "own");
        mck_assert(part_of(&own, &all, mine.lo), "another C, type %d, cut %d", type, cut);
        cost = next;
    }
    svm_vars_free(&all);
    svm_vars_free(&own);
}

START_TEST(any_cut)
{
    for (int type = 0; type < TYPES; type++)
        for (int cut = 0; cut < 5; cut++) check_cut((enum svm_type)type, cut);
}
END_TEST

/** LIBSVM's starts: the first rows get what there is. */
START_TEST(starts)
{
    struct svm_row row[6] = {{1, 0}, {1, 1}, {1, 0}, {-1, 0}, {-1, 0}, {1, 0}};
    struct svm_vars v;
    bool start;
    struct svm_cost cost = {.type = SVM_NU_SVC, .nu = 0.5, .c = 4};
    ck_assert_int_eq(svm_vars_make(MPI_COMM_NULL, &cost, row, 6, &v, &start), PS_OK); /* 1.25 a side */
    ck_assert(start && v.nu && v.copies == 1 && v.alpha[0] == 1 && v.alpha[1] == 0 && v.alpha[2] == 0.25 &&
              v.alpha[3] == 1 && v.alpha[4] == 0.25 && v.alpha[5] == 0 && v.c[1] == 0);
    svm_vars_free(&v);
    cost.type = SVM_ONE_CLASS;
    ck_assert_int_eq(svm_vars_make(MPI_COMM_NULL, &cost, row, 3, &v, &start), PS_OK); /* 1 of 2 rows */
    ck_assert(start && !v.nu && v.alpha[0] == 1 && v.alpha[1] == 0 && v.alpha[2] == 0);
    svm_vars_free(&v);
    cost.type = SVM_NU_SVR;
    ck_assert_int_eq(svm_vars_make(MPI_COMM_NULL, &cost, row, 6, &v, &start), PS_OK); /* 5 a side */
    ck_assert(start && v.nu && v.copies == 2 && v.alpha[0] == 4 && v.alpha[6] == 4 && v.alpha[2] == 1 &&
              v.alpha[8] == 1 && v.alpha[3] == 0 && v.p[3] == 1 && v.p[9] == -1 && v.y[9] == -1);
    svm_vars_free(&v);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {any_cut, starts, NULL};
    return mck_main(argc, argv, "svm type", tests);
}
