#include "apps/pisvm/svm_apply.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"

/* A tile: rows of the target, columns that change. Compressed rows cost something at the start of a block,
 * so that tiles are larger there. */
enum { ROWS = 256, MOST_ROWS = 4096, VALUES = 128 * 1024 };

/* One application. */
struct job {
    const struct svm_large *s;
    const struct svm_change *change;
    const struct svm_target *to;
    const float **there;      /* [n] column that was kept, or NULL; owned */
    float **keep;             /* [n] where a computed column is kept, or NULL; owned */
    int64_t *before;          /* [n + 1] columns that are computed before; owned */
    struct ps_svm_pack *pack; /* rows of the columns that are computed; owned */
    int64_t rows, cols;       /* of a tile */
    float *tile;              /* [threads][rows * cols]; owned */
    double *sum;              /* [threads][rows]; owned */
    const float **column;     /* [threads][cols]; owned */
};

static void job_free(struct job *j)
{
    free(j->there);
    free(j->keep);
    free(j->before);
    if (j->pack) j->s->spec.kernels->unpack(j->pack);
    free(j->tile);
    free(j->sum);
    free(j->column);
}

static void tile_size(struct job *j)
{
    const int64_t threads = omp_get_max_threads();
    j->rows = ROWS;
    if (!j->s->spec.layout.dense)
        while (j->rows < MOST_ROWS && 8 * threads * j->rows < j->to->n) j->rows *= 2;
    j->cols = VALUES / j->rows;
}

static enum ps_status job_alloc(struct job *j)
{
    const int64_t threads = omp_get_max_threads(), n = j->change->n;
    tile_size(j);
    PS_TRY(ps_alloc(&j->there, n, sizeof *j->there, "a list of columns"));
    PS_TRY(ps_alloc(&j->keep, n, sizeof *j->keep, "a list of columns"));
    PS_TRY(ps_alloc(&j->before, n + 1, sizeof *j->before, "a list of columns"));
    PS_TRY(ps_alloc(&j->tile, threads * j->rows * j->cols, sizeof *j->tile, "tiles of kernel values"));
    PS_TRY(ps_alloc(&j->sum, threads * j->rows, sizeof *j->sum, "sums of kernel values"));
    return ps_alloc(&j->column, threads * j->cols, sizeof *j->column, "columns of a tile");
}

/* See which columns are there; pack the rows of the others, and find room for those. */
static enum ps_status prepare(struct job *j, struct svm_columns *columns, int64_t now)
{
    const struct svm_working *w = j->change->rows;
    const int64_t n = j->change->n;
    const struct ps_csr csr = svm_working_csr(w, j->s->own.cols);
    int64_t *row = NULL;
    if (columns) PS_TRY(svm_columns_grow(columns));
    PS_TRY(ps_alloc(&row, n, sizeof *row, "a list of columns"));
    for (int64_t k = 0; k < n; k++)
        j->there[k] = columns ? svm_columns_find(columns, w->number[j->change->at[k]], now) : NULL;
    j->before[0] = 0;
    for (int64_t k = 0; k < n; k++) {
        const int64_t at = j->change->at[k], m = j->before[k];
        j->keep[k] = columns && !j->there[k] ? svm_columns_add(columns, w->number[at], now) : NULL;
        if (!j->there[k]) row[m] = at;
        j->before[k + 1] = m + !j->there[k];
    }
    const enum ps_status rc = j->s->spec.kernels->pack(&csr, row, j->before[n], &j->s->spec.layout, &j->pack);
    free(row);
    return rc;
}

/* Columns [klo, khi) of target rows [lo, hi). */
static void apply_tile(const struct job *j, int64_t klo, int64_t khi, int64_t lo, int64_t hi, int thread)
{
    const struct ps_svm_kernels *kernels = j->s->spec.kernels;
    float *tile = j->tile + thread * j->rows * j->cols;
    const float **column = j->column + thread * j->cols;
    const int64_t mlo = j->before[klo], mhi = j->before[khi];
    if (mhi > mlo)
        kernels->block(&j->s->spec.function, j->pack, mlo, mhi, j->to->pack, lo, hi, tile, j->rows);
    for (int64_t k = klo; k < khi; k++) {
        const float *computed = tile + (j->before[k] - mlo) * j->rows;
        if (j->keep[k]) memcpy(j->keep[k] + lo, computed, (size_t)(hi - lo) * sizeof *computed);
        column[k - klo] = j->there[k] ? j->there[k] + lo : computed;
    }
    kernels->update(column, j->change->coef + klo, khi - klo, hi - lo, j->sum + thread * j->rows);
}

static void apply(const struct job *j, double *f)
{
#pragma omp parallel for schedule(dynamic)
    for (int64_t lo = 0; lo < j->to->n; lo += j->rows) {
        const int64_t hi = lo + j->rows < j->to->n ? lo + j->rows : j->to->n;
        const int thread = omp_get_thread_num();
        double *sum = j->sum + thread * j->rows;
        for (int64_t i = lo; i < hi; i++) sum[i - lo] = f[j->to->row[i]];
        for (int64_t k = 0; k < j->change->n; k += j->cols)
            apply_tile(j, k, k + j->cols < j->change->n ? k + j->cols : j->change->n, lo, hi, thread);
        for (int64_t i = lo; i < hi; i++) f[j->to->row[i]] = sum[i - lo];
    }
}

enum ps_status svm_apply(struct svm_large *s, const struct svm_change *change, const struct svm_target *to,
                         struct svm_columns *columns, int64_t now, double *f)
{
    if (change->n == 0 || to->n == 0) return PS_OK;
    struct job j = {.s = s, .change = change, .to = to};
    enum ps_status rc = job_alloc(&j);
    if (rc == PS_OK) rc = prepare(&j, columns, now);
    if (rc == PS_OK) apply(&j, f);
    if (rc == PS_OK) s->computed += j.before[change->n] * to->n;
    job_free(&j);
    return rc;
}
