#include "kernels/nn/product.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    VECS = PS_PANEL_COLS / PS_LANES, /* vectors of a panel */
    BLOCK = 256,                     /* k of operands that are copied */
    ROWS = 96,                       /* rows of a that are copied at once */
    FAR = 128,                       /* floats from row to row from which copying pays, */
    MANY = 24                        /* where so many rows or columns share it */
};

/* Rows of a tile whose sums stay in registers, by vectors. */
#if defined(__AVX512F__)
enum { ROWS_1 = 14, ROWS_2 = 12, ROWS_3 = 8, ROWS_4 = 6 };
#else
enum { ROWS_1 = 10, ROWS_2 = 6, ROWS_3 = 0, ROWS_4 = 0 };
#endif

/** A strip: all rows, and the columns of one panel. */
struct strip {
    const struct ps_product *p;
    const float *b, *bias;
    float *c;
    int last; /* columns of its last vector */
};

INLINE ps_vf load(const float *from, int v, int vecs, int last)
{
    return v + 1 < vecs ? ps_vf_load(from + v * PS_LANES) : ps_vf_load_part(from + v * PS_LANES, last);
}

/** Rows [i, i + rows) of a strip. */
INLINE void tile(const struct strip *s, int64_t i, int rows, int vecs)
{
    const struct ps_product *p = s->p;
    const int last = s->last;
    float *c = s->c + i * p->c_row;
    ps_vf sum[ROWS_1][VECS], y[VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++)
            sum[r][v] = p->add    ? load(c + r * p->c_row, v, vecs, last)
                        : s->bias ? load(s->bias, v, vecs, last)
                                  : ps_vf_all(0);
    for (int64_t t = 0; t < p->batch; t++) {
        const float *a = p->a + i * p->a_row + t * p->a_next, *b = s->b + t * p->b_next;
        for (int64_t q = 0; q < p->k; q++, a += p->a_col, b += p->b_row) {
            for (int v = 0; v < vecs; v++) y[v] = load(b, v, vecs, last);
            for (int r = 0; r < rows; r++) {
                const ps_vf x = ps_vf_all(a[r * p->a_row]);
                for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_fma(x, y[v], sum[r][v]);
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++)
            if (v + 1 < vecs)
                ps_vf_store(c + r * p->c_row + v * PS_LANES, sum[r][v]);
            else
                ps_vf_store_part(c + r * p->c_row + v * PS_LANES, sum[r][v], last);
}

/** All rows by tiles of `most` rows, and smaller ones for the rest. */
INLINE void tiles(const struct strip *s, int most, int vecs)
{
    const int64_t m = s->p->m;
    int64_t i = 0;
    for (; m - i >= most; i += most) tile(s, i, most, vecs);
    if (most > 8 && m - i >= 8) tile(s, i, 8, vecs), i += 8;
    if (m - i >= 4) tile(s, i, 4, vecs), i += 4;
    if (m - i >= 2) tile(s, i, 2, vecs), i += 2;
    if (m - i >= 1) tile(s, i, 1, vecs);
}

static void tiles_1(const struct strip *s)
{
    tiles(s, ROWS_1, 1);
}

static void tiles_2(const struct strip *s)
{
    tiles(s, ROWS_2, 2);
}

#if defined(__AVX512F__)
static void tiles_3(const struct strip *s)
{
    tiles(s, ROWS_3, 3);
}

static void tiles_4(const struct strip *s)
{
    tiles(s, ROWS_4, 4);
}
static void (*const tiles_of[])(const struct strip *) = {tiles_1, tiles_2, tiles_3, tiles_4};
#else
static void (*const tiles_of[])(const struct strip *) = {tiles_1, tiles_2};
#endif

/** The product with operands as they lie. */
static void direct(const struct ps_product *p)
{
    const int64_t panel = p->b_panel ? p->b_panel : PS_PANEL_COLS;
    for (int64_t j = 0; j < p->n; j += PS_PANEL_COLS) {
        const int width = p->n - j < PS_PANEL_COLS ? (int)(p->n - j) : PS_PANEL_COLS;
        const int vecs = (width + PS_LANES - 1) / PS_LANES;
        const struct strip s = {.p = p,
                                .b = p->b + j / PS_PANEL_COLS * panel,
                                .bias = p->bias ? p->bias + j : NULL,
                                .c = p->c + j,
                                .last = width - (vecs - 1) * PS_LANES};
        tiles_of[vecs - 1](&s);
    }
}

int64_t ps_panels(int64_t n, int64_t k)
{
    return (n + PS_PANEL_COLS - 1) / PS_PANEL_COLS * PS_PANEL_COLS * k;
}

/** Columns [at, at + PS_LANES) of a panel, where columns of b are contiguous: the transpose of
 * what is read. Columns from `width` on are zero. */
static void fill_across(int64_t k, const float *from, int64_t col, int at, int width, float *panel)
{
    for (int64_t q = 0; q < k; q += PS_LANES) {
        const int count = k - q < PS_LANES ? (int)(k - q) : PS_LANES;
        ps_vf x[PS_LANES];
        for (int j = 0; j < PS_LANES; j++)
            x[j] = at + j < width ? ps_vf_load_part(from + (at + j) * col + q, count) : ps_vf_all(0);
        ps_vf_transpose(x);
        for (int r = 0; r < count; r++) ps_vf_store(panel + (q + r) * PS_PANEL_COLS + at, x[r]);
    }
}

/** Columns of b into one panel; either its rows or its columns are contiguous. */
static void fill(int64_t k, const float *from, int64_t row, int64_t col, int width, float *panel)
{
    if (col != 1) {
        for (int at = 0; at < PS_PANEL_COLS; at += PS_LANES) fill_across(k, from, col, at, width, panel);
        return;
    }
    for (int64_t q = 0; q < k; q++, panel += PS_PANEL_COLS) {
        memcpy(panel, from + q * row, (size_t)width * sizeof *panel);
        for (int j = width; j < PS_PANEL_COLS; j++) panel[j] = 0;
    }
}

void ps_panels_fill(int64_t n, int64_t k, const float *from, int64_t row, int64_t col, int64_t lo, int64_t hi,
                    float *panels)
{
    for (int64_t g = lo; g < hi; g++) {
        const int64_t j = g * PS_PANEL_COLS;
        const int width = n - j < PS_PANEL_COLS ? (int)(n - j) : PS_PANEL_COLS;
        fill(k, from + j * col, row, col, width, panels + g * PS_PANEL_COLS * k);
    }
}

int64_t ps_product_work(int64_t n, int64_t k)
{
    const int64_t block = k < BLOCK ? k : BLOCK;
    return ps_panels(n, block) + ROWS * block;
}

/** A part of the depth that is copied: `count` of the products summed, [q, q + k) of each. */
struct depth {
    int64_t s, count, q, k;
};

static void copy_b(const struct ps_product *p, const struct depth *d, float *panels)
{
    for (int64_t j = 0; j < p->n; j += PS_PANEL_COLS) {
        const int width = p->n - j < PS_PANEL_COLS ? (int)(p->n - j) : PS_PANEL_COLS;
        for (int64_t e = 0; e < d->count; e++, panels += d->k * PS_PANEL_COLS)
            fill(d->k, p->b + (d->s + e) * p->b_next + d->q * p->b_row + j, p->b_row, 1, width, panels);
    }
}

/** Rows [i, i + m) of a, column after column. */
static void copy_a(const struct ps_product *p, const struct depth *d, int64_t i, int64_t m, float *to)
{
    for (int64_t e = 0; e < d->count; e++) {
        const float *from = p->a + (d->s + e) * p->a_next + d->q * p->a_col + i;
        for (int64_t q = 0; q < d->k; q++, to += m) memcpy(to, from + q * p->a_col, (size_t)m * sizeof *to);
    }
}

/** One part of the depth. */
static void part(const struct ps_product *p, const struct depth *d, bool a, bool b, float *work)
{
    const int64_t k = d->count * d->k;
    struct ps_product x = *p;
    x.k = k;
    x.batch = 1;
    x.add = p->add || d->s > 0 || d->q > 0;
    x.a += d->s * p->a_next + d->q * p->a_col;
    x.b += d->s * p->b_next + d->q * p->b_row;
    if (b) {
        copy_b(p, d, work);
        x.b = work;
        x.b_row = PS_PANEL_COLS;
        x.b_panel = PS_PANEL_COLS * k;
    }
    if (!a) {
        direct(&x);
        return;
    }
    float *const rows = work + ps_panels(p->n, k);
    for (int64_t i = 0; i < p->m; i += ROWS) {
        x.m = p->m - i < ROWS ? p->m - i : ROWS;
        copy_a(p, d, i, x.m, rows);
        x.a = rows;
        x.a_col = x.m;
        x.c = p->c + i * p->c_row;
        direct(&x);
    }
}

void ps_product(const struct ps_product *p, float *work)
{
    bool a = work && p->a_row == 1 && p->a_col > FAR && p->n > MANY && p->k > 1;
    bool b = work && p->b_panel == 0 && p->b_row > FAR && p->m > MANY && p->k > 1;
    if (!a && !b) {
        direct(p);
        return;
    }
    /* products that are summed are cut together, so both operands must lie alike */
    if (p->batch > 1) a = b = p->a_row == 1 && p->b_panel == 0;
    if (!a && !b) {
        direct(p);
        return;
    }
    const int64_t together = p->k < BLOCK ? BLOCK / p->k : 1;
    for (int64_t s = 0; s < p->batch; s += together)
        for (int64_t q = 0; q < p->k; q += BLOCK) {
            const struct depth d = {.s = s,
                                    .count = p->batch - s < together ? p->batch - s : together,
                                    .q = q,
                                    .k = p->k - q < BLOCK ? p->k - q : BLOCK};
            part(p, &d, a, b, work);
        }
}
