#include "common/linalg/pca.h"
#include <omp.h>
#include <stdlib.h>
#include "common/linalg/eigen.h"
#include "common/par/grain.h"
#include "common/run/err.h"
#include "kernels/covariance.h"

enum {
    GRAINS = 64,
    CHUNK = 64,       /* rows of one product */
    ALONE = 2048,     /* columns of which one rank finds the eigenvectors */
    ROOM = 128 << 20, /* bytes, about, of the sums of all grains */
};

/* One fit on the way. */
struct fit {
    const struct ps_pca_rows *x;
    struct ps_grains g;
    int64_t stride; /* columns, filled up */
    int64_t height; /* rows of covariances of one sum */
    float *row;     /* [threads][cols] */
    double *chunk;  /* [threads][CHUNK][stride] */
    double *mine;   /* [own grains][height][stride] */
    double *sum;    /* [height][stride] */
};

static int64_t up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static enum ps_status make(MPI_Comm comm, const struct ps_pca_rows *x, struct fit *f)
{
    const int threads = omp_get_max_threads();
    *f = (struct fit){.x = x, .g = ps_grains_make(comm, GRAINS), .stride = up(x->cols, PS_COVARIANCE_COLS)};
    f->height =
        ROOM / (GRAINS * f->stride * (int64_t)sizeof(double)) / PS_COVARIANCE_ROWS * PS_COVARIANCE_ROWS;
    if (f->height < PS_COVARIANCE_ROWS) f->height = PS_COVARIANCE_ROWS;
    if (f->height > f->stride) f->height = f->stride;
    const int64_t grains = f->g.mine.hi - f->g.mine.lo;
    enum ps_status rc = ps_alloc(&f->row, threads * x->cols, sizeof *f->row, "rows");
    if (rc == PS_OK) rc = ps_zalloc(&f->chunk, threads * CHUNK * f->stride, sizeof *f->chunk, "rows");
    if (rc == PS_OK)
        rc = ps_alloc(&f->mine, grains * f->height * f->stride, sizeof *f->mine, "sums of grains");
    if (rc == PS_OK) rc = ps_alloc(&f->sum, f->height * f->stride, sizeof *f->sum, "covariances");
    return rc;
}

static void drop(struct fit *f)
{
    free(f->row), free(f->chunk), free(f->mine), free(f->sum);
}

/* Sums of own grains' columns. */
static void add_columns(struct fit *f, int64_t grain, float *row)
{
    const struct ps_range r = ps_grain_range(&f->g, f->x->rows, grain);
    double *sum = f->mine + (grain - f->g.mine.lo) * f->x->cols;
    for (int64_t j = 0; j < f->x->cols; j++) sum[j] = 0;
    for (int64_t i = r.lo; i < r.hi; i++) {
        f->x->row(f->x->context, i, row);
        for (int64_t j = 0; j < f->x->cols; j++) sum[j] += (double)row[j];
    }
}

/* Products of a grain's columns from `lo` to `hi` with all, about the mean. */
static void add_products(struct fit *f, int64_t grain, const double *mean, int64_t lo, int64_t hi, float *row,
                         double *chunk)
{
    const struct ps_range r = ps_grain_range(&f->g, f->x->rows, grain);
    double *sum = f->mine + (grain - f->g.mine.lo) * (hi - lo) * f->stride;
    for (int64_t j = 0; j < (hi - lo) * f->stride; j++) sum[j] = 0;
    for (int64_t begin = r.lo; begin < r.hi; begin += CHUNK) {
        const int64_t n = r.hi - begin < CHUNK ? r.hi - begin : CHUNK;
        for (int64_t i = 0; i < n; i++) {
            f->x->row(f->x->context, begin + i, row);
            for (int64_t j = 0; j < f->x->cols; j++) chunk[i * f->stride + j] = (double)row[j] - mean[j];
        }
        ps_covariance_add(chunk, n, f->stride, lo, hi, sum);
    }
}

/* Collective. @param mean out [cols] */
static enum ps_status find_mean(struct fit *f, double *mean)
{
#pragma omp parallel for schedule(dynamic)
    for (int64_t grain = f->g.mine.lo; grain < f->g.mine.hi; grain++)
        add_columns(f, grain, f->row + omp_get_thread_num() * f->x->cols);
    PS_TRY(ps_grain_sum(&f->g, f->mine, f->x->cols, mean));
    for (int64_t j = 0; j < f->x->cols; j++) mean[j] /= (double)f->x->rows;
    return PS_OK;
}

/* Rows [lo, hi) of the covariances into f->sum. Collective. */
static enum ps_status find_covariances(struct fit *f, const double *mean, int64_t lo, int64_t hi)
{
    const int64_t len = (hi - lo) * f->stride;
#pragma omp parallel for schedule(dynamic)
    for (int64_t grain = f->g.mine.lo; grain < f->g.mine.hi; grain++) {
        const int t = omp_get_thread_num();
        add_products(f, grain, mean, lo, hi, f->row + t * f->x->cols, f->chunk + t * CHUNK * f->stride);
    }
    PS_TRY(ps_grain_sum(&f->g, f->mine, len, f->sum));
    const double scale = 1 / (double)(f->x->rows > 1 ? f->x->rows - 1 : 1);
    for (int64_t j = 0; j < len; j++) f->sum[j] *= scale;
    return PS_OK;
}

/* All covariances, a few rows at a time, into the matrix that the ranks share. Collective. */
static enum ps_status fill(struct fit *f, struct ps_pca *p, struct ps_eigen *e)
{
    for (int64_t lo = 0; lo < f->stride; lo += f->height) {
        const int64_t hi = lo + f->height < f->stride ? lo + f->height : f->stride;
        PS_TRY(find_covariances(f, p->mean, lo, hi));
        const int64_t end = hi < p->cols ? hi : p->cols;
        for (int64_t i = lo; i < end; i++) p->total += f->sum[(i - lo) * f->stride + i];
        ps_eigen_put(e, lo, end, f->sum, f->stride);
    }
    return PS_OK;
}

bool ps_pca_available(void)
{
    return ps_eigen_available();
}

enum ps_status ps_pca_fit(MPI_Comm comm, const struct ps_pca_rows *x, int64_t code, struct ps_pca *out)
{
    struct fit f = {.row = NULL};
    struct ps_eigen e = {.open = false};
    int size;
    MPI_Comm_size(comm, &size);
    *out = (struct ps_pca){.cols = x->cols, .code = code};
    PS_CHECK(code >= 1 && code <= x->cols, PS_EUSAGE, "%lld principal components of %lld columns",
             (long long)code, (long long)x->cols);
    PS_CHECK(x->rows >= 1, PS_EUSAGE, "principal components of no rows");
    enum ps_status rc = make(comm, x, &f);
    if (rc == PS_OK) rc = ps_alloc(&out->mean, x->cols, sizeof *out->mean, "means");
    if (rc == PS_OK) rc = ps_alloc(&out->component, x->cols * code, sizeof *out->component, "components");
    if (rc == PS_OK) rc = ps_alloc(&out->variance, code, sizeof *out->variance, "variances");
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(ps_eigen_open(comm, x->cols, x->cols <= ALONE ? 1 : size, &e));
    PS_TRY_DONE(find_mean(&f, out->mean));
    PS_TRY_DONE(fill(&f, out, &e));
    PS_TRY_DONE(ps_eigen_largest(&e, code, out->variance, out->component));
done:
    ps_eigen_close(&e);
    drop(&f);
    if (rc != PS_OK) ps_pca_free(out);
    return rc;
}

void ps_pca_free(struct ps_pca *p)
{
    free(p->mean), free(p->component), free(p->variance);
    *p = (struct ps_pca){.cols = 0};
}

void ps_pca_encode(const struct ps_pca *p, const float *x, double *code)
{
    for (int64_t c = 0; c < p->code; c++) code[c] = 0;
    for (int64_t j = 0; j < p->cols; j++) {
        const double y = (double)x[j] - p->mean[j];
        for (int64_t c = 0; c < p->code; c++) code[c] += y * p->component[j * p->code + c];
    }
}

void ps_pca_decode(const struct ps_pca *p, const double *code, float *x)
{
    for (int64_t j = 0; j < p->cols; j++) {
        double y = p->mean[j];
        for (int64_t c = 0; c < p->code; c++) y += code[c] * p->component[j * p->code + c];
        x[j] = (float)y;
    }
}
