#include "kernels/nn/conv_blocks.h"
#include <string.h>

int64_t ps_block_most(int64_t depth, int64_t out, int64_t few)
{
    const int64_t most = FLOATS / (least(depth, DEPTH) + out);
    return most < few ? few : least(most, MANY);
}

int64_t ps_conv_block_of(int64_t all, int64_t depth, int64_t out, int64_t few)
{
    const int64_t most = ps_block_most(depth, out, few);
    const int64_t blocks = (all + most - 1) / most;
    return blocks > 0 ? (all + blocks - 1) / blocks : 1;
}

int64_t ps_block_images(const struct ps_nn_conv *l, int64_t n)
{
    const int64_t places = l->at.rows * l->at.cols, some = (2 * FEW_BACK + places - 1) / places;
    return is_single(&l->at) ? n : least(n, some);
}

bool ps_block_lines_first(const struct ps_nn_conv *l, int64_t first, int64_t end, struct ps_block_lines *b)
{
    *b = (struct ps_block_lines){.first = first, .end = first};
    return ps_block_lines_next(l, end, b);
}

bool ps_block_lines_next(const struct ps_nn_conv *l, int64_t end, struct ps_block_lines *b)
{
    const int64_t s = l->at.stride, rows = (l->at.height + s - 1) / s, cols = (l->at.width + s - 1) / s;
    const int64_t depth = window_of(l) / l->at.channels * l->out / (s * s);
    const int64_t most = ps_block_most(depth, s * s * l->at.channels, FEW), places = rows * cols;
    if (b->end > b->first && b->to < rows) {
        b->line = b->to;
    } else {
        b->first = b->end;
        b->end = least(b->first + (most >= 2 * places ? most / places : most > places ? 2 : 1), end);
        b->line = 0;
    }
    const int64_t blocks = (places + most - 1) / most,
                  lines = blocks > 1 ? (rows + blocks - 1) / blocks : rows;
    b->to = least(b->line + lines, rows);
    return b->first < end;
}

struct ps_gather ps_block_windows(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
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

struct ps_gather ps_block_meetings(const struct ps_nn_conv *l, const float *dy, int64_t y, int64_t x)
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

void ps_block_multiply(const struct ps_gather *g, int64_t lo, int64_t hi, const struct ps_made *f)
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
                                        .soon = f->soon,
                                        .add = f->add || e > 0,
                                        .bias = f->bias,
                                        .relu = f->relu && end == pieces},
                   NULL);
    }
}

struct ps_need ps_block_need_rows(const void *x, bool half, int64_t lo, int64_t hi, int64_t c)
{
    const int64_t size = half ? sizeof(uint16_t) : sizeof(float);
    return (struct ps_need){(const char *)x + lo * c * size, (hi - lo) * c * size / (int64_t)sizeof(float)};
}

struct ps_soon ps_block_soon(int64_t m, int64_t n, int64_t k, const struct ps_need *needs)
{
    static const float none;
    struct ps_soon soon;
    for (int i = 0; i < PS_SOON; i++) {
        soon.at[i] = needs[i].at ? needs[i].at : (const char *)&none;
        soon.step[i] = needs[i].at ? ps_soon_step(needs[i].floats, m, n, k) : 0;
    }
    return soon;
}
