#include "kernels/nn/product_copy.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    VECS = PS_PANEL_COLS / PS_LANES, /* vectors of a panel */
    DEPTH = 1024,                    /* rows of a panel that stay in the second cache, */
    BLOCK = 512,                     /* rows of a that go through it together, */
    SUMS = 1 << 16,                  /* and sums */
    ROWS = 96,                       /* rows of a that are copied at once, */
    ROWS_HALF = 128,                 /* and in bf16, row after row */
    FAR = 128,                       /* floats from row to row from which copying pays, */
    MANY = 24                        /* where so many rows or columns share it */
};

/* Rows of a tile whose sums stay in registers, by vectors. */
#if defined(__AVX512F__)
enum { ROWS_1 = 14, ROWS_2 = 12, ROWS_3 = 8, ROWS_4 = 6, ROWS_ALL = ROWS_4 };
#else
enum { ROWS_1 = 10, ROWS_2 = 6, ROWS_ALL = ROWS_2 };
#endif

/** Products in single precision, in bf16, and those that fetch other arrays meanwhile. */
enum kind { SINGLE, HALF, SOON };

/** The columns of one panel. */
struct strip {
    const struct ps_product *p;
    const float *b, *bias;
    int last; /* columns of its last vector */
};

INLINE ps_vf load(const float *from, int v, int vecs, int last)
{
    return v + 1 < vecs ? ps_vf_load(from + v * PS_LANES) : ps_vf_load_part(from + v * PS_LANES, last);
}

/** `rows` rows of a strip, that begin at a and c. Every third row has a pointer of its own: from there, two
 * more are within reach of an address, so that all of them fit into registers. In bf16 an element is a pair.
 */
INLINE void tile(const struct strip *s, const float *a, float *c, int rows, int vecs, enum kind kind)
{
    const struct ps_product *p = s->p;
    struct ps_soon soon = kind == SOON ? *p->soon : (struct ps_soon){0};
    const int last = s->last;
    const int64_t row = p->a_row;
    ps_vf sum[ROWS_1][VECS], y[VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++)
            sum[r][v] = p->add    ? load(c + r * p->c_row, v, vecs, last)
                        : s->bias ? load(s->bias, v, vecs, last)
                                  : ps_vf_all(0);
    for (int64_t t = 0; t < p->batch; t++) {
        const float *b = s->b + t * p->b_next, *x[(ROWS_1 + 2) / 3];
        for (int r = 0; r < rows; r += 3) x[r / 3] = a + t * p->a_next + r * row;
        for (int64_t q = 0; q < p->k; q++) {
            for (int v = 0; v < vecs; v++) y[v] = load(b, v, vecs, last);
            for (int e = 0; e < PS_SOON && kind == SOON; e++) {
                __builtin_prefetch(soon.at[e], 0, 2);
                soon.at[e] += soon.step[e];
            }
            for (int r = 0; r < rows; r++) {
                const ps_vf e = ps_vf_all(x[r / 3][r % 3 * row]);
                for (int v = 0; v < vecs; v++)
                    sum[r][v] =
                        kind == HALF ? ps_vf_dot_pairs(e, y[v], sum[r][v]) : ps_vf_fma(e, y[v], sum[r][v]);
            }
            for (int r = 0; r < rows; r += 3) x[r / 3] += p->a_col;
            b += p->b_row;
        }
    }
    if (kind == SOON) *p->soon = soon;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) {
            const ps_vf z = p->relu ? ps_vf_positive(sum[r][v]) : sum[r][v];
            if (v + 1 < vecs)
                ps_vf_store(c + r * p->c_row + v * PS_LANES, z);
            else
                ps_vf_store_part(c + r * p->c_row + v * PS_LANES, z, last);
        }
}

#define TILE(r)                                      \
    case r:                                          \
        if (r <= most) tile(s, a, c, r, vecs, kind); \
        break

/** All rows of a line, in as few tiles of up to `most` rows as possible, all of them nearly alike: a small
 * tile has too few sums to keep the multipliers busy. */
INLINE void tiles(const struct strip *s, const float *a, float *c, int most, int vecs, enum kind kind)
{
    const int64_t m = s->p->m, count = (m + most - 1) / most, rows = m / count, more = m - count * rows;
    for (int64_t t = 0; t < count; t++) {
        const int r = (int)rows + (t < more);
        switch (r) {
            TILE(1);
            TILE(2);
            TILE(3);
            TILE(4);
            TILE(5);
            TILE(6);
            TILE(7);
            TILE(8);
            TILE(9);
            TILE(10);
            TILE(11);
            TILE(12);
            TILE(13);
            TILE(14);
        }
        a += r * s->p->a_row;
        c += r * s->p->c_row;
    }
}

/** All lines of a strip. */
#define TILES(vecs, name, kind)                                                                  \
    static void name##_##vecs(const struct strip *s, float *c)                                   \
    {                                                                                            \
        for (int64_t l = 0; l < s->p->lines; l++)                                                \
            tiles(s, s->p->a + l * s->p->a_line, c + l * s->p->c_line, ROWS_##vecs, vecs, kind); \
    }
#define ALL_TILES(vecs)         \
    TILES(vecs, single, SINGLE) \
    TILES(vecs, half, HALF)     \
    TILES(vecs, soon, SOON)

typedef void tiles_function(const struct strip *, float *);
ALL_TILES(1)
ALL_TILES(2)
#if defined(__AVX512F__)
ALL_TILES(3)
ALL_TILES(4)
static tiles_function *const tiles_of[][4] = {{single_1, single_2, single_3, single_4},
                                              {half_1, half_2, half_3, half_4},
                                              {soon_1, soon_2, soon_3, soon_4}};
#else
static tiles_function *const tiles_of[][2] = {{single_1, single_2}, {half_1, half_2}, {soon_1, soon_2}};
#endif

int64_t ps_soon_step(int64_t floats, int64_t m, int64_t n, int64_t k)
{
    const int64_t steps = (m + ROWS_ALL - 1) / ROWS_ALL * (ps_panels(n, 1) / PS_PANEL_COLS) * k;
    return steps > 0 ? (floats * (int64_t)sizeof(float) + steps - 1) / steps : 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** The product with operands as they lie, panel by panel. */
static void direct(const struct ps_product *p)
{
    const int64_t panel = p->b_panel ? p->b_panel : PS_PANEL_COLS;
    for (int64_t j = 0; j < p->n; j += PS_PANEL_COLS) {
        const int width = p->n - j < PS_PANEL_COLS ? (int)(p->n - j) : PS_PANEL_COLS;
        const int vecs = (width + PS_LANES - 1) / PS_LANES;
        const struct strip s = {.p = p,
                                .b = p->b + j / PS_PANEL_COLS * panel,
                                .bias = p->bias ? p->bias + j : NULL,
                                .last = width - (vecs - 1) * PS_LANES};
        tiles_of[p->half ? HALF : p->soon ? SOON : SINGLE][vecs - 1](&s, p->c + j);
    }
}

int64_t ps_product_work(int64_t n, int64_t k)
{
    const int64_t depth = k < DEPTH ? k : DEPTH;
    return ps_panels(n, depth) + ROWS_HALF * depth;
}

/** Size of the pieces when n is cut into as few pieces of up to `most` as possible, nearly alike. */
static int64_t even(int64_t n, int64_t most)
{
    const int64_t pieces = n > most ? (n + most - 1) / most : 1;
    return (n + pieces - 1) / pieces;
}

/** The first part, or the one after d. @return whether there is one */
static bool next_depth(const struct ps_product *p, int64_t most, struct ps_depth *d)
{
    const int64_t k = (even(p->k, most) + 1) / 2 * 2, count = p->k < most ? even(p->batch, most / p->k) : 1;
    if (d->count == 0) {
        *d = (struct ps_depth){.count = count, .k = k};
    } else if (d->q + d->k < p->k) {
        d->q += d->k;
    } else {
        d->s += d->count;
        d->q = 0;
    }
    d->k = least(k, p->k - d->q);
    d->count = least(count, p->batch - d->s);
    return d->count > 0;
}

/** The product over a part of the depth. */
static struct ps_product part_of(const struct ps_product *p, const struct ps_depth *d)
{
    struct ps_product x = *p;
    x.k = d->k;
    x.batch = d->count;
    x.add = p->add || d->s > 0 || d->q > 0;
    x.relu = p->relu && d->s + d->count == p->batch && d->q + d->k == p->k;
    x.a += d->s * p->a_next + d->q * p->a_col;
    x.b += d->s * p->b_next + d->q * p->b_row;
    return x;
}

/** One part of the depth with copies of a or b. */
static void part(const struct ps_product *p, const struct ps_depth *d, bool a, bool b, float *work)
{
    const int64_t k = d->count * d->k;
    struct ps_product x = part_of(p, d);
    if (b) {
        ps_product_copy_b(p, d, work);
        x.b = work;
        x.b_row = PS_PANEL_COLS;
        x.b_panel = PS_PANEL_COLS * k;
    }
    if (!a) {
        direct(&x);
        return;
    }
    x.k = k;
    x.batch = 1;
    float *const rows = work + ps_panels(p->n, k);
    for (int64_t i = 0; i < p->m; i += ROWS) {
        x.m = least(p->m - i, ROWS);
        ps_product_copy_a(p, d, i, x.m, rows);
        x.a = rows;
        x.a_col = x.m;
        x.c = p->c + i * p->c_row;
        direct(&x);
    }
}

/** The product in bf16: copies of both operands, part by part of the depth. */
static void halved(const struct ps_product *p, float *work)
{
    const int64_t most = p->k % 2 == 0 ? 2 * DEPTH : DEPTH; /* pairs of single numbers take as much room */
    const bool rows = p->a_col == 1;
    const int64_t m = even(p->m, rows ? ROWS_HALF : ROWS);
    struct ps_depth d = {.count = 0};
    while (next_depth(p, most, &d)) {
        struct ps_product x = part_of(p, &d);
        x.k = (d.k + 1) / 2 * d.count;
        x.batch = 1;
        if (p->b_panel) {
            x.b = p->b + d.q / 2 * p->b_row;
        } else {
            ps_product_pair_b(p, &d, work);
            x.b = work;
            x.b_row = PS_PANEL_COLS;
            x.b_panel = PS_PANEL_COLS * x.k;
        }
        float *const a = work + (p->b_panel ? 0 : ps_panels(p->n, x.k));
        for (int64_t i = 0; i < p->m; i += m) {
            x.m = least(p->m - i, m);
            ps_product_pair_a(p, &d, i, x.m, a);
            x.a = a;
            x.a_row = rows ? x.k : 1;
            x.a_col = rows ? 1 : x.m;
            x.c = p->c + i * p->c_row;
            direct(&x);
        }
    }
}

/** The product through all of the depth, part by part: a panel's part serves all rows from the second cache.
 */
static void deep(const struct ps_product *p)
{
    struct ps_depth d = {.count = 0};
    while (next_depth(p, DEPTH, &d)) {
        const struct ps_product x = part_of(p, &d);
        direct(&x);
    }
}

/** Blocks of rows and columns, each through all of the depth. */
static void blocks(const struct ps_product *p)
{
    const int64_t m = even(p->m, BLOCK), lines = even(p->lines, m < BLOCK ? BLOCK / m : 1);
    const int64_t panels = SUMS / (m * lines * PS_PANEL_COLS), n = (panels > 0 ? panels : 1) * PS_PANEL_COLS;
    const int64_t panel = p->b_panel ? p->b_panel : PS_PANEL_COLS;
    struct ps_product x = *p;
    for (int64_t l = 0; l < p->lines; l += lines)
        for (int64_t i = 0; i < p->m; i += m)
            for (int64_t j = 0; j < p->n; j += n) {
                x.lines = least(p->lines - l, lines);
                x.m = least(p->m - i, m);
                x.n = least(p->n - j, n);
                x.a = p->a + l * p->a_line + i * p->a_row;
                x.b = p->b + j / PS_PANEL_COLS * panel;
                x.c = p->c + l * p->c_line + i * p->c_row + j;
                x.bias = p->bias ? p->bias + j : NULL;
                deep(&x);
            }
}

void ps_product(const struct ps_product *given, float *work)
{
    struct ps_product p = *given;
    if (p.lines == 0) p.lines = 1;
    if (p.lines > 1 && p.a_line == p.m * p.a_row && p.c_line == p.m * p.c_row) {
        p.m *= p.lines;
        p.lines = 1;
    }
    const int64_t rows = p.m * p.lines, depth = p.k * p.batch;
    const bool may = work && p.lines == 1 && depth > 0;
    bool a = may && p.a_row == 1 && p.a_col > FAR && p.n > MANY && p.k > 1;
    bool b = may && p.b_panel == 0 && p.b_row > FAR && p.m > MANY && p.k > 1;
    /* products that are summed are cut together, so both operands must lie alike */
    if ((a || b) && p.batch > 1) a = b = p.a_row == 1 && p.b_panel == 0;
    if (rows == 0 || p.n == 0) return;
    if (p.half && depth > 0) {
        halved(&p, work);
    } else if (a || b) {
        struct ps_depth d = {.count = 0};
        while (next_depth(&p, DEPTH, &d)) part(&p, &d, a, b, work);
    } else if (depth > 0 && (rows > BLOCK || (rows > MANY && depth > DEPTH))) {
        blocks(&p);
    } else {
        direct(&p);
    }
}
