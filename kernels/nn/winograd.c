#include "kernels/nn/winograd.h"
#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/normal.h"
#include "kernels/nn/product.h"
#include "kernels/nn/winograd_filter.h"
#include "kernels/nn/winograd_tiles.h"

enum {
    BLOCK = 48, /* tiles whose transforms stay in the second cache, */
    COLS = PS_FILTER_COLS,
    SIDE = 64, /* and outputs of a block of the weights' gradient, which stays there with COLS inputs: */
    SUMS = SIDE * COLS + PS_LANES /* floats of a point of that, an odd number of vectors */
};

/** The cut of n images. */
struct plan {
    struct ps_tiles in, out;
    int64_t tiles;
    int64_t block;           /* tiles that go through the products of data together, */
    int64_t chunk;           /* and of weights: whole blocks */
    int64_t in_row, out_row; /* floats of a tile at one point */
};

/** An odd number of vectors, so that rows of many tiles do not share few places of a cache. */
static int64_t row_of(int64_t channels)
{
    return (ps_tiles_lanes(channels) / PS_LANES | 1) * PS_LANES;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** How many pieces of up to `most` n has, and how large the first ones are where they are nearly alike. */
static int64_t pieces(int64_t n, int64_t most)
{
    return n > most ? (n + most - 1) / most : 1;
}

static int64_t even(int64_t n, int64_t most)
{
    const int64_t count = pieces(n, most);
    return (n + count - 1) / count;
}

/** From a point of so many tiles to the next: again an odd number of vectors. */
static int64_t next_of(int64_t tiles, int64_t row)
{
    return row_of(tiles * row);
}

/** A chunk reads and writes all sums: it has no fewer tiles than that the tiles themselves are more. */
static int64_t sums_of(const struct ps_nn_conv *l)
{
    return l->at.channels * l->out / (l->at.channels + l->out);
}

static struct plan plan_of(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    struct plan p = {.in = {.height = at->height,
                            .width = at->width,
                            .channels = at->channels,
                            .down = (at->height + PS_TILE - 1) / PS_TILE,
                            .across = (at->width + PS_TILE - 1) / PS_TILE},
                     .in_row = row_of(at->channels),
                     .out_row = row_of(l->out)};
    p.out = p.in;
    p.out.channels = l->out;
    p.tiles = n * p.in.down * p.in.across;
    p.block = even(p.tiles, BLOCK);
    const int64_t blocks = pieces(p.tiles, p.block);
    p.chunk = p.block * even(blocks, pieces(sums_of(l), p.block));
    return p;
}

/** The largest one of up to n images, whose blocks may be larger than those of n. */
static struct plan plan_most(const struct ps_nn_conv *l, int64_t n)
{
    struct plan p = plan_of(l, n);
    p.block = least(p.tiles, BLOCK);
    p.chunk = least(p.tiles, sums_of(l)) + BLOCK;
    return p;
}

/** Floats of the transforms of some tiles, of which at most COLS channels. */
static int64_t products_floats(int64_t tiles)
{
    return PS_POINTS * next_of(tiles, COLS);
}

/** Blocks of the weights' gradient. */
static int64_t all_blocks(const struct plan *p)
{
    return pieces(p->out.channels, SIDE) * pieces(p->in.channels, COLS);
}

/** Those that are summed over chunks. */
static int64_t blocks_of(const struct plan *p)
{
    return p->chunk < p->tiles ? all_blocks(p) : 1;
}

bool ps_winograd_fits(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    const struct plan p = plan_of(l, 1);
    const bool can = at->kernel == 3 && at->stride == 1 && at->pad == 1 && !l->half_x && !l->half_y &&
                     (l->act == PS_NN_LINEAR || l->act == PS_NN_RELU);
    /* products that are saved must pay for the transforms */
    return can && at->channels >= 16 && l->out >= 16 && 9 * at->height * at->width >= 2 * PS_POINTS * p.tiles;
}

struct ps_nn_size ps_winograd_size(const struct ps_nn_conv *l, int64_t n)
{
    const struct plan p = plan_most(l, n);
    const int64_t in = l->at.channels, products = products_floats(p.block);
    const int64_t forward = PS_POINTS * next_of(p.block, p.in_row) + products;
    const int64_t backward = PS_POINTS * (next_of(p.chunk, p.in_row) + next_of(p.chunk, p.out_row)) +
                             products + (p.tiles > sums_of(l) ? all_blocks(&p) : 1) * PS_POINTS * SUMS;
    return (struct ps_nn_size){
        .weights = l->out * 9 * in + (l->plain ? 0 : l->out),
        .prepared = ps_filter_floats(in, l->out) + (l->data ? ps_filter_floats(l->out, in) : 0),
        .work = forward > backward ? forward : backward,
    };
}

void ps_winograd_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    const int64_t in = l->at.channels, blocks = ps_filter_blocks(in, l->out);
    float *to = prepared;
    ps_filter_prepare(in, l->out, w, blocks * part / parts, blocks * (part + 1) / parts, to,
                      l->data ? to + ps_filter_floats(in, l->out) : NULL);
}

/** Filter transformed tiles, COLS channels of the result after the other, and write its places.
 * @param tiles transformed, k channels, of tiles [lo, hi) @param products scratch */
static void filter(const struct ps_tiles *g, const struct ps_tiles_target *to, int64_t lo, int64_t hi,
                   int64_t k, const float *tiles, int64_t row, int64_t next, const float *filters,
                   float *products)
{
    const int64_t after = next_of(hi - lo, COLS);
    for (int64_t c = 0; c < g->channels; c += COLS) {
        const int64_t panel = c / COLS, cols = ps_filter_cols(g->channels, panel);
        const float *b = filters + ps_filter_panel(k, panel);
        for (int f = 0; f < PS_POINTS; f++)
            ps_product(&(struct ps_product){.m = hi - lo,
                                            .n = cols,
                                            .k = k,
                                            .batch = 1,
                                            .a = tiles + f * next,
                                            .a_row = row,
                                            .a_col = 1,
                                            .b = b + f * k * cols,
                                            .b_row = cols,
                                            .c = products + f * after,
                                            .c_row = COLS},
                       NULL);
        ps_tiles_write(g, to, lo, hi, c, least(COLS, g->channels - c), products, COLS, after);
    }
}

void ps_winograd_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct plan q = plan_of(l, p->n);
    const int64_t in = l->at.channels, next = next_of(q.block, q.in_row);
    const struct ps_tiles_source from = {.x = p->x, .read = p->read};
    const struct ps_tiles_target to = {.y = p->y,
                                       .bias = l->plain ? NULL : (const float *)p->w + l->out * 9 * in,
                                       .relu = l->act == PS_NN_RELU,
                                       .moments = p->moments};
    float *tiles = p->work, *products = tiles + PS_POINTS * next;
    for (int64_t lo = 0; lo < q.tiles; lo += q.block) {
        const int64_t hi = least(lo + q.block, q.tiles);
        ps_tiles_windows(&q.in, &from, lo, hi, tiles, q.in_row, next);
        filter(&q.out, &to, lo, hi, in, tiles, q.in_row, next, p->prepared, products);
    }
}

/** Gradients of weights from a chunk of tiles: 36 products whose depth are tiles, block by block of outputs
 * and inputs.
 * @param x, dy transformed @param first, last chunks? @param sums blocks of [PS_POINTS][SUMS] */
static void weights(const struct plan *q, int64_t count, const float *x, const float *dy, bool first,
                    bool last, bool add, float *sums, float *dw)
{
    const int64_t in = q->in.channels, out = q->out.channels, step = blocks_of(q) > 1 ? PS_POINTS * SUMS : 0;
    const int64_t x_next = next_of(q->chunk, q->in_row), dy_next = next_of(q->chunk, q->out_row);
    for (int64_t o = 0; o < out; o += SIDE)
        for (int64_t c = 0; c < in; c += COLS, sums += step) {
            const int64_t rows = least(SIDE, out - o), cols = least(COLS, in - c);
            for (int f = 0; f < PS_POINTS; f++) {
                for (int64_t r = f * rows / PS_POINTS; last && r < (f + 1) * rows / PS_POINTS; r++)
                    ps_filter_fetch(in, cols, dw + (o + r) * 9 * in + c);
                ps_product(&(struct ps_product){.m = rows,
                                                .n = ps_tiles_lanes(cols),
                                                .k = count,
                                                .batch = 1,
                                                .a = dy + f * dy_next + o,
                                                .a_row = 1,
                                                .a_col = q->out_row,
                                                .b = x + f * x_next + c,
                                                .b_row = q->in_row,
                                                .c = sums + f * SUMS,
                                                .c_row = COLS,
                                                .add = !first},
                           NULL);
            }
            for (int64_t r = 0; r < rows && last; r++)
                ps_filter_gradient(in, cols, sums + r * COLS, SUMS, add, dw + (o + r) * 9 * in + c);
        }
}

/** Where there is more to dy than a normalisation, it is made what it is after that. @return how it is read
 */
static struct ps_tiles_source gradients(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const int64_t places = p->n * l->at.height * l->at.width, in = l->at.channels;
    if (l->plain && l->act == PS_NN_LINEAR)
        return (struct ps_tiles_source){.x = p->dy, .y = p->y, .gradient = p->dy_read};
    ps_nn_read_gradient_rows(&p->dy_read, places, l->out, p->dy, p->y, l->out, p->dy, l->out);
    ps_nn_act_gradient(l->act, places * l->out, p->y, p->dy);
    if (!l->plain)
        ps_nn_bias_gradient(places, l->out, p->dy, l->out, p->dw_add, (float *)p->dw + l->out * 9 * in);
    return (struct ps_tiles_source){.x = p->dy};
}

void ps_winograd_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct plan q = plan_of(l, p->n);
    const int64_t in = l->at.channels;
    const int64_t x_next = next_of(q.chunk, q.in_row), dy_next = next_of(q.chunk, q.out_row);
    const struct ps_tiles_source from_x = {.x = p->x, .read = p->read}, from_dy = gradients(l, p);
    const struct ps_tiles_target to = {.y = p->dx,
                                       .add = p->dx_add,
                                       .mask = p->read.a,
                                       .sums = p->read.a ? p->sums : NULL,
                                       .x = p->x,
                                       .read = p->read};
    const float *filters = (const float *)p->prepared + ps_filter_floats(in, l->out);
    float *x = p->work, *dy = x + PS_POINTS * x_next, *products = dy + PS_POINTS * dy_next;
    float *sums = products + products_floats(q.block);
    if (p->dx && to.sums) memset(to.sums, 0, (size_t)(2 * in) * sizeof *to.sums);
    for (int64_t lo = 0; lo < q.tiles; lo += q.chunk) {
        const int64_t end = least(lo + q.chunk, q.tiles);
        for (int64_t t = lo; t < end; t += q.block) {
            const int64_t hi = least(t + q.block, end);
            float *const d = dy + (t - lo) * q.out_row;
            ps_tiles_windows(&q.out, &from_dy, t, hi, d, q.out_row, dy_next);
            if (p->dx) filter(&q.in, &to, t, hi, l->out, d, q.out_row, dy_next, filters, products);
            ps_tiles_spread(&q.in, &from_x, t, hi, x + (t - lo) * q.in_row, q.in_row, x_next);
        }
        weights(&q, end - lo, x, dy, lo == 0, end == q.tiles, p->dw_add, sums, p->dw);
    }
}
