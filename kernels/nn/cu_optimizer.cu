#include "kernels/nn/cu_optimizer.h"
#include <stdlib.h>
#include "kernels/nn/cu_groups.h"

/** Pieces and layers on the host, until they are on the device; owned. */
struct cut {
    struct ps_piece *piece;
    struct ps_layer *layer;
    int32_t pieces, layers;
};

static void cut_free(struct cut *c)
{
    free(c->piece);
    free(c->layer);
}

static enum ps_status cut_make(const struct ps_nn_optimizer_plan *p, struct cut *out)
{
    const int64_t most = (p->weights - p->first) / PS_PIECE + p->tensors + 1;
    const bool layered = ps_nn_update_is_layered(&p->update);
    struct cut c = {};
    c.piece = (struct ps_piece *)malloc((size_t)most * sizeof *c.piece);
    c.layer = (struct ps_layer *)malloc((size_t)(p->tensors + 1) * sizeof *c.layer);
    *out = c;
    if (!c.piece || !c.layer) return PS_ENOMEM;
    for (int i = 0; i < p->tensors; i++) {
        const struct ps_nn_tensor *t = &p->tensor[i];
        const int64_t first = t->lo > p->first ? t->lo : p->first;
        const bool spared = !t->several && (p->spare || layered);
        const struct ps_layer layer = {c.pieces, 0, t->several && layered, !spared};
        if (first >= t->hi) continue;
        c.layer[c.layers] = layer;
        for (int64_t lo = first; lo < t->hi; lo += PS_PIECE) {
            const int64_t count = t->hi - lo < PS_PIECE ? t->hi - lo : (int64_t)PS_PIECE;
            c.piece[c.pieces++] = {lo, (int32_t)count, c.layers};
        }
        c.layer[c.layers++].end = c.pieces;
    }
    *out = c;
    return PS_OK;
}

/** Where the next array is within memory, and how far that reaches. */
static int64_t take(int64_t *end, int64_t bytes)
{
    const int64_t at = *end, line = 256;
    *end += (bytes + line - 1) / line * line;
    return at;
}

static enum ps_status place(struct ps_nn_optimizer *o, const struct cut *c)
{
    const int64_t weights = o->plan.weights * (int64_t)sizeof(float),
                  doubles = c->pieces * (int64_t)sizeof(double);
    int64_t end = 0;
    const int64_t state[] = {take(&end, o->states > 0 ? weights : 0),
                             take(&end, o->states > 1 ? weights : 0)};
    const int64_t cleared = end, squares = take(&end, doubles), others = take(&end, doubles);
    const int64_t trust = take(&end, c->layers * (int64_t)sizeof(float));
    const int64_t piece = take(&end, c->pieces * (int64_t)sizeof(struct ps_piece));
    const int64_t layer = take(&end, c->layers * (int64_t)sizeof(struct ps_layer));
    const int64_t factors = take(&end, sizeof(struct ps_factors_of_step));
    char *const at = (char *)ps_cuda_memory.alloc(end);
    if (!at) return PS_ENOMEM;
    o->memory = at;
    for (int i = 0; i < o->states; i++) o->state[i] = (float *)(at + state[i]);
    o->squares[0] = (double *)(at + squares);
    o->squares[1] = (double *)(at + others);
    o->trust = (float *)(at + trust);
    o->piece = (struct ps_piece *)(at + piece);
    o->layer = (struct ps_layer *)(at + layer);
    o->factors = (struct ps_factors_of_step *)(at + factors);
    o->pieces = c->pieces;
    o->layers = c->layers;
    ps_nn_clear_cu(cleared, at);
    ps_cuda_memory.put(o->piece, c->piece, c->pieces * (int64_t)sizeof(struct ps_piece));
    ps_cuda_memory.put(o->layer, c->layer, c->layers * (int64_t)sizeof(struct ps_layer));
    return ps_cuda_memory.wait();
}

enum ps_status ps_nn_optimizer_open_cu(const struct ps_nn_optimizer_plan *p, struct ps_nn_optimizer **out)
{
    struct ps_nn_optimizer *o = (struct ps_nn_optimizer *)calloc(1, sizeof *o);
    struct cut c = {};
    enum ps_status rc = o ? cut_make(p, &c) : PS_ENOMEM;
    if (rc == PS_OK) {
        o->plan = *p;
        o->states = ps_nn_update_states(&p->update);
        rc = place(o, &c);
    }
    cut_free(&c);
    if (rc != PS_OK) {
        ps_nn_optimizer_close_cu(o);
        o = NULL;
    }
    *out = o;
    return rc;
}

void ps_nn_optimizer_close_cu(struct ps_nn_optimizer *o)
{
    if (!o) return;
    ps_cuda_memory.free(o->memory);
    free(o);
}

int ps_nn_optimizer_state_cu(struct ps_nn_optimizer *o, float **state)
{
    for (int i = 0; i < o->states; i++) state[i] = o->state[i];
    return o->states;
}

/* --- norms: in the order of pieces, whatever the device --- */

/* Sums of squares of a piece; 4 bytes an element, 8 with weights. @param w NULL: only of gradients */
static __global__ void square(const struct ps_piece *piece, const float *g, const float *w, double *g_squares,
                              double *w_squares)
{
    __shared__ double shared[PS_WARPS];
    const struct ps_piece p = piece[blockIdx.x];
    double gradients = 0, weights = 0;
    for (int64_t i = p.lo + threadIdx.x; i < p.lo + p.count; i += PS_PIECE_BLOCK) {
        const double a = g[i], b = w ? w[i] : 0;
        gradients += a * a;
        weights += b * b;
    }
    gradients = ps_group_sum<PS_GROUPS_BLOCK>(gradients, shared);
    weights = ps_group_sum<PS_GROUPS_BLOCK>(weights, shared);
    if (threadIdx.x > 0) return;
    g_squares[blockIdx.x] = gradients;
    if (w) w_squares[blockIdx.x] = weights;
}

__device__ static double sum_of(const double *squares, int32_t first, int32_t end, double *shared)
{
    double sum = 0;
    for (int32_t i = first + (int32_t)threadIdx.x; i < end; i += PS_PIECE_BLOCK) sum += squares[i];
    return ps_group_sum<PS_GROUPS_BLOCK>(sum, shared);
}

/* Factors of the step; one block. */
static __global__ void begin_step(struct ps_nn_update u, double clip, int32_t pieces, const double *squares,
                                  const struct ps_nn_step *step, struct ps_factors_of_step *out)
{
    __shared__ double shared[PS_WARPS];
    const double norm = clip > 0 ? sqrt(sum_of(squares, 0, pieces, shared)) : 0, scale = clip / (norm + 1e-6);
    const double count = (double)(step->step + 1);
    if (threadIdx.x > 0) return;
    *out = {.rate = (float)step->rate,
            .scale = clip > 0 && scale < 1 ? (float)scale : 1,
            .decay = (float)u.decay,
            .momentum = (float)u.momentum,
            .beta1 = (float)u.beta1,
            .beta2 = (float)u.beta2,
            .rest1 = (float)(1 - u.beta1),
            .rest2 = (float)(1 - u.beta2),
            .eps = (float)u.eps,
            .correct1 = (float)(1 / (1 - pow(u.beta1, count))),
            .correct2 = (float)(1 / (1 - pow(u.beta2, count)))};
}

/* What the rate of each layer is multiplied by; a block for each. */
static __global__ void trust_layers(enum ps_nn_rule rule, double trust, const struct ps_layer *layer,
                                    const double *g_squares, const double *w_squares,
                                    const struct ps_factors_of_step *f, float *out)
{
    __shared__ double shared[PS_WARPS];
    const struct ps_layer l = layer[blockIdx.x];
    const double g = sqrt(sum_of(g_squares, l.first, l.end, shared));
    const double w = sqrt(sum_of(w_squares, l.first, l.end, shared));
    double own = 1;
    if (l.own_rate && g > 0 && w > 0)
        own = rule == PS_NN_LAMB ? w / g : trust * w / (f->scale * g + (l.decayed ? f->decay : 0) * w);
    if (threadIdx.x == 0) out[blockIdx.x] = (float)own;
}

static void square_all(const struct ps_nn_optimizer *o, const float *g, const float *w)
{
    PS_LAUNCH(square, (unsigned)o->pieces, PS_PIECE_BLOCK, 0, o->piece, g, w, o->squares[0], o->squares[1]);
}

static void trust_all(const struct ps_nn_optimizer *o)
{
    PS_LAUNCH(trust_layers, (unsigned)o->layers, PS_PIECE_BLOCK, 0, o->plan.update.rule, o->plan.trust,
              o->layer, o->squares[0], o->squares[1], o->factors, o->trust);
}

void ps_nn_optimizer_step_cu(struct ps_nn_optimizer *o, float *g, float *w)
{
    const struct ps_nn_optimizer_plan *p = &o->plan;
    const bool lars = p->update.rule == PS_NN_LARS, lamb = p->update.rule == PS_NN_LAMB;
    if (p->clip > 0 || lars) square_all(o, g, lars ? w : NULL);
    PS_LAUNCH(begin_step, 1, PS_PIECE_BLOCK, 0, p->update, p->clip, o->pieces, o->squares[0], ps_nn_step_cu(),
              o->factors);
    if (lamb) {
        ps_optimizer_direct_cu(o, g, w);
        square_all(o, g, w);
    }
    if (lars || lamb) trust_all(o);
    ps_optimizer_update_cu(o, g, w);
}
