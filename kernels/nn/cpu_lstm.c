#include <string.h>
#include "kernels/lanes_exp.h"
#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/product.h"

/** Prepared weights: panels forward and backward, of inputs and of hidden units; sums of the two biases. */
struct parts {
    int64_t hidden_forward, hidden_backward, bias, input_backward,
        end; /* where they begin; input forward: 0 */
};

static struct parts parts_of(const struct ps_nn_lstm *l)
{
    const int64_t gates = 4 * l->hidden;
    struct parts p = {.hidden_forward = ps_panels(gates, l->in)};
    p.hidden_backward = p.hidden_forward + ps_panels(gates, l->hidden);
    p.bias = p.hidden_backward + ps_panels(l->hidden, gates);
    p.input_backward = p.bias + ps_panels(gates, 1);
    p.end = p.input_backward + (l->data ? ps_panels(l->in, gates) : 0);
    return p;
}

/** Where things are in scratch: h or its gradient [n][hidden], gradients of c [n][hidden] and of sums
 * [n][gates]. */
static int64_t scratch(const struct ps_nn_lstm *l, int64_t n)
{
    return ps_panels(n * 6 * l->hidden, 1);
}

struct ps_nn_size ps_nn_lstm_size_cpu(const struct ps_nn_lstm *l, int64_t n)
{
    const int64_t wide = l->hidden > l->in ? l->hidden : l->in;
    return (struct ps_nn_size){.weights = 4 * l->hidden * (l->in + l->hidden + 2),
                               .prepared = parts_of(l).end,
                               .kept = n * l->steps * 5 * l->hidden,
                               .work = scratch(l, n) + ps_product_work(wide, n * l->steps)};
}

static void prepare(int64_t n, int64_t k, const float *w, int64_t row, int64_t col, float *to, int part,
                    int parts)
{
    const int64_t panels = ps_panels(n, 1) / PS_PANEL_COLS;
    ps_panels_fill(n, k, w, row, col, panels * part / parts, panels * (part + 1) / parts, to);
}

void ps_nn_lstm_prepare_cpu(const struct ps_nn_lstm *l, const void *weights, void *prepared, int part,
                            int parts)
{
    const int64_t gates = 4 * l->hidden;
    const struct parts at = parts_of(l);
    const float *w = weights, *wh = w + gates * l->in, *b = wh + gates * l->hidden;
    float *to = prepared;
    prepare(gates, l->in, w, 1, l->in, to, part, parts);
    prepare(gates, l->hidden, wh, 1, l->hidden, to + at.hidden_forward, part, parts);
    prepare(l->hidden, gates, wh, l->hidden, 1, to + at.hidden_backward, part, parts);
    if (l->data) prepare(l->in, gates, w, l->in, 1, to + at.input_backward, part, parts);
    for (int64_t r = 0; part == 0 && r < gates; r++) to[at.bias + r] = b[r] + b[gates + r];
}

/** Gates [4 h] become what they are, c and h follow. */
static void cell(int64_t h, float *z, const float *before, float *c, float *y, float *compact)
{
    for (int64_t k = 0; k < h; k += PS_LANES) {
        const int count = h - k < PS_LANES ? (int)(h - k) : PS_LANES;
        const ps_vf in = ps_vf_sigmoid(ps_vf_load_part(z + k, count));
        const ps_vf forget = ps_vf_sigmoid(ps_vf_load_part(z + h + k, count));
        const ps_vf g = ps_vf_tanh(ps_vf_load_part(z + 2 * h + k, count));
        const ps_vf out = ps_vf_sigmoid(ps_vf_load_part(z + 3 * h + k, count));
        ps_vf state = in * g;
        if (before) state = ps_vf_fma(forget, ps_vf_load_part(before + k, count), state);
        const ps_vf hidden = out * ps_vf_tanh(state);
        ps_vf_store_part(z + k, in, count);
        ps_vf_store_part(z + h + k, forget, count);
        ps_vf_store_part(z + 2 * h + k, g, count);
        ps_vf_store_part(z + 3 * h + k, out, count);
        ps_vf_store_part(c + k, state, count);
        ps_vf_store_part(y + k, hidden, count);
        ps_vf_store_part(compact + k, hidden, count);
    }
}

void ps_nn_lstm_forward_cpu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p)
{
    const int64_t n = p->n, h = l->hidden, gates = 4 * h, steps = l->steps;
    const struct parts at = parts_of(l);
    const float *prepared = p->prepared;
    float *z = p->kept, *c = z + n * steps * gates, *y = p->y, *compact = p->work;
    ps_product(&(struct ps_product){.m = n * steps,
                                    .n = gates,
                                    .k = l->in,
                                    .batch = 1,
                                    .a = p->x,
                                    .a_row = l->in,
                                    .a_col = 1,
                                    .b = prepared,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = l->in * PS_PANEL_COLS,
                                    .c = z,
                                    .c_row = gates,
                                    .bias = prepared + at.bias},
               NULL);
    for (int64_t t = 0; t < steps; t++) {
        if (t > 0)
            ps_product(&(struct ps_product){.m = n,
                                            .n = gates,
                                            .k = h,
                                            .batch = 1,
                                            .a = compact,
                                            .a_row = h,
                                            .a_col = 1,
                                            .b = prepared + at.hidden_forward,
                                            .b_row = PS_PANEL_COLS,
                                            .b_panel = h * PS_PANEL_COLS,
                                            .c = z + t * gates,
                                            .c_row = steps * gates,
                                            .add = true},
                       NULL);
        for (int64_t i = 0; i < n; i++) {
            const int64_t row = i * steps + t;
            cell(h, z + row * gates, t > 0 ? c + (row - 1) * h : NULL, c + row * h, y + row * h,
                 compact + i * h);
        }
    }
}

/** From the gradients of h and c of a step to those of its sums, in place of the gates and in `compact`, and
 * of c of the step before. */
static void cell_back(int64_t h, float *z, const float *before, const float *c, const float *dy,
                      const float *dh, float *dc, float *compact)
{
    const ps_vf one = ps_vf_all(1);
    for (int64_t k = 0; k < h; k += PS_LANES) {
        const int count = h - k < PS_LANES ? (int)(h - k) : PS_LANES;
        const ps_vf in = ps_vf_load_part(z + k, count), forget = ps_vf_load_part(z + h + k, count);
        const ps_vf g = ps_vf_load_part(z + 2 * h + k, count), out = ps_vf_load_part(z + 3 * h + k, count);
        const ps_vf tc = ps_vf_tanh(ps_vf_load_part(c + k, count));
        const ps_vf d = ps_vf_load_part(dy + k, count) + ps_vf_load_part(dh + k, count);
        const ps_vf dcell = ps_vf_fma(d * out, one - tc * tc, ps_vf_load_part(dc + k, count));
        const ps_vf last = before ? ps_vf_load_part(before + k, count) : ps_vf_all(0);
        const ps_vf dz[4] = {dcell * g * in * (one - in), dcell * last * forget * (one - forget),
                             dcell * in * (one - g * g), d * tc * out * (one - out)};
        for (int gate = 0; gate < 4; gate++) {
            ps_vf_store_part(z + gate * h + k, dz[gate], count);
            ps_vf_store_part(compact + gate * h + k, dz[gate], count);
        }
        ps_vf_store_part(dc + k, dcell * forget, count);
    }
}

/** Gradients of all sums, last step first. */
static void through_time(const struct ps_nn_lstm *l, const struct ps_nn_pass *p)
{
    const int64_t n = p->n, h = l->hidden, gates = 4 * h, steps = l->steps;
    const float *backward = (const float *)p->prepared + parts_of(l).hidden_backward, *dy = p->dy;
    float *z = p->kept, *c = z + n * steps * gates, *dh = p->work, *dc = dh + n * h, *dz = dc + n * h;
    memset(dh, 0, (size_t)(2 * n * h) * sizeof *dh);
    for (int64_t t = steps; t-- > 0;) {
        for (int64_t i = 0; i < n; i++) {
            const int64_t row = i * steps + t;
            cell_back(h, z + row * gates, t > 0 ? c + (row - 1) * h : NULL, c + row * h, dy + row * h,
                      dh + i * h, dc + i * h, dz + i * gates);
        }
        if (t > 0)
            ps_product(&(struct ps_product){.m = n,
                                            .n = h,
                                            .k = gates,
                                            .batch = 1,
                                            .a = dz,
                                            .a_row = gates,
                                            .a_col = 1,
                                            .b = backward,
                                            .b_row = PS_PANEL_COLS,
                                            .b_panel = gates * PS_PANEL_COLS,
                                            .c = dh,
                                            .c_row = h},
                       NULL);
    }
}

/** Gradients of weights from those of sums. */
static void weights(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, float *work)
{
    const int64_t n = p->n, h = l->hidden, gates = 4 * h, steps = l->steps;
    const float *dz = p->kept;
    float *dw = p->dw, *dwh = dw + gates * l->in, *db = dwh + gates * h, *sum = p->work;
    ps_product(&(struct ps_product){.m = gates,
                                    .n = l->in,
                                    .k = n * steps,
                                    .batch = 1,
                                    .a = dz,
                                    .a_row = 1,
                                    .a_col = gates,
                                    .b = p->x,
                                    .b_row = l->in,
                                    .c = dw,
                                    .c_row = l->in,
                                    .add = p->dw_add},
               work);
    if (steps > 1)
        ps_product(&(struct ps_product){.m = gates,
                                        .n = h,
                                        .k = steps - 1,
                                        .batch = n,
                                        .a = dz + gates,
                                        .a_row = 1,
                                        .a_col = gates,
                                        .a_next = steps * gates,
                                        .b = p->y,
                                        .b_row = h,
                                        .b_next = steps * h,
                                        .c = dwh,
                                        .c_row = h,
                                        .add = p->dw_add},
                   work);
    else if (!p->dw_add)
        memset(dwh, 0, (size_t)(gates * h) * sizeof *dwh);
    ps_nn_bias_gradient(n * steps, gates, dz, gates, false, sum);
    for (int64_t r = 0; r < gates; r++) {
        db[r] = p->dw_add ? db[r] + sum[r] : sum[r];
        db[gates + r] = p->dw_add ? db[gates + r] + sum[r] : sum[r];
    }
}

void ps_nn_lstm_backward_cpu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p)
{
    const int64_t gates = 4 * l->hidden;
    through_time(l, p);
    weights(l, p, (float *)p->work + scratch(l, p->n));
    if (p->dx)
        ps_product(&(struct ps_product){.m = p->n * l->steps,
                                        .n = l->in,
                                        .k = gates,
                                        .batch = 1,
                                        .a = p->kept,
                                        .a_row = gates,
                                        .a_col = 1,
                                        .b = (const float *)p->prepared + parts_of(l).input_backward,
                                        .b_row = PS_PANEL_COLS,
                                        .b_panel = gates * PS_PANEL_COLS,
                                        .c = p->dx,
                                        .c_row = l->in,
                                        .add = p->dx_add},
                   NULL);
}
