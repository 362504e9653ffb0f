#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/conv_blocked.h"
#include "kernels/nn/conv_blocks.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/normal.h"

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
                    const float *dy, float *work, struct ps_soon *soon)
{
    const struct ps_gather g = ps_block_windows(l, p);
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
                                        .soon = soon,
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

/** Lines [line, to) of images [first, end) of the places of one class of those that are met alike, the e-th:
 * part of the gradients of the input. */
static void class_data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct ps_gather *g,
                       int64_t e, const float *panels, const struct ps_block_lines *b, struct ps_soon *soon)
{
    const int64_t c = l->at.channels, s = l->at.stride, pieces = ps_gather_pieces(g);
    const int64_t lo = (b->first * g->rows + least(b->line, g->rows)) * g->cols;
    const int64_t hi = ((b->end - 1) * g->rows + least(b->to, g->rows)) * g->cols;
    struct ps_made f = {
        .panels = panels, .n = c, .y = p->work, .work = (float *)p->work + (hi - lo) * c, .soon = soon};
    if (hi <= lo || (pieces == 0 && p->dx_add)) return;
    if (s == 1) f.y = (float *)p->dx + lo * c, f.add = p->dx_add;
    if (pieces == 0) memset(f.y, 0, (size_t)((hi - lo) * c) * sizeof *f.y);
    ps_block_multiply(g, lo, hi, &f);
    if (s > 1) spread(l, p, g, e / s, e % s, lo, hi, f.y);
}

/** Gradients of the input where several places of the output meet one, of images [first, end): some lines
 * after the other, so that these stay in the cache through all classes. */
static void data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t first, int64_t end)
{
    const int64_t c = l->at.channels, s = l->at.stride, width = l->at.width * c, window = window_of(l);
    struct ps_block_lines b;
    for (bool some = ps_block_lines_first(l, first, end, &b); some; some = ps_block_lines_next(l, end, &b)) {
        const float *panels = (const float *)p->prepared + l->out * window;
        const int64_t from = b.first * l->at.height + least(b.line * s, l->at.height);
        const int64_t to = (b.end - 1) * l->at.height + least(b.to * s, l->at.height);
        const struct ps_need needs[PS_SOON] = {{(const float *)p->x + to * width, (to - from) * width},
                                               {(const float *)p->dx + to * width, (to - from) * width}};
        struct ps_soon soon =
            ps_block_soon((to - from) * l->at.width, c, window / c * l->out / (s * s), needs);
        for (int64_t e = 0; e < s * s; e++) {
            const struct ps_gather g = ps_block_meetings(l, p->dy, e / s, e % s);
            class_data(l, p, &g, e, panels, &b, &soon);
            panels += c * ps_gather_pieces(&g) * COLS;
        }
        slope(l, p, from * l->at.width, to * l->at.width);
    }
}

/** Those that belong to places [lo, hi) of the output where only one of these meets a place, from the
 * gradient of y in pieces. */
static void single_data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi,
                        const float *dy, float *work, struct ps_soon *soon)
{
    const int64_t c = l->at.channels, m = hi - lo;
    const bool in_order = l->at.stride == 1;
    float *dx = in_order ? (float *)p->dx + lo * c : work;
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
                                    .c = dx,
                                    .c_row = c,
                                    .soon = soon,
                                    .add = in_order && p->dx_add},
               NULL);
    if (in_order) {
        slope(l, p, lo, hi);
    } else {
        const struct ps_gather g = ps_block_meetings(l, NULL, 0, 0);
        spread(l, p, &g, 0, 0, lo, hi, dx);
    }
}

/** What the gradient of a sum meets of its inputs. */
static void need_sum(const struct ps_nn_joined *j, int64_t lo, int64_t hi, int64_t c, struct ps_need *x,
                     struct ps_need *also)
{
    if (j->pass->read.a) *x = ps_block_need_rows(j->pass->x, j->sum->half_x, lo, hi, c);
    if (j->pass->also_read.a) *also = ps_block_need_rows(j->pass->also, j->sum->half_also, lo, hi, c);
}

/** Both gradients of places [lo, hi), those of the input where it has one place for each; meanwhile what the
 * next `more` places need is fetched. */
static void block(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi,
                  int64_t more)
{
    const int64_t m = hi - lo, c = l->at.channels, out = l->out;
    const bool together = p->dx && is_single(&l->at), in_order = l->at.stride == 1;
    const float *next_dy = (const float *)p->dy + hi * out, *next_y = (const float *)p->y + hi * out;
    const float *dx = in_order && p->dx_add ? (const float *)p->dx + lo * c : NULL;
    const float *next_x = in_order ? (const float *)p->x + hi * c : NULL;
    float *dy = p->work, *work = dy + m * out;
    output_gradient(l, p, lo, hi, dy);
    struct ps_need needs[PS_SOON] = {{next_dy, more * out},
                                     {together ? dx : next_y, together ? m * c : more * out}};
    struct ps_need after[PS_SOON] = {{next_y, more * out}, {next_x, more * c}};
    if (p->joined) need_sum(p->joined, lo, hi, c, &needs[2], &after[2]);
    struct ps_soon soon = ps_block_soon(m, window_of(l), out, needs);
    weights(l, p, lo, hi, dy, work, &soon);
    if (!together) return;
    soon = ps_block_soon(m, c, out, after);
    single_data(l, p, lo, hi, dy, work, &soon);
    if (p->joined) ps_nn_sum_backward_rows(p->joined->sum, p->joined->pass, lo, hi);
}

void ps_blocked_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const int64_t places = l->at.rows * l->at.cols, images = ps_block_images(l, p->n), c = l->at.channels;
    const int64_t inputs = l->at.height * l->at.width;
    const bool single = is_single(&l->at), in_order = l->at.stride == 1;
    if (p->dx && p->read.a && p->sums) memset(p->sums, 0, (size_t)(2 * c) * sizeof *p->sums);
    if (p->dx && single && !in_order && !p->dx_add)
        memset(p->dx, 0, (size_t)(p->n * inputs * c) * sizeof(float));
    for (int64_t i = 0, next; i < p->n; i = next) {
        next = least(i + images, p->n);
        const int64_t some = ps_conv_block_of((next - i) * places, window_of(l), l->out, FEW_BACK);
        for (int64_t lo = i * places, hi; lo < next * places; lo = hi) {
            hi = least(lo + some, next * places);
            block(l, p, lo, hi, least(next * places - hi, some));
        }
        if (p->dx && !single) data(l, p, i, next);
    }
    if (p->dx && single && !in_order) slope(l, p, 0, p->n * inputs);
}
