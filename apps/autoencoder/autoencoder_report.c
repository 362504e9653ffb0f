#include "apps/autoencoder/autoencoder_report.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include "common/par/grain.h"
#include "common/run/err.h"
#include "common/run/log.h"
#include "common/run/record.h"

enum { GRAINS = 64 };

/* Errors that differ less, as a share, are printed alike. */
static const double ALIKE = 5e-5;

/* Sums over samples. The last two say what all samples have alike, as figures are made from sums only. */
enum { SQUARES, RAW_SQUARES, ANGLES, VALUES, RANGE, SUMS };

const char *const autoencoder_figure_name[AUTOENCODER_FIGURES] = {"val_mse", "val_rmse", "val_angle",
                                                                  "val_psnr"};

/* @param x, y [bands] scaled: a sample, and what comes back */
static void add_sample(const struct spectra_part *p, const float *x, const float *y, double *sum)
{
    const struct spectra_scale *s = p->scale;
    double xx = 0, yy = 0, xy = 0, squares = 0, raw = 0;
    for (int64_t k = 0; k < p->all->bands; k++) {
        const double factor = s->factor[k], shift = s->shift[k], error = (double)y[k] - (double)x[k];
        const double a = (double)x[k] / factor + shift, b = (double)y[k] / factor + shift;
        squares += error * error;
        raw += error / factor * (error / factor);
        xx += a * a, yy += b * b, xy += a * b;
    }
    sum[SQUARES] += squares;
    sum[RAW_SQUARES] += raw;
    if (xx > 0 && yy > 0)
        sum[ANGLES] += acos(fmin(1, fmax(-1, xy / sqrt(xx * yy)))) * 180 / acos(-1);
    else if (xx > 0 || yy > 0)
        sum[ANGLES] += 90; /* beside nothing, nothing has a direction */
    sum[VALUES] += (double)p->all->bands;
    sum[RANGE] += s->range;
}

static void add(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                const void *target, double *sum)
{
    const struct spectra_part *p = context;
    const float *x = target, *y = ps_net_output(work, work->net->nodes - 1);
    for (int64_t i = 0; i < batch->n; i++) add_sample(p, x + i * p->all->bands, y + i * p->all->bands, sum);
}

struct ps_score autoencoder_score(const struct spectra_part *p)
{
    return (struct ps_score){.sums = SUMS, .add = add, .context = (void *)p};
}

void autoencoder_figures(const double *sum, int64_t n, double *figure)
{
    const double raw = sum[RAW_SQUARES] / sum[VALUES], range = sum[RANGE] / (double)n;
    figure[AUTOENCODER_MSE] = sum[SQUARES] / sum[VALUES];
    figure[AUTOENCODER_RMSE] = sqrt(raw);
    figure[AUTOENCODER_ANGLE] = sum[ANGLES] / (double)n;
    figure[AUTOENCODER_PSNR] = 10 * log10(range * range / raw);
}

static void scaled_row(const void *context, int64_t i, float *x)
{
    const struct spectra_part *p = context;
    spectra_scaled(p->all, p->scale, spectra_sample(p, i), x);
}

/* Sums of a grain of the test part. @param x, y [bands] @param code [code] */
static void add_grain(const struct ps_pca *pca, const struct spectra_part *test, struct ps_range r, float *x,
                      float *y, double *code, double *sum)
{
    for (int s = 0; s < SUMS; s++) sum[s] = 0;
    for (int64_t i = r.lo; i < r.hi; i++) {
        scaled_row(test, i, x);
        ps_pca_encode(pca, x, code);
        ps_pca_decode(pca, code, y);
        add_sample(test, x, y, sum);
    }
}

/* Collective. @param sum out [SUMS] */
static enum ps_status add_test(struct ps_run *run, const struct ps_pca *pca, const struct spectra_part *test,
                               double *sum)
{
    const struct ps_grains g = ps_grains_make(run->comm, GRAINS);
    const int64_t bands = pca->cols, threads = omp_get_max_threads();
    float *row = NULL;
    double *code = NULL, *mine = NULL;
    enum ps_status rc = ps_alloc(&row, 2 * threads * bands, sizeof *row, "samples");
    if (rc == PS_OK) rc = ps_alloc(&code, threads * pca->code, sizeof *code, "codes");
    if (rc == PS_OK) rc = ps_alloc(&mine, (g.mine.hi - g.mine.lo) * SUMS, sizeof *mine, "sums of grains");
    PS_TRY_DONE(ps_agree(run->comm, rc));
#pragma omp parallel for schedule(dynamic)
    for (int64_t grain = g.mine.lo; grain < g.mine.hi; grain++) {
        float *x = row + 2 * omp_get_thread_num() * bands;
        add_grain(pca, test, ps_grain_range(&g, test->hi - test->lo, grain), x, x + bands,
                  code + omp_get_thread_num() * pca->code, mine + (grain - g.mine.lo) * SUMS);
    }
    rc = ps_grain_sum(&g, mine, SUMS, sum);
done:
    free(row), free(code), free(mine);
    return rc;
}

enum ps_status autoencoder_pca_fit(struct ps_run *run, const struct spectra_part *train, int64_t code,
                                   struct ps_pca *out)
{
    const struct ps_pca_rows rows = {train->hi - train->lo, train->all->bands, train, scaled_row};
    return ps_pca_fit(run->comm, &rows, code, out);
}

enum ps_status autoencoder_pca_figures(struct ps_run *run, const struct ps_pca *pca,
                                       const struct spectra_part *test, double *figure)
{
    double sum[SUMS];
    PS_TRY(add_test(run, pca, test, sum));
    autoencoder_figures(sum, test->hi - test->lo, figure);
    return PS_OK;
}

double autoencoder_explained(const struct ps_pca *pca)
{
    double held = 0;
    for (int64_t c = 0; c < pca->code; c++) held += pca->variance[c];
    return pca->total > 0 ? held / pca->total : 1;
}

static void tell_line(struct ps_run *run, const char *what, const double *net, const double *pca, int figure,
                      const char *unit)
{
    if (pca)
        ps_print(run, "  %-24s %14.6g %14.6g   %s\n", what, net[figure], pca[figure], unit);
    else
        ps_print(run, "  %-24s %14.6g   %s\n", what, net[figure], unit);
}

static void keep(struct ps_run *run, const struct autoencoder *a, const struct spectra_part *test,
                 const double *net, const double *pca, double explained)
{
    static const char *const name[2][AUTOENCODER_FIGURES] = {
        {"mse", "rmse", "angle", "psnr"}, {"pca_mse", "pca_rmse", "pca_angle", "pca_psnr"}};
    ps_record_begin(run, "result");
    ps_record_int(run, "test_samples", test->hi - test->lo);
    ps_record_int(run, "bands", test->all->bands);
    ps_record_int(run, "code", a->code);
    ps_record_num(run, "peak", test->scale->range);
    for (int f = 0; f < AUTOENCODER_FIGURES; f++) ps_record_num(run, name[0][f], net[f]);
    for (int f = 0; pca && f < AUTOENCODER_FIGURES; f++) ps_record_num(run, name[1][f], pca[f]);
    if (pca) ps_record_num(run, "pca_explained", explained);
    if (pca) ps_record_str(run, "better", net[0] < pca[0] ? "autoencoder" : "pca");
    ps_record_end(run);
}

void autoencoder_tell(struct ps_run *run, const struct autoencoder *a, const struct spectra_part *test,
                      const double *net, const double *pca, double explained)
{
    ps_print(run, "test part: %lld of %lld samples, %lld values in a code of %lld\n",
             (long long)(test->hi - test->lo), (long long)test->all->n, (long long)test->all->bands,
             (long long)a->code);
    ps_print(run, "  %-24s %14s %14s\n", "", "autoencoder", pca ? "PCA" : "");
    tell_line(run, "mean squared error", net, pca, AUTOENCODER_MSE, "of scaled values");
    tell_line(run, "root mean squared error", net, pca, AUTOENCODER_RMSE, "of values as in the file");
    tell_line(run, "spectral angle", net, pca, AUTOENCODER_ANGLE, "degrees, mean");
    tell_line(run, "PSNR", net, pca, AUTOENCODER_PSNR, "dB");
    ps_print(run, "  (peak of the PSNR: %.6g, the range of the training part)\n", test->scale->range);
    keep(run, a, test, net, pca, explained);
    if (!pca) return;
    const double ratio = net[AUTOENCODER_MSE] / pca[AUTOENCODER_MSE];
    ps_print(
        run,
        "PCA with as many components (%.4f %% of the variance) is %s: the autoencoder's mean squared error "
        "is %.4g of it\n",
        100 * explained,
        fabs(ratio - 1) < ALIKE ? "as good"
        : ratio < 1             ? "beaten"
                                : "better",
        ratio);
}
