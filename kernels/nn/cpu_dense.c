#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/product.h"

static int64_t longest(int64_t a, int64_t b, int64_t c)
{
    const int64_t most = a > b ? a : b;
    return most > c ? most : c;
}

struct ps_nn_size ps_nn_dense_size_cpu(const struct ps_nn_dense *l, int64_t n)
{
    const int64_t forward = ps_panels(l->out, l->in), backward = l->data ? ps_panels(l->in, l->out) : 0;
    return (struct ps_nn_size){.weights = l->out * l->in + l->out,
                               .prepared = forward + backward,
                               .work = ps_product_work(l->in, longest(n, l->in, l->out))};
}

/** A thread's part of the panels of b [k][n]. */
static void fill(int64_t n, int64_t k, const float *w, int64_t row, int64_t col, float *to, int part,
                 int parts, bool half)
{
    const int64_t panels = ps_panels(n, 1) / PS_PANEL_COLS, lo = panels * part / parts,
                  hi = panels * (part + 1) / parts;
    ps_panels_fill(n, k, w, row, col, lo, hi, to, k * PS_PANEL_COLS);
    if (half) ps_panels_halve(k, lo, hi, to, k * PS_PANEL_COLS);
}

static void prepare(const struct ps_nn_dense *l, const void *w, void *prepared, int part, int parts,
                    bool half)
{
    float *forward = prepared;
    fill(l->out, l->in, w, 1, l->in, forward, part, parts, half);
    if (l->data) fill(l->in, l->out, w, l->in, 1, forward + ps_panels(l->out, l->in), part, parts, half);
}

static void forward(const struct ps_nn_dense *l, const struct ps_nn_pass *p, bool half)
{
    const float *w = p->w;
    ps_product(&(struct ps_product){.m = p->n,
                                    .n = l->out,
                                    .k = l->in,
                                    .batch = 1,
                                    .a = p->x,
                                    .a_row = l->in,
                                    .a_col = 1,
                                    .b = p->prepared,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = PS_PANEL_COLS * l->in,
                                    .c = p->y,
                                    .c_row = l->out,
                                    .bias = w + l->out * l->in,
                                    .relu = l->act == PS_NN_RELU,
                                    .half = half},
               p->work);
    if (l->act != PS_NN_RELU) ps_nn_act_apply(l->act, p->n * l->out, p->y);
}

static void backward(const struct ps_nn_dense *l, const struct ps_nn_pass *p, bool half)
{
    const float *panels = (const float *)p->prepared + ps_panels(l->out, l->in);
    float *dw = p->dw;
    ps_nn_act_gradient(l->act, p->n * l->out, p->y, p->dy);
    ps_nn_bias_gradient(p->n, l->out, p->dy, l->out, p->dw_add, dw + l->out * l->in);
    ps_product(&(struct ps_product){.m = l->out,
                                    .n = l->in,
                                    .k = p->n,
                                    .batch = 1,
                                    .a = p->dy,
                                    .a_row = 1,
                                    .a_col = l->out,
                                    .b = p->x,
                                    .b_row = l->in,
                                    .c = dw,
                                    .c_row = l->in,
                                    .add = p->dw_add,
                                    .half = half},
               p->work);
    if (!p->dx) return;
    ps_product(&(struct ps_product){.m = p->n,
                                    .n = l->in,
                                    .k = l->out,
                                    .batch = 1,
                                    .a = p->dy,
                                    .a_row = l->out,
                                    .a_col = 1,
                                    .b = panels,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = PS_PANEL_COLS * l->out,
                                    .c = p->dx,
                                    .c_row = l->in,
                                    .add = p->dx_add,
                                    .half = half},
               p->work);
}

PS_NN_BOTH(dense)
