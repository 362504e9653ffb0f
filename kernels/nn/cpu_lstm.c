#include <string.h>
#include "kernels/lanes_exp.h"
#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/product.h"

/* Kept are the gates, [steps][n] rows, and c, [steps][n][hidden]: what belongs to one step lies together, so
 * that it stays in a core's cache. */

/** Prepared weights: panels of inputs and hidden units together, one below the other; sums of the two biases;
 * panels backward, of hidden units and of inputs. */
struct parts {
    int64_t bias, hidden_back, input_back, end; /* where they begin; forward: 0 */
};

static struct parts parts_of(const struct ps_nn_lstm *l)
{
    const int64_t gates = 4 * l->hidden;
    struct parts p = {.bias = ps_panels(gates, l->in + l->hidden)};
    p.hidden_back = p.bias + ps_panels(gates, 1);
    p.input_back = p.hidden_back + ps_panels(l->hidden, gates);
    p.end = p.input_back + (l->data ? ps_panels(l->in, gates) : 0);
    return p;
}

/** Floats from a row of n to the next. Rows that are a multiple of 4096 bytes apart would share few places of
 * a cache. */
static int64_t apart(int64_t n)
{
    enum { LINE = 16 };
    return (n + LINE - 1) / LINE * LINE + LINE;
}

/** Floats of scratch: forward, rows of two steps; backward, gradients of h, c and x of a step and of biases.
 */
static int64_t scratch(const struct ps_nn_lstm *l, int64_t n)
{
    const int64_t forward = 2 * n * apart(l->in + l->hidden),
                  backward = n * (2 * l->hidden + l->in) + 4 * l->hidden;
    return ps_panels(forward > backward ? forward : backward, 1);
}

struct ps_nn_size ps_nn_lstm_size_cpu(const struct ps_nn_lstm *l, int64_t n)
{
    const int64_t gates = 4 * l->hidden, wide = l->hidden > l->in ? l->hidden : l->in;
    const int64_t deep = n * l->steps > gates + l->in ? n * l->steps : gates + l->in;
    return (struct ps_nn_size){.weights = 4 * l->hidden * (l->in + l->hidden + 2),
                               .prepared = parts_of(l).end,
                               .kept = n * l->steps * (apart(4 * l->hidden) + l->hidden),
                               .work = scratch(l, n) + ps_product_work(wide, deep)};
}

/** A thread's part of the panels of n columns: k rows of them, in panels of `depth` rows. */
static void fill(int64_t n, int64_t k, const float *w, int64_t row, int64_t col, float *to, int64_t depth,
                 int part, int parts)
{
    const int64_t panels = ps_panels(n, 1) / PS_PANEL_COLS;
    ps_panels_fill(n, k, w, row, col, panels * part / parts, panels * (part + 1) / parts, to,
                   depth * PS_PANEL_COLS);
}

static void halve(int64_t n, int64_t k, float *panels, int part, int parts)
{
    const int64_t all = ps_panels(n, 1) / PS_PANEL_COLS;
    ps_panels_halve(k, all * part / parts, all * (part + 1) / parts, panels, k * PS_PANEL_COLS);
}

static void prepare(const struct ps_nn_lstm *l, const void *weights, void *prepared, int part, int parts,
                    bool half)
{
    const int64_t h = l->hidden, gates = 4 * h, both = l->in + h;
    const struct parts at = parts_of(l);
    const float *w = weights, *wh = w + gates * l->in, *b = wh + gates * h;
    float *to = prepared;
    fill(gates, l->in, w, 1, l->in, to, both, part, parts);
    fill(gates, h, wh, 1, h, to + l->in * PS_PANEL_COLS, both, part, parts);
    fill(h, gates, wh, h, 1, to + at.hidden_back, gates, part, parts);
    if (l->data) fill(l->in, gates, w, l->in, 1, to + at.input_back, gates, part, parts);
    for (int64_t r = 0; part == 0 && r < gates; r++) to[at.bias + r] = b[r] + b[gates + r];
    if (!half) return;
    halve(gates, both, to, part, parts);
    halve(h, gates, to + at.hidden_back, part, parts);
    if (l->data) halve(l->in, gates, to + at.input_back, part, parts);
}

/** Gates [4 h] become what they are, c and h follow. h is written to y and, where there is another step, to
 * its row of inputs and hidden units. */
static void cell(int64_t h, float *z, const float *before, float *c, float *y, float *next)
{
    const ps_vf half = ps_vf_all(0.5f);
    for (int64_t k = 0; k < h; k += PS_LANES) {
        const int count = h - k < PS_LANES ? (int)(h - k) : PS_LANES;
        ps_vf in = half * ps_vf_load_part(z + k, count), forget = half * ps_vf_load_part(z + h + k, count);
        ps_vf g = ps_vf_load_part(z + 2 * h + k, count), out = half * ps_vf_load_part(z + 3 * h + k, count);
        ps_vf_tanh_both(&in, &g);
        ps_vf_tanh_both(&forget, &out);
        in = ps_vf_fma(half, in, half); /* sigmoid(x) = (1 + tanh(x / 2)) / 2 */
        forget = ps_vf_fma(half, forget, half);
        out = ps_vf_fma(half, out, half);
        ps_vf state = in * g;
        if (before) state = ps_vf_fma(forget, ps_vf_load_part(before + k, count), state);
        const ps_vf hidden = out * ps_vf_tanh_quick(state);
        ps_vf_store_part(z + k, in, count);
        ps_vf_store_part(z + h + k, forget, count);
        ps_vf_store_part(z + 2 * h + k, g, count);
        ps_vf_store_part(z + 3 * h + k, out, count);
        ps_vf_store_part(c + k, state, count);
        ps_vf_store_part(y + k, hidden, count);
        if (next) ps_vf_store_part(next + k, hidden, count);
    }
}

/** Inputs of step t to the rows where its hidden units already are. */
static void join(const struct ps_nn_lstm *l, int64_t n, const float *x, int64_t t, float *row)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(row + i * apart(l->in + l->hidden), x + (i * l->steps + t) * l->in,
               (size_t)l->in * sizeof *row);
}

/** The hidden units of the state before the first step to the rows of that step. */
static void join_state(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, float *row)
{
    const int64_t h = l->hidden;
    for (int64_t i = 0; i < p->n; i++)
        memcpy(row + i * apart(l->in + h) + l->in, (const float *)p->begin + i * 2 * h,
               (size_t)h * sizeof *row);
}

/** Cells of sample i before step t, of which c [steps][n][hidden] has those after it; NULL: they are zero. */
static const float *cells_before(const struct ps_nn_pass *p, int64_t h, const float *c, int64_t t, int64_t i)
{
    if (t > 0) return c + ((t - 1) * p->n + i) * h;
    return p->begin ? (const float *)p->begin + i * 2 * h + h : NULL;
}

/** The state after the last step. */
static void leave_state(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, const float *c)
{
    const int64_t h = l->hidden, last = l->steps - 1;
    const float *y = p->y;
    for (int64_t i = 0; i < p->n; i++) {
        float *to = (float *)p->end + i * 2 * h;
        memcpy(to, y + (i * l->steps + last) * h, (size_t)h * sizeof *to);
        memcpy(to + h, c + (last * p->n + i) * h, (size_t)h * sizeof *to);
    }
}

static void forward(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, bool half)
{
    const int64_t n = p->n, h = l->hidden, gates = 4 * h, steps = l->steps;
    const int64_t row = apart(l->in + h), sums = apart(gates);
    const float *prepared = p->prepared;
    float *z = p->kept, *const c = z + n * steps * sums, *y = p->y, *now = p->work,
          *next = now + n * row, *const work = now + scratch(l, n);
    if (p->begin) join_state(l, p, now);
    for (int64_t t = 0; t < steps; t++, z += n * sums) {
        join(l, n, p->x, t, now);
        ps_product(&(struct ps_product){.m = n,
                                        .n = gates,
                                        .k = t > 0 || p->begin ? l->in + h : l->in,
                                        .batch = 1,
                                        .a = now,
                                        .a_row = row,
                                        .a_col = 1,
                                        .b = prepared,
                                        .b_row = PS_PANEL_COLS,
                                        .b_panel = (l->in + h) * PS_PANEL_COLS,
                                        .c = z,
                                        .c_row = sums,
                                        .bias = prepared + parts_of(l).bias,
                                        .half = half},
                   work);
        for (int64_t i = 0; i < n; i++)
            cell(h, z + i * sums, cells_before(p, h, c, t, i), c + (t * n + i) * h, y + (i * steps + t) * h,
                 t + 1 < steps ? next + i * row + l->in : NULL);
        float *const was = now;
        now = next;
        next = was;
    }
    if (p->end) leave_state(l, p, c);
}

/** From the gradients of h and c of a step to those of its sums, in place of the gates, and of c of the step
 * before. */
static void cell_back(int64_t h, float *z, const float *before, const float *c, const float *dy,
                      const float *dh, float *dc)
{
    const ps_vf one = ps_vf_all(1);
    for (int64_t k = 0; k < h; k += PS_LANES) {
        const int count = h - k < PS_LANES ? (int)(h - k) : PS_LANES;
        const ps_vf in = ps_vf_load_part(z + k, count), forget = ps_vf_load_part(z + h + k, count);
        const ps_vf g = ps_vf_load_part(z + 2 * h + k, count), out = ps_vf_load_part(z + 3 * h + k, count);
        const ps_vf tc = ps_vf_tanh_quick(ps_vf_load_part(c + k, count));
        const ps_vf d = ps_vf_load_part(dy + k, count) + ps_vf_load_part(dh + k, count);
        const ps_vf dcell = ps_vf_fma(d * out, one - tc * tc, ps_vf_load_part(dc + k, count));
        const ps_vf last = before ? ps_vf_load_part(before + k, count) : ps_vf_all(0);
        ps_vf_store_part(z + k, dcell * g * in * (one - in), count);
        ps_vf_store_part(z + h + k, dcell * last * forget * (one - forget), count);
        ps_vf_store_part(z + 2 * h + k, dcell * in * (one - g * g), count);
        ps_vf_store_part(z + 3 * h + k, d * tc * out * (one - out), count);
        ps_vf_store_part(dc + k, dcell * forget, count);
    }
}

/** Gradients of a step's inputs, [n][k] of the layer's, from those of its sums. */
static void to_inputs(int64_t n, int64_t k, int64_t gates, const float *dz, const float *panels, float *to,
                      bool half, float *work)
{
    ps_product(&(struct ps_product){.m = n,
                                    .n = k,
                                    .k = gates,
                                    .batch = 1,
                                    .a = dz,
                                    .a_row = apart(gates),
                                    .a_col = 1,
                                    .b = panels,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = gates * PS_PANEL_COLS,
                                    .c = to,
                                    .c_row = k,
                                    .half = half},
               work);
}

/** A step's gradients of x to where they belong. */
static void to_step(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, int64_t t, const float *from)
{
    for (int64_t i = 0; i < p->n; i++, from += l->in) {
        float *to = (float *)p->dx + (i * l->steps + t) * l->in;
        for (int64_t k = 0; k < l->in; k++) to[k] = p->dx_add ? to[k] + from[k] : from[k];
    }
}

/** Gradients of all sums, of biases [gates] and of x, last step first. */
static void through_time(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, float *db, bool half,
                         float *work)
{
    const int64_t n = p->n, h = l->hidden, gates = 4 * h, steps = l->steps, row = apart(gates);
    const struct parts at = parts_of(l);
    const float *prepared = p->prepared, *dy = p->dy;
    float *z = p->kept, *c = z + n * steps * row, *dh = db + gates, *dc = dh + n * h, *dx = dc + n * h;
    memset(dh, 0, (size_t)(2 * n * h) * sizeof *dh);
    for (int64_t t = steps; t-- > 0;) {
        float *const dz = z + t * n * row;
        for (int64_t i = 0; i < n; i++)
            cell_back(h, dz + i * row, cells_before(p, h, c, t, i), c + (t * n + i) * h,
                      dy + (i * steps + t) * h, dh + i * h, dc + i * h);
        ps_nn_bias_gradient(n, gates, dz, row, t + 1 < steps, db);
        if (t > 0) to_inputs(n, h, gates, dz, prepared + at.hidden_back, dh, half, work);
        if (!p->dx) continue;
        to_inputs(n, l->in, gates, dz, prepared + at.input_back, dx, half, work);
        to_step(l, p, t, dx);
    }
}

/** Gradients of weights: of sums of `steps` steps from dz on, and of what they were multiplied with, k
 * elements from x on. */
static void weights(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, int64_t steps, const float *dz,
                    const float *x, int64_t k, float *dw, bool half, float *work)
{
    const int64_t gates = 4 * l->hidden, row = apart(gates);
    ps_product(&(struct ps_product){.m = gates,
                                    .n = k,
                                    .k = p->n,
                                    .batch = steps,
                                    .a = dz,
                                    .a_row = 1,
                                    .a_col = row,
                                    .a_next = p->n * row,
                                    .b = x,
                                    .b_row = l->steps * k,
                                    .b_next = k,
                                    .c = dw,
                                    .c_row = k,
                                    .add = p->dw_add,
                                    .half = half},
               work);
}

/** The part of the state before the first step in the gradient of the hidden units' weights: added. */
static void weights_of_state(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, const float *dz,
                             float *dw, bool half, float *work)
{
    const int64_t h = l->hidden, gates = 4 * h;
    ps_product(&(struct ps_product){.m = gates,
                                    .n = h,
                                    .k = p->n,
                                    .batch = 1,
                                    .a = dz,
                                    .a_row = 1,
                                    .a_col = apart(gates),
                                    .b = p->begin,
                                    .b_row = 2 * h,
                                    .c = dw,
                                    .c_row = h,
                                    .add = true,
                                    .half = half},
               work);
}

static void backward(const struct ps_nn_lstm *l, const struct ps_nn_pass *p, bool half)
{
    const int64_t h = l->hidden, gates = 4 * h;
    float *dw = p->dw, *dwh = dw + gates * l->in, *db = dwh + gates * h;
    float *sums = p->work, *work = sums + scratch(l, p->n);
    const float *dz = p->kept;
    through_time(l, p, sums, half, work);
    for (int64_t r = 0; r < 2 * gates; r++) db[r] = sums[r % gates] + (p->dw_add ? db[r] : 0);
    weights(l, p, l->steps, dz, p->x, l->in, dw, half, work);
    weights(l, p, l->steps - 1, dz + p->n * apart(gates), p->y, h, dwh, half, work);
    if (p->begin) weights_of_state(l, p, dz, dwh, half, work);
}

PS_NN_BOTH(lstm)
