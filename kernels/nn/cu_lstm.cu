#include "kernels/nn/cu_lstm_parts.h"

/* Where a plan's arrays have another type or order than ours, x and y are kept as cuDNN had them. */

static int64_t lines(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** Are products in bf16? Where cuDNN has none for the layer they are in TF32. */
static bool in_half(const struct ps_nn_lstm *l, enum ps_nn_products products, bool trial)
{
    const struct ps_lstm_plan *p = products == PS_NN_BF16 ? ps_lstm_plan(l, 1, true, true, trial) : NULL;
    return p && p->works;
}

/** @return NULL: the layer cannot be computed, and the failure is kept */
static const struct ps_lstm_plan *plan_of(const struct ps_nn_lstm *l, int64_t n, enum ps_nn_products products,
                                          bool trial)
{
    const bool half = in_half(l, products, trial);
    const struct ps_lstm_plan *p = ps_lstm_plan(l, n, half, products != PS_NN_FP32, trial);
    if (p && !p->works) ps_cuda_fail(PS_EBACKEND, "cuDNN", "it cannot compute an LSTM of this net");
    return ps_cuda_good() ? p : NULL;
}

/** Bytes from the start of what is kept, and of work. */
struct places {
    int64_t x, y, reserve, kept;
    int64_t steps, h, c, h_end, c_end, dx, dy, dw, rest, work;
};

static struct places places_of(const struct ps_lstm_plan *p)
{
    const int64_t real = p->half ? sizeof(ps_half) : sizeof(float), rows = p->n * p->l.steps;
    const int64_t x = lines(rows * p->l.in * real), y = lines(rows * p->l.hidden * real),
                  state = lines(p->n * p->l.hidden * real);
    struct places at = {};
    at.y = x; /* also where ours serve: other plans of the layer may keep them */
    at.reserve = at.y + y;
    at.kept = at.reserve + lines(larger((int64_t)p->reserve, (int64_t)p->first_reserve));
    at.h = lines(p->n * (int64_t)sizeof(int32_t));
    at.c = at.h + state;
    at.h_end = at.c + state;
    at.c_end = at.h_end + state;
    at.dx = at.c_end + state;
    at.dy = at.dx + x;
    at.dw = at.dy + y;
    at.rest = at.dw + lines((int64_t)p->weights);
    at.work = at.rest + lines(larger((int64_t)p->work, (int64_t)p->first_work));
    return at;
}

struct ps_nn_size ps_nn_lstm_size_cu(const struct ps_nn_lstm *l, int64_t n, enum ps_nn_products products)
{
    const struct ps_lstm_plan *p = plan_of(l, n, products, true);
    struct ps_nn_size size = {};
    size.weights = 4 * l->hidden * (l->in + l->hidden + 2);
    if (!p) return size;
    const struct places at = places_of(p);
    const int64_t real = sizeof(float);
    size.prepared = lines((int64_t)p->weights) / real;
    size.kept = at.kept / real;
    size.work = at.work / real;
    return size;
}

void ps_nn_lstm_prepare_cu(const struct ps_nn_lstm *l, const void *w, void *prepared,
                           enum ps_nn_products products)
{
    const struct ps_lstm_plan *p = plan_of(l, 1, products, false);
    if (!p) return;
    ps_nn_clear_cu((int64_t)p->weights, prepared); /* parts need not lie side by side */
    ps_lstm_weights_in_cu(p, (const float *)w, prepared);
}

/** Do our arrays serve as they are? */
static bool is_ours(const struct ps_lstm_plan *p)
{
    return !p->half && !p->steps_first;
}

/** The arrays of a pass, but for those of the state. */
static struct ps_lstm_arrays arrays_of(const struct ps_lstm_plan *p, const struct ps_nn_pass *pass)
{
    const struct places at = places_of(p);
    char *const kept = (char *)pass->kept, *const work = (char *)pass->work;
    const bool ours = is_ours(p);
    struct ps_lstm_arrays a = {};
    a.steps = (int32_t *)(work + at.steps);
    a.x = ours ? (void *)pass->x : kept + at.x;
    a.y = ours ? pass->y : kept + at.y;
    a.dy = ours ? pass->dy : work + at.dy;
    a.dx = ours && pass->dx && !pass->dx_add ? pass->dx : work + at.dx;
    if (pass->begin) a.h = work + at.h, a.c = work + at.c;
    a.weights = (void *)pass->prepared;
    a.dw = work + at.dw;
    a.work = work + at.rest;
    a.reserve = kept + at.reserve;
    ps_lstm_lengths_cu(p->n, p->l.steps, a.steps);
    if (pass->begin) ps_lstm_state_in_cu(p, (const float *)pass->begin, a.h, a.c);
    return a;
}

void ps_nn_lstm_forward_cu(const struct ps_nn_lstm *l, const struct ps_nn_pass *pass,
                           enum ps_nn_products products)
{
    const struct ps_lstm_plan *p = plan_of(l, pass->n, products, false);
    if (!p) return;
    const struct places at = places_of(p);
    struct ps_lstm_arrays a = arrays_of(p, pass);
    if (pass->end) a.h_end = (char *)pass->work + at.h_end, a.c_end = (char *)pass->work + at.c_end;
    if (!is_ours(p)) ps_lstm_sequence_in_cu(p, l->in, (const float *)pass->x, a.x);
    PS_DNN(ps_lstm_plan_forward(p, &a));
    if (!is_ours(p)) ps_lstm_sequence_out_cu(p, l->hidden, a.y, (float *)pass->y, false);
    if (pass->end) ps_lstm_state_out_cu(p, a.h_end, a.c_end, (float *)pass->end);
}

void ps_nn_lstm_backward_cu(const struct ps_nn_lstm *l, const struct ps_nn_pass *pass,
                            enum ps_nn_products products)
{
    const struct ps_lstm_plan *p = plan_of(l, pass->n, products, false);
    if (!p) return;
    const struct ps_lstm_arrays a = arrays_of(p, pass);
    if (!is_ours(p)) ps_lstm_sequence_in_cu(p, l->hidden, (const float *)pass->dy, a.dy);
    ps_nn_clear_cu((int64_t)p->weights, a.dw);
    PS_DNN(ps_lstm_plan_backward(p, &a));
    ps_lstm_weights_out_cu(p, a.dw, (float *)pass->dw, pass->dw_add);
    if (pass->dx && a.dx != pass->dx)
        ps_lstm_sequence_out_cu(p, l->in, a.dx, (float *)pass->dx, pass->dx_add);
}

void ps_nn_lstm_close_cu(void)
{
    ps_lstm_plans_close();
    ps_dnn_close();
}
