#include "apps/pisvm/svm_sample.h"
#include <math.h>
#include <stdlib.h>
#include "apps/pisvm/svm_working.h"
#include "common/par/exactsum.h"
#include "common/run/err.h"
#include "kernels/svm/tie.h"

/* A value in double precision takes the time of about so many in single precision; one in SHARE of the time
 * may be spent, and a few rows are always looked at. */
enum { LEAST = 4, MOST = 256, DEARER = 300, SHARE = 50 };

/* Coefficient of an own row. */
static double coefficient(const struct svm_vars *v, int64_t row)
{
    const double a = v->y[row] * v->alpha[row];
    return v->copies == 2 ? a + v->y[row + v->n] * v->alpha[row + v->n] : a;
}

/* Rows that can be afforded. Collective. */
static enum ps_status affordable(const struct svm_large *s, const struct svm_vars *v, int64_t outer,
                                 int64_t *rows)
{
    int64_t sv = 0;
    for (int64_t row = 0; row < s->n; row++) sv += coefficient(v, row) != 0;
    const int ok = MPI_Allreduce(MPI_IN_PLACE, &sv, 1, MPI_INT64_T, MPI_SUM, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "support vectors could not be counted");
    const double values = (double)outer * s->fresh * (double)s->total / (DEARER * SHARE);
    *rows = (int64_t)fmin(MOST, fmax(LEAST, values / (double)(sv > 0 ? sv : 1)));
    return PS_OK;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The sample: ascending, each row once. @return how many */
static int64_t draw(const struct svm_large *s, int64_t rows, int64_t *number)
{
    int64_t n = 0;
    if (s->total == 0) return 0;
    for (int64_t i = 0; i < rows; i++) number[i] = (int64_t)(ps_svm_tie(i) % (uint64_t)s->total);
    qsort(number, (size_t)rows, sizeof *number, ascending);
    for (int64_t i = 0; i < rows; i++)
        if (n == 0 || number[n - 1] != number[i]) number[n++] = number[i];
    return n;
}

/* Sums over own rows for all rows of the sample. */
static void sum_own(const struct svm_large *s, const struct svm_vars *v, const struct svm_working *w,
                    struct ps_exact *sum)
{
    const struct ps_csr csr = svm_working_csr(s, w);
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < w->n; i++) {
        const int64_t at = svm_working_place(w, i);
        for (int64_t row = 0; row < s->n; row++) {
            const double coef = coefficient(v, row);
            if (coef != 0)
                ps_exact_add(&sum[i], coef * ps_svm_value(&s->spec.function, &csr, at, &s->own, row));
        }
    }
}

enum ps_status svm_sample_check(struct svm_large *s, const struct svm_vars *v, int64_t outer, double *checked)
{
    struct svm_working w = {0};
    struct ps_exact *sum = NULL;
    int64_t number[MOST], rows = 0;
    double mine[MOST], f[MOST];
    *checked = -1;
    PS_TRY(ps_agree(s->spec.comm, affordable(s, v, outer, &rows)));
    rows = draw(s, rows, number);
    enum ps_status rc = ps_zalloc(&sum, rows, sizeof *sum, "sums of a sample");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    PS_TRY_DONE(svm_working_fetch(s, number, rows, &w));
    sum_own(s, v, &w, sum);
    PS_TRY_DONE(ps_agree(s->spec.comm, ps_exact_reduce(s->spec.comm, sum, (int)rows)));
    const struct ps_range own = svm_working_own(s, number, rows);
    for (int64_t i = own.lo; i < own.hi; i++) mine[i - own.lo] = v->f[number[i] - s->first];
    PS_TRY_DONE(svm_working_gather(s, number, rows, mine, sizeof *mine, f));
    for (int64_t i = 0; i < rows; i++) *checked = fmax(*checked, fabs(f[i] - ps_exact_value(&sum[i])));
done:
    free(sum);
    svm_working_free(&w);
    return rc;
}
