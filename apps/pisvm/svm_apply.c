#include "apps/pisvm/svm_apply.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_wanted.h"
#include "common/run/err.h"

/* A tile: rows of the target, columns that change. Compressed rows cost something at the start of a block,
 * so that tiles are larger there. */
enum { ROWS = 256, MOST_ROWS = 4096, VALUES = 128 * 1024 };

/* One application. */
struct job {
    const struct svm_large *s;
    const struct svm_change *change;
    const struct svm_target *to;
    const struct svm_wanted *wanted;
    int64_t rows, cols;   /* of a tile */
    float *tile;          /* [threads][rows * cols]; owned */
    double *sum;          /* [threads][rows]; owned */
    const float **column; /* [threads][cols]; owned */
};

static void job_free(struct job *j)
{
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
    const int64_t threads = omp_get_max_threads();
    tile_size(j);
    PS_TRY(ps_alloc(&j->tile, threads * j->rows * j->cols, sizeof *j->tile, "tiles of kernel values"));
    PS_TRY(ps_alloc(&j->sum, threads * j->rows, sizeof *j->sum, "sums of kernel values"));
    return ps_alloc(&j->column, threads * j->cols, sizeof *j->column, "columns of a tile");
}

/* Columns [klo, khi) of target rows [lo, hi). */
static void apply_tile(const struct job *j, int64_t klo, int64_t khi, int64_t lo, int64_t hi, int thread)
{
    const struct ps_svm_kernels *kernels = j->s->spec.kernels;
    float *tile = j->tile + thread * j->rows * j->cols;
    const float **column = j->column + thread * j->cols;
    const struct svm_wanted *w = j->wanted;
    const int64_t mlo = w->before[klo], mhi = w->before[khi];
    if (mhi > mlo)
        kernels->block(&j->s->spec.function, w->pack, mlo, mhi, j->to->pack, lo, hi, tile, j->rows);
    for (int64_t k = klo; k < khi; k++) {
        const float *computed = tile + (w->before[k] - mlo) * j->rows;
        if (w->keep[k]) memcpy(w->keep[k] + lo, computed, (size_t)(hi - lo) * sizeof *computed);
        column[k - klo] = w->there[k] ? w->there[k] + lo : computed;
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

/* On the host. */
static enum ps_status apply_here(const struct svm_large *s, const struct svm_change *change,
                                 const struct svm_target *to, const struct svm_wanted *w, double *f)
{
    struct job j = {.s = s, .change = change, .to = to, .wanted = w};
    const enum ps_status rc = job_alloc(&j);
    if (rc == PS_OK) apply(&j, f);
    job_free(&j);
    return rc;
}

enum ps_status svm_apply(struct svm_large *s, const struct svm_change *change, const struct svm_target *to,
                         struct svm_columns *columns, int64_t now, double *f)
{
    struct svm_wanted w;
    if (change->n == 0 || to->n == 0) return PS_OK;
    enum ps_status rc = svm_wanted_make(s, change, columns, now, &w);
    if (rc == PS_OK)
        rc = s->spec.kernels->device ? svm_apply_there(s, change, to, &w) : apply_here(s, change, to, &w, f);
    if (rc == PS_OK) s->computed += w.before[change->n] * to->n;
    svm_wanted_free(s, &w);
    return rc;
}
