#include "kernels/nn/half_winograd.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_parts.h"
#include "kernels/nn/half_winograd_filter.h"
#include "kernels/nn/half_winograd_tiles.h"

enum {
    LEAST = 64, /* channels from which products that are saved pay well for the transforms */
    COLS = PS_PANEL_COLS,
    ROWS = PS_HALF_ROWS,
    LINE = 2 * PS_LANES,          /* numbers of a vector in bf16 */
    BLOCK = 72,                   /* tiles at most whose transforms go through a pass together, */
    NUMBERS = 1 << 20,            /* and numbers of these transforms: they stay in the second cache */
    CHUNK = 1 << 20,              /* floats of the operands of weights' gradients */
    SIDE = 64,                    /* outputs of a block of these, which stays in the second cache with COLS
                                     inputs: */
    SUMS = SIDE * COLS + PS_LANES /* floats of a point of that, an odd number of vectors */
};

/** The cut of n images. */
struct plan {
    struct ps_half_tiles in, out;
    int64_t tiles;
    int64_t block;           /* tiles that go through the products of data together, an even number, */
    int64_t chunk;           /* and of weights: whole blocks */
    int64_t in_row, out_row; /* numbers of a tile at one point */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** An odd number of vectors, so that rows of many tiles do not share few places of a cache. */
static int64_t odd(int64_t numbers)
{
    return ((numbers + LINE - 1) / LINE | 1) * LINE;
}

/** How many pieces of up to `most` n has; one of 0. */
static int64_t pieces(int64_t n, int64_t most)
{
    return n > most ? (n + most - 1) / most : 1;
}

static int64_t whole(int64_t n, int64_t of)
{
    return pieces(n, of) * of;
}

/** Tiles of a block at most. */
static int64_t block_most(int64_t in_row, int64_t out_row)
{
    const int64_t row = in_row > out_row ? in_row : out_row;
    const int64_t fit = NUMBERS / (PS_HALF_POINTS * (row + 2 * COLS)) / ROWS * ROWS; /* products: floats */
    return fit < 4 * ROWS ? 4 * ROWS : least(fit, BLOCK);
}

/** Tiles of a chunk, but for rounding up to blocks. A chunk reads and writes all sums: it has no fewer tiles
 * than that the tiles themselves are more. */
static int64_t chunk_least(const struct ps_nn_conv *l, int64_t in_row, int64_t out_row)
{
    const int64_t sums = l->at.channels * l->out / (l->at.channels + l->out);
    const int64_t many = CHUNK / (PS_HALF_POINTS * (in_row + out_row) / 2);
    return many > sums ? many : sums;
}

static struct plan plan_of(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    struct plan p = {.in = {.height = at->height,
                            .width = at->width,
                            .channels = at->channels,
                            .down = (at->height + PS_HALF_TILE - 1) / PS_HALF_TILE,
                            .across = (at->width + PS_HALF_TILE - 1) / PS_HALF_TILE},
                     .in_row = odd(at->channels),
                     .out_row = odd(l->out)};
    p.out = p.in;
    p.out.channels = l->out;
    p.tiles = n * p.in.down * p.in.across;
    const int64_t blocks = pieces(p.tiles, block_most(p.in_row, p.out_row));
    p.block = whole((p.tiles + blocks - 1) / blocks, 2);
    const int64_t chunk = whole(chunk_least(l, p.in_row, p.out_row), p.block);
    p.chunk = least(chunk, whole(p.tiles, 2));
    return p;
}

/** The largest one of up to n images. */
static struct plan plan_most(const struct ps_nn_conv *l, int64_t n)
{
    struct plan p = plan_of(l, n);
    const int64_t most = block_most(p.in_row, p.out_row), tiles = whole(p.tiles, 2);
    p.block = least(most, tiles);
    p.chunk = least(chunk_least(l, p.in_row, p.out_row), p.tiles) + most;
    return p;
}

/** From a point of so many tiles to the next, in numbers. */
static int64_t next_of(int64_t tiles, int64_t row)
{
    return odd(tiles * row);
}

/** Floats of the transforms of some tiles, and of their products with a panel. */
static int64_t tiles_floats(int64_t tiles, int64_t row)
{
    return PS_HALF_POINTS * next_of(tiles, row) / 2;
}

static int64_t products_next(int64_t tiles)
{
    return tiles * COLS + PS_LANES;
}

/** Floats of pairs of tiles of so many channels at one point. */
static int64_t pairs_floats(int64_t tiles, int64_t channels, int64_t group)
{
    return tiles / 2 * whole(channels, group) + PS_LANES;
}

/** Floats from a block of the weights' gradient to the next, where they are summed over chunks. */
static int64_t sums_step(const struct plan *p)
{
    return p->chunk < p->tiles ? PS_HALF_POINTS * SUMS : 0;
}

bool ps_half_winograd_fits(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    const struct plan p = plan_of(l, 1);
    const bool can = at->kernel == 3 && at->stride == 1 && at->pad == 1 && l->half_x && l->half_y &&
                     l->plain && l->act == PS_NN_LINEAR;
    /* products that are saved must pay for the transforms */
    return can && at->channels >= LEAST && l->out >= LEAST &&
           2 * 9 * at->height * at->width >= 3 * PS_HALF_POINTS * p.tiles;
}

struct ps_nn_size ps_half_winograd_size(const struct ps_nn_conv *l, int64_t n)
{
    const struct plan p = plan_most(l, n);
    const int64_t in = l->at.channels, products = PS_HALF_POINTS * products_next(p.block);
    const int64_t row = p.in_row > p.out_row ? p.in_row : p.out_row;
    const int64_t pairs =
        PS_HALF_POINTS * (pairs_floats(p.chunk, in, COLS) + pairs_floats(p.chunk, l->out, PS_HALF_GROUP));
    const int64_t least_chunk = chunk_least(l, p.in_row, p.out_row);
    const int64_t blocks = least_chunk < p.tiles ? pieces(l->out, SIDE) * pieces(in, COLS) : 1;
    return (struct ps_nn_size){
        .weights = l->out * 9 * in,
        .prepared = ps_half_filter_floats(in, l->out) + (l->data ? ps_half_filter_floats(l->out, in) : 0),
        .work = tiles_floats(p.block, row) + products + pairs + blocks * PS_HALF_POINTS * SUMS,
    };
}

void ps_half_winograd_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    float *to = prepared;
    ps_half_filter_prepare(l->at.channels, l->out, w, part, parts, to,
                           l->data ? to + ps_half_filter_floats(l->at.channels, l->out) : NULL);
}

/** Filter transformed tiles, a panel of the result after the other, and write its places.
 * @param tiles transformed, k channels, of tiles [lo, hi) @param products scratch */
static void filter(const struct ps_half_tiles *g, const struct ps_half_finish *finish, int64_t lo, int64_t hi,
                   int64_t k, const uint16_t *tiles, int64_t row, int64_t next, const float *filters,
                   float *products)
{
    const int64_t m = hi - lo, count = (m + ROWS - 1) / ROWS, pairs = (k + 1) / 2, after = products_next(m);
    for (int64_t c = 0; c < g->channels; c += COLS) {
        const int64_t width = least(COLS, g->channels - c);
        const int vecs = (int)((width + PS_LANES - 1) / PS_LANES);
        struct ps_half_window w = {
            .panel = filters + ps_half_filter_panel(k, c / COLS), .runs = 1, .pairs = pairs};
        for (int f = 0; f < PS_HALF_POINTS; f++, w.panel += pairs * COLS)
            for (int64_t t = 0; t < count; t++) {
                const int64_t first = t * m / count, end = (t + 1) * m / count;
                const uint16_t *from[ROWS];
                for (int64_t r = first; r < end; r++) from[r - first] = tiles + f * next + r * row;
                ps_half_sum_windows(&w, from, (int)(end - first), vecs,
                                    (float(*)[COLS])(products + f * after + first * COLS));
            }
        ps_half_tiles_write(g, finish, lo, hi, c, width, products, COLS, after);
    }
}

void ps_half_winograd_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct plan q = plan_of(l, p->n);
    const int64_t next = next_of(q.block, q.in_row);
    const struct ps_half_source from = {.x = p->x, .half = true, .read = p->read};
    const struct ps_half_finish finish = {.out = p->y, .half = true, .moments = p->moments};
    uint16_t *const tiles = p->work;
    float *const products = (float *)p->work + tiles_floats(q.block, q.in_row);
    for (int64_t lo = 0; lo < q.tiles; lo += q.block) {
        const int64_t hi = least(lo + q.block, q.tiles);
        ps_half_tiles_windows(&q.in, &from, lo, hi, tiles, q.in_row, next);
        filter(&q.out, &finish, lo, hi, l->at.channels, tiles, q.in_row, next, p->prepared, products);
    }
}
/** Operands of weights' gradients at a point: pairs of tiles, `group` channels side by side. */
struct pairs {
    float *at;
    int64_t count, group, channels, next;
};

static struct pairs pairs_of(float *at, int64_t chunk, int64_t channels, int64_t group)
{
    return (struct pairs){.at = at,
                          .count = chunk / 2,
                          .group = group,
                          .channels = channels,
                          .next = pairs_floats(chunk, channels, group)};
}

/** Channel k of the first pair of tiles. */
static float *pairs_at(const struct pairs *p, int f, int64_t k)
{
    return p->at + f * p->next + k / p->group * p->count * p->group + k % p->group;
}

/** m transformed tiles to pairs from `first` on; a single one makes a pair with zeros. */
static void couple(const struct pairs *p, int64_t first, int64_t m, uint16_t *tiles, int64_t row,
                   int64_t next)
{
    for (int f = 0; f < PS_HALF_POINTS; f++, tiles += next) {
        if (m % 2 > 0) memset(tiles + m * row, 0, (size_t)row * sizeof *tiles);
        for (int64_t k = 0; k < p->channels; k += LINE) {
            float *const low = pairs_at(p, f, k) + first * p->group;
            float *const high = pairs_at(p, f, k + PS_LANES) + first * p->group;
            const bool both = k + PS_LANES < p->channels;
            for (int64_t q = 0; 2 * q < m; q++) {
                const uint16_t *const from = tiles + 2 * q * row + k;
                ps_vf x, y;
                ps_vf_load_pairs(from, from + row, &x, &y);
                ps_vf_store(low + q * p->group, x);
                if (both) ps_vf_store(high + q * p->group, y);
            }
        }
    }
}

/** Gradients of weights from so many pairs of tiles: 16 products whose depth are tiles, block by block of
 * outputs and inputs.
 * @param first, last chunks? @param sums blocks of [PS_HALF_POINTS][SUMS], `step` apart */
static void weights(const struct pairs *x, const struct pairs *d, int64_t count, bool first, bool last,
                    bool add, float *sums, int64_t step, float *dw)
{
    const int64_t in = x->channels, out = d->channels;
    const enum ps_half_gradient how = add                          ? PS_HALF_ADD
                                      : ps_half_near(9 * in * out) ? PS_HALF_WRITE
                                                                   : PS_HALF_PAST;
    for (int64_t o = 0; o < out; o += SIDE)
        for (int64_t c = 0; c < in; c += COLS, sums += step) {
            const int64_t rows = least(SIDE, out - o), cols = least(COLS, in - c);
            for (int f = 0; f < PS_HALF_POINTS; f++) {
                for (int64_t r = f * rows / PS_HALF_POINTS;
                     last && how != PS_HALF_PAST && r < (f + 1) * rows / PS_HALF_POINTS; r++)
                    ps_half_filter_fetch(in, cols, dw + (o + r) * 9 * in + c);
                for (int64_t g = 0; g < rows; g += PS_HALF_GROUP) {
                    const int some = (int)least(PS_HALF_GROUP, rows - g), tiles = (some + ROWS - 1) / ROWS;
                    for (int t = 0; t < tiles; t++) {
                        const int r = t * some / tiles, end = (t + 1) * some / tiles;
                        ps_half_sum_pairs(count, pairs_at(d, f, o + g) + r, pairs_at(x, f, c), end - r,
                                          (int)whole(cols, PS_LANES), sums + f * SUMS + (g + r) * COLS, COLS,
                                          !first);
                    }
                }
            }
            for (int64_t r = 0; r < rows && last; r++)
                ps_half_filter_gradient(in, cols, sums + r * COLS, SUMS, how, dw + (o + r) * 9 * in + c);
        }
    ps_vf_stream_end();
}

void ps_half_winograd_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct plan q = plan_of(l, p->n);
    const int64_t in = l->at.channels, x_next = next_of(q.block, q.in_row),
                  d_next = next_of(q.block, q.out_row);
    const struct ps_half_source from_x = {.x = p->x, .half = true, .read = p->read};
    const struct ps_half_source from_dy = {.x = p->dy, .half = true, .y = p->y, .gradient = p->dy_read};
    const struct ps_half_finish finish = {.out = p->dx,
                                          .half = true,
                                          .add = p->dx_add,
                                          .x = p->x,
                                          .read = p->read.a ? &p->read : NULL,
                                          .sums = p->sums};
    const float *const filters = (const float *)p->prepared + ps_half_filter_floats(in, l->out);
    uint16_t *const tiles = p->work;
    float *const products =
        (float *)p->work + tiles_floats(q.block, q.in_row > q.out_row ? q.in_row : q.out_row);
    const struct pairs x = pairs_of(products + PS_HALF_POINTS * products_next(q.block), q.chunk, in, COLS);
    const struct pairs d = pairs_of(x.at + PS_HALF_POINTS * x.next, q.chunk, l->out, PS_HALF_GROUP);
    for (int64_t lo = 0; lo < q.tiles; lo += q.chunk) {
        const int64_t end = least(lo + q.chunk, q.tiles);
        for (int64_t t = lo; t < end; t += q.block) {
            const int64_t hi = least(t + q.block, end);
            ps_half_tiles_windows(&q.out, &from_dy, t, hi, tiles, q.out_row, d_next);
            if (p->dx) filter(&q.in, &finish, t, hi, l->out, tiles, q.out_row, d_next, filters, products);
            couple(&d, (t - lo) / 2, hi - t, tiles, q.out_row, d_next);
            ps_half_tiles_spread(&q.in, &from_x, t, hi, tiles, q.in_row, x_next);
            couple(&x, (t - lo) / 2, hi - t, tiles, q.in_row, x_next);
        }
        weights(&x, &d, (end - lo + 1) / 2, lo == 0, end == q.tiles, p->dw_add,
                d.at + PS_HALF_POINTS * d.next, sums_step(&q), p->dw);
    }
}
