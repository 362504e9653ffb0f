/* Scalar products of dense panels: tiles of ROWS x WIDTH sums in registers. Panels are taken in chunks of
 * features so that those of both sides stay in the first cache; sums wait in memory between chunks, which
 * does not change their bits. */
#include "kernels/svm/block.h"
#include "kernels/lanes.h"

enum { ROWS = PS_LANES == 16 ? 8 : 4, VECS = 2, WIDTH = VECS * PS_LANES, CHUNK = 128 };

/* A lone row takes GROUP panels at a time: eight chains. */
enum { PANEL_VECS = PS_SVM_PANEL / PS_LANES, GROUP = 8 / PANEL_VECS };

static inline __attribute__((always_inline)) void sums(const float *a, const float *b, int64_t features,
                                                       bool distance, bool begin, float *raw)
{
    ps_vf sum[ROWS][VECS];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECS; v++)
            sum[r][v] = begin ? ps_vf_all(0) : ps_vf_load(raw + r * PS_SVM_PANEL + v * PS_LANES);
    for (; features > 0; features--, a += PS_SVM_PANEL, b += PS_SVM_PANEL) {
        ps_vf y[VECS];
        for (int v = 0; v < VECS; v++) y[v] = ps_vf_load(b + v * PS_LANES);
        for (int r = 0; r < ROWS; r++) {
            ps_vf x = ps_vf_all(a[r]);
            for (int v = 0; v < VECS; v++) {
                if (distance) {
                    ps_vf d = x - y[v];
                    sum[r][v] = ps_vf_fma(d, d, sum[r][v]);
                } else
                    sum[r][v] = ps_vf_fma(x, y[v], sum[r][v]);
            }
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECS; v++) ps_vf_store(raw + r * PS_SVM_PANEL + v * PS_LANES, sum[r][v]);
}

static void products(const float *a, const float *b, int64_t features, bool begin, float *raw)
{
    for (int h = 0; h < PS_SVM_PANEL; h += WIDTH) sums(a, b + h, features, false, begin, raw + h);
}

static void distances(const float *a, const float *b, int64_t features, bool begin, float *raw)
{
    for (int h = 0; h < PS_SVM_PANEL; h += WIDTH) sums(a, b + h, features, true, begin, raw + h);
}

/** Sums of rows [rlo, rhi), rounded out to ROWS, of panel a with all rows of panel b. */
static void panel_sums(const float *a, const float *b, int64_t cols, int64_t rlo, int64_t rhi, bool distance,
                       float *raw)
{
    const int64_t chunks = (cols + CHUNK - 1) / CHUNK;
    rlo = rlo / ROWS * ROWS;
    for (int64_t c = 0; c < chunks || c == 0; c++) {
        const int64_t k = chunks ? cols * c / chunks : 0, end = chunks ? cols * (c + 1) / chunks : 0;
        for (int64_t r = rlo; r < rhi; r += ROWS)
            (distance ? distances : products)(a + k * PS_SVM_PANEL + r, b + k * PS_SVM_PANEL, end - k, c == 0,
                                              raw + r * PS_SVM_PANEL);
    }
}

/** Sums of one row with GROUP panels, which are [cols][32] each: as many chains as registers hold. */
static inline __attribute__((always_inline)) void row_sums(const float *a, const float *b, int64_t cols,
                                                           int groups, bool distance, float *raw)
{
    ps_vf sum[GROUP][PANEL_VECS];
    for (int g = 0; g < groups; g++)
        for (int v = 0; v < PANEL_VECS; v++) sum[g][v] = ps_vf_all(0);
    for (int64_t k = 0; k < cols; k++) {
        const ps_vf x = ps_vf_all(a[k * PS_SVM_PANEL]);
        for (int g = 0; g < groups; g++)
            for (int v = 0; v < PANEL_VECS; v++) {
                const ps_vf y = ps_vf_load(b + (g * cols + k) * PS_SVM_PANEL + v * PS_LANES), d = x - y;
                sum[g][v] = distance ? ps_vf_fma(d, d, sum[g][v]) : ps_vf_fma(x, y, sum[g][v]);
            }
    }
    for (int g = 0; g < groups; g++)
        for (int v = 0; v < PANEL_VECS; v++) ps_vf_store(raw + g * PS_SVM_PANEL + v * PS_LANES, sum[g][v]);
}

/** Kernel values of rows [i, i + rows) and columns [j, j + cols) from their sums. */
static void finish(const struct ps_svm_job *job, int64_t i, int64_t rows, int64_t j, int64_t cols,
                   const float *raw, int64_t raw_stride)
{
    const struct ps_svm_tile tile = {.raw = raw,
                                     .raw_stride = raw_stride,
                                     .rows = rows,
                                     .cols = cols,
                                     .a_norm = job->a->norm + i,
                                     .b_norm = job->b->norm + j,
                                     .out = job->out + (i - job->alo) * job->stride + (j - job->blo),
                                     .stride = job->stride,
                                     .stream = job->stream};
    ps_svm_finish_tile(&job->finish, &tile);
}

/** One row alone, without the other rows of its tile. */
static void lone_row(const struct ps_svm_job *job, int64_t i, int64_t plo, int64_t phi)
{
    _Alignas(64) float raw[(GROUP + 1) * PS_SVM_PANEL] = {0};
    const float *a = ps_svm_panel(job->a, i / PS_SVM_PANEL) + i % PS_SVM_PANEL;
    for (int64_t p = plo, next; p < phi; p = next) {
        const bool whole = p + GROUP <= phi, distance = job->finish.distance;
        next = whole ? p + GROUP : p + 1;
        const int64_t left = p * PS_SVM_PANEL, end = next * PS_SVM_PANEL;
        const int64_t j = left > job->blo ? left : job->blo, last = end < job->bhi ? end : job->bhi;
        const float *b = ps_svm_panel(job->b, p);
        if (whole && distance)
            row_sums(a, b, job->a->cols, GROUP, true, raw);
        else if (whole)
            row_sums(a, b, job->a->cols, GROUP, false, raw);
        else
            row_sums(a, b, job->a->cols, 1, distance, raw);
        finish(job, i, 1, j, last - j, raw + (j - left), GROUP * PS_SVM_PANEL);
    }
}

void ps_svm_dense_part(const struct ps_svm_job *job, int64_t alo, int64_t ahi, int64_t plo, int64_t phi)
{
    _Alignas(64) float raw[(PS_SVM_PANEL + 1) * PS_SVM_PANEL] = {0};
    if (ahi - alo == 1) {
        lone_row(job, alo, plo, phi);
        return;
    }
    for (int64_t i = alo, next; i < ahi; i = next) {
        const int64_t panel = i / PS_SVM_PANEL, top = panel * PS_SVM_PANEL;
        next = top + PS_SVM_PANEL < ahi ? top + PS_SVM_PANEL : ahi;
        for (int64_t p = plo; p < phi; p++) {
            const int64_t left = p * PS_SVM_PANEL, end = left + PS_SVM_PANEL;
            const int64_t j = left > job->blo ? left : job->blo, last = end < job->bhi ? end : job->bhi;
            panel_sums(ps_svm_panel(job->a, panel), ps_svm_panel(job->b, p), job->a->cols, i - top,
                       next - top, job->finish.distance, raw);
            finish(job, i, next - i, j, last - j, raw + (i - top) * PS_SVM_PANEL + (j - left), PS_SVM_PANEL);
        }
    }
}
