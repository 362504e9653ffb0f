#include "kernels/nn/conv_blocked.h"
#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/conv_gather.h"
#include "kernels/nn/normal.h"

enum {
    COLS = PS_PANEL_COLS,
    DEPTH = 1024,     /* floats of windows that are gathered at once */
    FLOATS = 1 << 17, /* of what is gathered and what is made of it: half a second cache */
    FEW = 96,         /* places of a block at least: they share what is read of the weights; */
    MANY = 512,       /* and at most */
    FEW_BACK = 196    /* backward they share what is added to the gradients of weights, too */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Places of a block when `all` are cut into nearly even ones. */
static int64_t block_of(int64_t all, int64_t depth, int64_t out, int64_t few)
{
    int64_t most = FLOATS / (least(depth, DEPTH) + out);
    most = most < few ? few : most > MANY ? MANY : most;
    const int64_t blocks = (all + most - 1) / most;
    return blocks > 0 ? (all + blocks - 1) / blocks : 1;
}

static int64_t window_of(const struct ps_nn_conv *l)
{
    return l->at.kernel * l->at.kernel * l->at.channels;
}

/** Is each place of y made of the same place of x? */
static bool is_single(const struct ps_nn_window *at)
{
    return at->kernel == 1 && at->stride == 1 && at->pad == 0;
}

/** Images whose gradients are found together. */
static int64_t images_of(const struct ps_nn_conv *l, int64_t n)
{
    const int64_t places = l->at.rows * l->at.cols, some = (2 * FEW_BACK + places - 1) / places;
    return is_single(&l->at) ? n : least(n, some);
}

/** Windows of the input. */
static struct ps_gather windows(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    return (struct ps_gather){.x = p->x,
                              .height = at->height,
                              .width = at->width,
                              .channels = at->channels,
                              .rows = at->rows,
                              .cols = at->cols,
                              .step = at->stride,
                              .top = -at->pad,
                              .left = -at->pad,
                              .next = 1,
                              .lines = at->kernel,
                              .across = at->kernel,
                              .read = p->read};
}

/** First line of the window that meets line y of the input. */
static int64_t meets(const struct ps_nn_window *at, int64_t y)
{
    return (y + at->pad) % at->stride;
}

/** Every stride-th place of the input from (y, x) on is met by the same places of the window: windows of the
 * output, turned round. */
static struct ps_gather meetings(const struct ps_nn_conv *l, const float *dy, int64_t y, int64_t x)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t s = at->stride, v = meets(at, y), u = meets(at, x);
    return (struct ps_gather){.x = dy,
                              .height = at->rows,
                              .width = at->cols,
                              .channels = l->out,
                              .rows = (at->height - y + s - 1) / s,
                              .cols = (at->width - x + s - 1) / s,
                              .step = 1,
                              .top = (y + at->pad - v) / s,
                              .left = (x + at->pad - u) / s,
                              .next = -1,
                              .lines = v < at->kernel ? (at->kernel - v + s - 1) / s : 0,
                              .across = u < at->kernel ? (at->kernel - u + s - 1) / s : 0};
}

bool ps_blocked_fits(const struct ps_nn_conv *l)
{
    return l->at.channels % COLS == 0 && l->out % COLS == 0;
}

struct ps_nn_size ps_blocked_size(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t window = window_of(l), places = at->rows * at->cols, inputs = at->height * at->width;
    const int64_t images = images_of(l, n), c = at->channels;
    const int64_t forward = block_of(n * places, window, l->out, FEW) * least(window, DEPTH);
    const int64_t weights =
        block_of(images * places, window, l->out, FEW_BACK) * (l->out + least(window, DEPTH));
    const int64_t depth = at->kernel * at->kernel * l->out;
    const int64_t data = block_of(images * inputs, depth, c, FEW) * (least(depth, DEPTH) + c);
    const int64_t most = forward > weights ? forward : weights;
    return (struct ps_nn_size){.weights = l->out * window + (l->plain ? 0 : l->out),
                               .prepared = l->out * window * (l->data ? 2 : 1),
                               .work = data > most ? data : most};
}

/** Part of the panels of n columns and a depth of k. */
static void prepare(int64_t n, int64_t k, const float *w, int64_t row, int64_t col, float *to, int64_t panel,
                    int part, int parts)
{
    const int64_t panels = n / COLS;
    ps_panels_fill(n, k, w, row, col, panels * part / parts, panels * (part + 1) / parts, to, panel);
}

void ps_blocked_prepare(const struct ps_nn_conv *l, const void *weights, void *prepared, int part, int parts)
{
    const int64_t c = l->at.channels, window = window_of(l), s = l->at.stride;
    const float *w = weights;
    float *to = prepared;
    prepare(l->out, window, w, 1, window, to, window * COLS, part, parts);
    to += l->out * window;
    for (int64_t e = 0; l->data && e < s * s; e++) {
        const struct ps_gather g = meetings(l, NULL, e / s, e % s);
        const int64_t depth = g.lines * g.across * l->out;
        const int64_t v = meets(&l->at, e / s), u = meets(&l->at, e % s);
        for (int64_t i = 0; i < g.lines * g.across; i++)
            prepare(c, l->out, w + ((v + i / g.across * s) * l->at.kernel + u + i % g.across * s) * c, window,
                    1, to + i * l->out * COLS, depth * COLS, part, parts);
        to += c * depth;
    }
}

/** y = product of the windows at places [lo, hi) and panels, to which `bias` and `relu` belong. */
struct made {
    const float *panels, *bias;
    int64_t n; /* columns */
    float *y, *work;
    bool add, relu;
};

static void multiply(const struct ps_gather *g, int64_t lo, int64_t hi, const struct made *f)
{
    const int64_t pieces = ps_gather_pieces(g), m = hi - lo;
    for (int64_t e = 0, end; e < pieces; e = end) {
        end = least(e + DEPTH / COLS, pieces);
        ps_gather(g, lo, hi, e, end, f->work);
        ps_product(&(struct ps_product){.m = m,
                                        .n = f->n,
                                        .k = COLS,
                                        .batch = end - e,
                                        .a = f->work,
                                        .a_row = COLS,
                                        .a_col = 1,
                                        .a_next = m * COLS,
                                        .b = f->panels + e * COLS * COLS,
                                        .b_row = COLS,
                                        .b_next = COLS * COLS,
                                        .b_panel = pieces * COLS * COLS,
                                        .c = f->y,
                                        .c_row = f->n,
                                        .add = f->add || e > 0,
                                        .bias = f->bias,
                                        .relu = f->relu && end == pieces},
                   NULL);
    }
}

/** The same where the windows are the rows of x as they lie. */
static void multiply_rows(const float *x, int64_t k, int64_t m, const struct made *f)
{
    ps_product(&(struct ps_product){.m = m,
                                    .n = f->n,
                                    .k = k,
                                    .batch = 1,
                                    .a = x,
                                    .a_row = k,
                                    .a_col = 1,
                                    .b = f->panels,
                                    .b_row = COLS,
                                    .b_panel = k * COLS,
                                    .c = f->y,
                                    .c_row = f->n,
                                    .add = f->add,
                                    .bias = f->bias,
                                    .relu = f->relu},
               NULL);
}

void ps_blocked_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_gather g = windows(l, p);
    const int64_t window = window_of(l), all = p->n * l->at.rows * l->at.cols, out = l->out;
    const int64_t block = block_of(all, window, out, FEW);
    for (int64_t lo = 0, hi; lo < all; lo = hi) {
        hi = least(lo + block, all);
        const struct made f = {.panels = p->prepared,
                               .bias = l->plain ? NULL : (const float *)p->w + out * window,
                               .n = out,
                               .y = (float *)p->y + lo * out,
                               .work = p->work,
                               .relu = l->act == PS_NN_RELU};
        if (is_single(&l->at) && !p->read.a)
            multiply_rows(g.x + lo * window, window, hi - lo, &f);
        else
            multiply(&g, lo, hi, &f);
        if (l->act != PS_NN_RELU) ps_nn_act_apply(l->act, (hi - lo) * out, f.y);
        if (p->moments) ps_nn_moments_join(lo, hi - lo, out, f.y, out, p->moments, p->moments + out);
    }
}

/** Gradient of y at places [lo, hi), as it is read: in pieces [out / COLS][places][COLS], and, where places
 * are read more than once, in place, too. */
static void output_gradient(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi,
                            float *to)
{
    const int64_t out = l->out, m = hi - lo;
    float *dy = (float *)p->dy + lo * out;
    const float *y = (const float *)p->y + lo * out;
    ps_nn_act_gradient(l->act, m * out, y, dy);
    struct ps_nn_gradient_read read = p->dy_read;
    if (!is_single(&l->at) || !l->plain) {
        ps_nn_read_gradient_rows(&read, m, out, dy, y, out, dy, out);
        read.s = NULL;
    }
    ps_nn_read_gradient_pieces(&read, m, out, dy, y, out, to, m * COLS);
    if (l->plain) return;
    ps_nn_bias_gradient(m, out, dy, out, p->dw_add || lo > 0, (float *)p->dw + out * window_of(l));
}

/** What places [lo, hi) add to the gradients of weights. */
static void weights(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi,
                    const float *dy, float *work)
{
    const struct ps_gather g = windows(l, p);
    const int64_t pieces = ps_gather_pieces(&g), m = hi - lo;
    for (int64_t e = 0, end; e < pieces; e = end) {
        end = least(e + DEPTH / COLS, pieces);
        ps_gather(&g, lo, hi, e, end, work);
        ps_product(&(struct ps_product){.m = COLS,
                                        .lines = l->out / COLS,
                                        .n = (end - e) * COLS,
                                        .k = m,
                                        .batch = 1,
                                        .a = dy,
                                        .a_row = 1,
                                        .a_col = COLS,
                                        .a_line = m * COLS,
                                        .b = work,
                                        .b_row = COLS,
                                        .b_panel = m * COLS,
                                        .c = (float *)p->dw + e * COLS,
                                        .c_row = pieces * COLS,
                                        .c_line = pieces * COLS * COLS,
                                        .add = p->dw_add || lo > 0},
                   NULL);
    }
}

/** dx = 0 beyond the kink, and sums, of rows [lo, hi) of the input. */
static void slope(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi)
{
    const int64_t c = l->at.channels;
    if (!p->read.a) return;
    ps_nn_read_slope(&p->read, hi - lo, c, (const float *)p->x + lo * c, (float *)p->dx + lo * c, c, p->sums,
                     p->sums ? p->sums + c : NULL);
}

/** Gradients of the input at places [lo, hi) from that of y in pieces. */
static void data_of_pieces(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi,
                           const float *dy)
{
    const int64_t c = l->at.channels, m = hi - lo;
    ps_product(&(struct ps_product){.m = m,
                                    .n = c,
                                    .k = COLS,
                                    .batch = l->out / COLS,
                                    .a = dy,
                                    .a_row = COLS,
                                    .a_col = 1,
                                    .a_next = m * COLS,
                                    .b = (const float *)p->prepared + l->out * window_of(l),
                                    .b_row = COLS,
                                    .b_next = COLS * COLS,
                                    .b_panel = l->out * COLS,
                                    .c = (float *)p->dx + lo * c,
                                    .c_row = c,
                                    .add = p->dx_add},
               NULL);
    slope(l, p, lo, hi);
}

/** Rows of dx, the stride-th of each line from (y, x) on, from what was made for places [lo, hi) of g. */
static void spread(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct ps_gather *g,
                   int64_t y, int64_t x, int64_t lo, int64_t hi, const float *from)
{
    const int64_t c = l->at.channels, s = l->at.stride, places = g->rows * g->cols;
    for (int64_t place = lo; place < hi; place++, from += c) {
        const int64_t row = place % places / g->cols * s + y, col = place % g->cols * s + x;
        float *to = (float *)p->dx + ((place / places * l->at.height + row) * l->at.width + col) * c;
        for (int64_t k = 0; k < c; k++) to[k] = p->dx_add ? to[k] + from[k] : from[k];
    }
}

/** Gradients of the input of images [first, end). */
static void data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t first, int64_t end)
{
    const int64_t c = l->at.channels, s = l->at.stride, inputs = l->at.height * l->at.width;
    const float *panels = (const float *)p->prepared + l->out * window_of(l);
    for (int64_t e = 0; e < s * s; e++) {
        const struct ps_gather g = meetings(l, p->dy, e / s, e % s);
        const int64_t places = g.rows * g.cols, depth = g.lines * g.across * l->out;
        const int64_t block = block_of((end - first) * places, depth, c, FEW);
        for (int64_t lo = first * places, hi; lo < end * places; lo = hi) {
            hi = least(lo + block, end * places);
            struct made f = {.panels = panels, .n = c, .y = p->work, .work = (float *)p->work + block * c};
            if (s == 1) f.y = (float *)p->dx + lo * c, f.add = p->dx_add;
            if (depth == 0) memset(f.y, 0, (size_t)((hi - lo) * c) * sizeof *f.y);
            multiply(&g, lo, hi, &f);
            if (s > 1) spread(l, p, &g, e / s, e % s, lo, hi, f.y);
        }
        panels += c * depth;
    }
    slope(l, p, first * inputs, end * inputs);
}

void ps_blocked_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const int64_t places = l->at.rows * l->at.cols, images = images_of(l, p->n);
    if (p->dx && p->read.a && p->sums) memset(p->sums, 0, (size_t)(2 * l->at.channels) * sizeof *p->sums);
    for (int64_t i = 0, next; i < p->n; i = next) {
        next = least(i + images, p->n);
        const int64_t block = block_of((next - i) * places, window_of(l), l->out, FEW_BACK);
        for (int64_t lo = i * places, hi; lo < next * places; lo = hi) {
            hi = least(lo + block, next * places);
            float *dy = p->work, *work = dy + block * l->out;
            output_gradient(l, p, lo, hi, dy);
            weights(l, p, lo, hi, dy, work);
            if (p->dx && is_single(&l->at)) data_of_pieces(l, p, lo, hi, dy);
        }
        if (p->dx && !is_single(&l->at)) data(l, p, i, next);
    }
}
