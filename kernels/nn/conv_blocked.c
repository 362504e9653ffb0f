#include "kernels/nn/conv_blocked.h"
#include "kernels/nn/act.h"
#include "kernels/nn/conv_blocks.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/normal.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool ps_blocked_fits(const struct ps_nn_conv *l)
{
    return l->at.channels % COLS == 0 && l->out % COLS == 0;
}

/** Floats of scratch for the gradients of the input of n images. */
static int64_t data_work(const struct ps_nn_conv *l, int64_t n)
{
    const int64_t s = l->at.stride, c = l->at.channels;
    struct ps_block_lines b;
    int64_t work = 0;
    if (!l->data || is_single(&l->at) || !ps_block_lines_first(l, 0, n, &b)) return 0;
    for (int64_t e = 0; e < s * s; e++) {
        const struct ps_gather g = ps_block_meetings(l, NULL, e / s, e % s);
        const int64_t places = (b.end - b.first) * b.to * g.cols;
        work = most(work, places * (least(ps_gather_pieces(&g) * COLS, DEPTH) + c));
    }
    return work;
}

struct ps_nn_size ps_blocked_size(const struct ps_nn_conv *l, int64_t n)
{
    const int64_t window = window_of(l), places = l->at.rows * l->at.cols, images = ps_block_images(l, n);
    const int64_t depth = least(window, DEPTH), c = is_single(&l->at) ? l->at.channels : 0;
    const int64_t forward = least(n * places, ps_block_most(window, l->out, FEW)) * depth;
    const int64_t backward =
        least(images * places, ps_block_most(window, l->out, FEW_BACK)) * (l->out + most(depth, c));
    return (struct ps_nn_size){.weights = l->out * window + (l->plain ? 0 : l->out),
                               .prepared = l->out * window * (l->data ? 2 : 1),
                               .work = most(forward, most(backward, data_work(l, images)))};
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
        const struct ps_gather g = ps_block_meetings(l, NULL, e / s, e % s);
        const int64_t depth = g.lines * g.across * l->out;
        const int64_t v = meets(&l->at, e / s), u = meets(&l->at, e % s);
        for (int64_t i = 0; i < g.lines * g.across; i++)
            prepare(c, l->out, w + ((v + i / g.across * s) * l->at.kernel + u + i % g.across * s) * c, window,
                    1, to + i * l->out * COLS, depth * COLS, part, parts);
        to += c * depth;
    }
}

/** Products where windows are the rows of x as they lie. */
static void multiply_rows(const float *x, int64_t k, int64_t m, const struct ps_made *f)
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
                                    .soon = f->soon,
                                    .add = f->add,
                                    .bias = f->bias,
                                    .relu = f->relu},
               NULL);
}

/** Places [lo, hi) of the input, whose first is at x, or of the sum that is not there yet. */
static void need_input(const struct ps_nn_pass *p, const float *x, int64_t lo, int64_t hi, int64_t c,
                       struct ps_need *needs)
{
    const struct ps_nn_joined *j = p->joined;
    needs[0] = (struct ps_need){x, (hi - lo) * c};
    if (!j) return;
    needs[0] = ps_block_need_rows(j->pass->x, j->sum->half_x, lo, hi, c);
    needs[1] = ps_block_need_rows(j->pass->also, j->sum->half_also, lo, hi, c);
}

void ps_blocked_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_gather g = ps_block_windows(l, p);
    const int64_t window = window_of(l), all = p->n * l->at.rows * l->at.cols, out = l->out;
    const int64_t block = ps_conv_block_of(all, window, out, FEW);
    const bool in_order = is_single(&l->at) && l->at.stride == 1;
    for (int64_t lo = 0, hi; lo < all; lo = hi) {
        hi = least(lo + block, all);
        const int64_t m = hi - lo, more = least(all - hi, m);
        struct ps_need needs[PS_SOON] = {{(float *)p->y + hi * out, more * out}};
        need_input(p, in_order ? g.x + hi * window : NULL, hi, hi + more, window, needs + 1);
        struct ps_soon soon = ps_block_soon(m, out, window, needs);
        const struct ps_made f = {.panels = p->prepared,
                                  .bias = l->plain ? NULL : (const float *)p->w + out * window,
                                  .n = out,
                                  .y = (float *)p->y + lo * out,
                                  .work = p->work,
                                  .soon = &soon,
                                  .relu = l->act == PS_NN_RELU};
        if (p->joined) ps_nn_sum_forward_rows(p->joined->sum, p->joined->pass, lo, hi);
        if (in_order && !p->read.a)
            multiply_rows(g.x + lo * window, window, hi - lo, &f);
        else
            ps_block_multiply(&g, lo, hi, &f);
        if (l->act != PS_NN_RELU) ps_nn_act_apply(l->act, (hi - lo) * out, f.y);
        if (p->moments) ps_nn_moments_join(lo, hi - lo, out, f.y, out, p->moments, p->moments + out);
    }
}
