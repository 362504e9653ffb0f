/* Products of kernel values and few columns. Every sum is cut alike, whatever the tile: chains over STEP rows
 * of b, added in single precision within a BLOCK, blocks in double precision. */
#include "kernels/svm/block.h"
#include "kernels/lanes.h"
#include <omp.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    BLOCK = 256,
    STEP = 16,
    WIDE_ROWS = PS_LANES == 16 ? 6 : 3, /* sums and totals of two vectors per row stay in registers */
    NARROW_ROWS = 2 * WIDE_ROWS,
    WIDTH = 2 * PS_LANES,
    PART_ROWS = 384,
    ALONE = 1 << 20 /* products below which other threads are not worth waking */
};

/** A product: out [n][ostride] += k [n][kstride] b [m][bstride], of which `cols` columns are meant. */
struct product {
    const float *k;
    int64_t m, kstride;
    const float *b;
    int64_t cols, bstride;
    double *out;
    int64_t ostride;
};

/** sum[r][v] = a chain over `count` columns of k from j on, with vectors of b, packed [.][vecs]. */
INLINE void chains(const float *const *k, int64_t j, int count, const float *b, int rows, int vecs,
                   ps_vf sum[][2])
{
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_all(0);
    for (int s = 0; s < count; s++) {
        ps_vf y[2];
        for (int v = 0; v < vecs; v++) y[v] = ps_vf_load(b + ((j + s) * vecs + v) * PS_LANES);
        for (int r = 0; r < rows; r++) {
            const ps_vf x = ps_vf_all(k[r][j + s]);
            for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_fma(x, y[v], sum[r][v]);
        }
    }
}

/** Totals of one block: rows of k against vectors of b. `ahead` is how far the rows after these are. */
INLINE void totals(const float *const *k, int64_t len, int64_t ahead, const float *b, int rows, int vecs,
                   float *total)
{
    ps_vf all[NARROW_ROWS][2], sum[NARROW_ROWS][2];
    int64_t j = 0;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) all[r][v] = ps_vf_all(0);
    for (; j + STEP <= len; j += STEP) {
        for (int r = 0; r < rows; r++) __builtin_prefetch((const char *)(k[r] + j) + ahead);
        chains(k, j, STEP, b, rows, vecs, sum);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vecs; v++) all[r][v] = all[r][v] + sum[r][v];
    }
    if (j < len) {
        chains(k, j, (int)(len - j), b, rows, vecs, sum);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vecs; v++) all[r][v] = all[r][v] + sum[r][v];
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) ps_vf_store(total + r * WIDTH + v * PS_LANES, all[r][v]);
}

static void totals_wide(const float *const *k, int64_t len, int64_t ahead, const float *b, float *total)
{
    totals(k, len, ahead, b, WIDE_ROWS, 2, total);
}

static void totals_narrow(const float *const *k, int64_t len, int64_t ahead, const float *b, float *total)
{
    totals(k, len, ahead, b, NARROW_ROWS, 1, total);
}

/** Rows [lo, hi) and block [j, j + len), columns [t, t + count). */
static void block_columns(const struct product *p, int64_t lo, int64_t hi, int64_t j, int64_t len, int64_t t,
                          int64_t count)
{
    _Alignas(64) float b[BLOCK * WIDTH], total[NARROW_ROWS * WIDTH];
    const bool wide = count > PS_LANES;
    const int rows = wide ? WIDE_ROWS : NARROW_ROWS;
    const int64_t width = wide ? WIDTH : PS_LANES;
    const int64_t ahead = rows * p->kstride * (int64_t)sizeof *p->k;
    for (int64_t r = 0; r < len; r++) {
        memcpy(b + r * width, p->b + (j + r) * p->bstride + t, (size_t)count * sizeof *b);
        memset(b + r * width + count, 0, (size_t)(width - count) * sizeof *b);
    }
    for (int64_t i = lo; i < hi; i += rows) {
        const float *k[NARROW_ROWS];
        for (int r = 0; r < rows; r++) k[r] = p->k + (i + r < hi ? i + r : hi - 1) * p->kstride + j;
        (wide ? totals_wide : totals_narrow)(k, len, ahead, b, total);
        for (int r = 0; r < rows && i + r < hi; r++) {
            double *out = p->out + (i + r) * p->ostride + t;
            for (int64_t c = 0; c < count; c++) out[c] += (double)total[r * WIDTH + c];
        }
    }
}

#if defined(__AVX512F__)
enum { FEW = 4 };

/** Totals of one block for sixteen rows, one per lane. */
INLINE void totals_few(const float *const *k, int64_t len, const float *b, int64_t bstride, int cols,
                       ps_vf *total)
{
    enum { AHEAD = 256 };
    for (int t = 0; t < cols; t++) total[t] = ps_vf_all(0);
    for (int64_t step = 0; step < len; step += STEP) {
        const int count = len - step < STEP ? (int)(len - step) : STEP;
        ps_vf x[STEP];
        for (int r = 0; r < STEP; r++) {
            x[r] = ps_vf_load_part(k[r] + step, count);
            __builtin_prefetch(k[r] + step + AHEAD); /* sixteen streams are more than the machine follows */
        }
        ps_vf_transpose(x);
        ps_vf sum[FEW];
        for (int t = 0; t < cols; t++) sum[t] = ps_vf_all(0);
        if (count == STEP)
            for (int j = 0; j < STEP; j++)
                for (int t = 0; t < cols; t++)
                    sum[t] = ps_vf_fma(x[j], ps_vf_all(b[(step + j) * bstride + t]), sum[t]);
        else
            for (int j = 0; j < count; j++)
                for (int t = 0; t < cols; t++)
                    sum[t] = ps_vf_fma(x[j], ps_vf_all(b[(step + j) * bstride + t]), sum[t]);
        for (int t = 0; t < cols; t++) total[t] = total[t] + sum[t];
    }
}

/** Few columns: a vector holds rows, since columns would leave most of it empty. */
INLINE void rows_times_few(const struct product *p, int64_t lo, int64_t hi, int cols)
{
    for (int64_t i = lo; i < hi; i += STEP) {
        const float *k[STEP];
        for (int64_t j = 0; j < p->m; j += BLOCK) {
            ps_vf total[FEW];
            for (int r = 0; r < STEP; r++) k[r] = p->k + (i + r < hi ? i + r : hi - 1) * p->kstride + j;
            totals_few(k, p->m - j < BLOCK ? p->m - j : BLOCK, p->b + j * p->bstride, p->bstride, cols,
                       total);
            for (int t = 0; t < cols; t++)
                for (int r = 0; r < STEP && i + r < hi; r++)
                    p->out[(i + r) * p->ostride + t] += (double)total[t][r];
        }
    }
}

static void few_columns(const struct product *p, int64_t lo, int64_t hi)
{
    if (p->cols == 1)
        rows_times_few(p, lo, hi, 1);
    else if (p->cols == 2)
        rows_times_few(p, lo, hi, 2);
    else if (p->cols == 3)
        rows_times_few(p, lo, hi, 3);
    else if (p->cols == 4)
        rows_times_few(p, lo, hi, 4);
}
#endif

/** All blocks of rows [lo, hi). */
static void rows_times(const struct product *p, int64_t lo, int64_t hi)
{
    int64_t cols = p->cols;
#if defined(__AVX512F__)
    if (cols % WIDTH <= FEW) {
        struct product rest = *p;
        rest.cols = cols % WIDTH;
        cols -= rest.cols;
        rest.b += cols;
        rest.out += cols;
        few_columns(&rest, lo, hi);
    }
#endif
    for (int64_t j = 0; cols > 0 && j < p->m; j += BLOCK) {
        const int64_t len = p->m - j < BLOCK ? p->m - j : BLOCK;
        for (int64_t t = 0; t < cols; t += WIDTH)
            block_columns(p, lo, hi, j, len, t, cols - t < WIDTH ? cols - t : WIDTH);
    }
}

void ps_svm_multiply_cpu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                         int64_t bstride, double *out, int64_t ostride)
{
    const struct product p = {k, m, kstride, b, cols, bstride, out, ostride};
    const double work = (double)n * (double)m * (double)cols;
    if (n <= 0 || m <= 0 || cols <= 0) return;
    const int threads = omp_in_parallel() || work < ALONE ? 1 : omp_get_max_threads();
    int64_t rows = PART_ROWS;
    while (threads > 1 && rows > PART_ROWS / 8 && n < rows * 4 * threads) rows /= 2;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (int64_t lo = 0; lo < n; lo += rows) {
        const int64_t hi = lo + rows < n ? lo + rows : n;
        rows_times(&p, lo, hi);
    }
}
