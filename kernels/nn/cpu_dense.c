#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/product.h"

struct ps_nn_size ps_nn_dense_size_cpu(const struct ps_nn_dense *l, int64_t n)
{
    const int64_t forward = ps_panels(l->out, l->in), backward = l->data ? ps_panels(l->in, l->out) : 0;
    return (struct ps_nn_size){.weights = l->out * l->in + l->out,
                               .prepared = forward + backward,
                               .work = ps_product_work(l->in, n)};
}

void ps_nn_dense_prepare_cpu(const struct ps_nn_dense *l, const void *w, void *prepared, int part, int parts)
{
    float *forward = prepared, *backward = forward + ps_panels(l->out, l->in);
    const int64_t across = ps_panels(l->out, 1) / PS_PANEL_COLS, along = ps_panels(l->in, 1) / PS_PANEL_COLS;
    ps_panels_fill(l->out, l->in, w, 1, l->in, across * part / parts, across * (part + 1) / parts, forward,
                   l->in * PS_PANEL_COLS);
    if (l->data)
        ps_panels_fill(l->in, l->out, w, l->in, 1, along * part / parts, along * (part + 1) / parts, backward,
                       l->out * PS_PANEL_COLS);
}

void ps_nn_dense_forward_cpu(const struct ps_nn_dense *l, const struct ps_nn_pass *p)
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
                                    .relu = l->act == PS_NN_RELU},
               p->work);
    if (l->act != PS_NN_RELU) ps_nn_act_apply(l->act, p->n * l->out, p->y);
}

void ps_nn_dense_backward_cpu(const struct ps_nn_dense *l, const struct ps_nn_pass *p)
{
    const float *backward = (const float *)p->prepared + ps_panels(l->out, l->in);
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
                                    .add = p->dw_add},
               p->work);
    if (!p->dx) return;
    ps_product(&(struct ps_product){.m = p->n,
                                    .n = l->in,
                                    .k = l->out,
                                    .batch = 1,
                                    .a = p->dy,
                                    .a_row = l->out,
                                    .a_col = 1,
                                    .b = backward,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = PS_PANEL_COLS * l->out,
                                    .c = p->dx,
                                    .c_row = l->in,
                                    .add = p->dx_add},
               p->work);
}
