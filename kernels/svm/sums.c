/* Each sum is one chain in double precision over j = 0, 1 ... that begins with what `out` holds, whatever the
 * tile. A product of two floats is exact in double, so a multiply-add rounds as an addition does, and
 * machines with and without that instruction agree. */
#include "kernels/svm/sums.h"
#include <omp.h>
#include <stdbool.h>
#include <string.h>
#include "kernels/svm/double_lanes.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = PS_DOUBLES,
    ROWS = PS_LANES == 16 ? 12 : 6, /* sums of two vectors per row stay in registers */
    WIDTH = 2 * LANES,
    DEPTH = 128, /* of a tile: rows and columns in double precision stay in the first cache */
    TILES = 6,   /* for which rows are converted once; their columns stay in the second cache */
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

/** Rows and columns in double precision, and sums of a tile. */
struct tile {
    _Alignas(64) double k[ROWS * DEPTH], sum[ROWS * WIDTH];
    _Alignas(64) double b[TILES][DEPTH * WIDTH];
};

INLINE void chains(struct tile *t, const double *b, int64_t depth, int vecs)
{
    ps_vd sum[ROWS][2];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < vecs; v++) sum[r][v] = ps_vd_load(t->sum + r * WIDTH + v * LANES);
    for (int64_t j = 0; j < depth; j++) {
        ps_vd y[2];
        for (int v = 0; v < vecs; v++) y[v] = ps_vd_load(b + j * WIDTH + v * LANES);
        for (int r = 0; r < ROWS; r++) {
            const ps_vd x = ps_vd_all(t->k[r * DEPTH + j]);
            for (int v = 0; v < vecs; v++) sum[r][v] = ps_vd_fma(x, y[v], sum[r][v]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < vecs; v++) ps_vd_store(t->sum + r * WIDTH + v * LANES, sum[r][v]);
}

static void chains_wide(struct tile *t, const double *b, int64_t depth)
{
    chains(t, b, depth, 2);
}

static void chains_narrow(struct tile *t, const double *b, int64_t depth)
{
    chains(t, b, depth, 1);
}

/** Columns [at, at + count) of b, rows [j, j + depth). */
static void pack_columns(const struct product *p, struct tile *t, int64_t j, int64_t depth, int64_t at,
                         int64_t count)
{
    for (int64_t c = 0; c < count; c += WIDTH)
        for (int64_t s = 0; s < depth; s++) {
            const float *b = p->b + (j + s) * p->bstride + at + c;
            double *to = t->b[c / WIDTH] + s * WIDTH;
            const int width = count - c < WIDTH ? (int)(count - c) : WIDTH;
            for (int l = 0; l < width; l++) to[l] = (double)b[l];
        }
}

/** Rows [i, i + rows) against the columns that t->b holds. */
static void add_rows(const struct product *p, struct tile *t, int64_t i, int64_t rows, int64_t j,
                     int64_t depth, int64_t at, int64_t count)
{
    for (int64_t r = 0; r < rows; r++) {
        const float *k = p->k + (i + r) * p->kstride + j;
        for (int64_t s = 0; s < depth; s++) t->k[r * DEPTH + s] = (double)k[s];
    }
    for (int64_t c = 0; c < count; c += WIDTH) {
        const int64_t width = count - c < WIDTH ? count - c : WIDTH;
        double *out = p->out + i * p->ostride + at + c;
        for (int64_t r = 0; r < rows; r++)
            memcpy(t->sum + r * WIDTH, out + r * p->ostride, (size_t)width * sizeof *out);
        (width > LANES ? chains_wide : chains_narrow)(t, t->b[c / WIDTH], depth);
        for (int64_t r = 0; r < rows; r++)
            memcpy(out + r * p->ostride, t->sum + r * WIDTH, (size_t)width * sizeof *out);
    }
}

/** All of rows [lo, hi). */
static void rows_times(const struct product *p, int64_t lo, int64_t hi)
{
    struct tile t;
    memset(&t, 0, sizeof t); /* lanes that are not meant hold numbers, too */
    for (int64_t j = 0; j < p->m; j += DEPTH) {
        const int64_t depth = p->m - j < DEPTH ? p->m - j : DEPTH;
        for (int64_t at = 0; at < p->cols; at += TILES * WIDTH) {
            const int64_t count = p->cols - at < TILES * WIDTH ? p->cols - at : TILES * WIDTH;
            pack_columns(p, &t, j, depth, at, count);
            for (int64_t i = lo; i < hi; i += ROWS)
                add_rows(p, &t, i, hi - i < ROWS ? hi - i : ROWS, j, depth, at, count);
        }
    }
}

void ps_svm_sums_cpu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                     int64_t bstride, double *out, int64_t ostride)
{
    const struct product p = {k, m, kstride, b, cols, bstride, out, ostride};
    const double work = (double)n * (double)m * (double)cols;
    if (n <= 0 || m <= 0 || cols <= 0) return;
    const int threads = omp_in_parallel() || work < ALONE ? 1 : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (int64_t lo = 0; lo < n; lo += PART_ROWS) rows_times(&p, lo, lo + PART_ROWS < n ? lo + PART_ROWS : n);
}

void ps_svm_sums_ref(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                     int64_t bstride, double *out, int64_t ostride)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < cols; t++)
            for (int64_t j = 0; j < m; j++)
                out[i * ostride + t] += (double)k[i * kstride + j] * (double)b[j * bstride + t];
}
