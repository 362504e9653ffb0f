#include "kernels/nn/cu_optimizer.h"

/** A weight, its gradient and what the rule keeps of it. */
struct weight {
    float w, g, a, b;
};

/** What differs between layers. */
struct own {
    float decay, rate; /* `rate` is the step's times the layer's */
};

/** Adam's quotient, and its means brought up to date. */
__device__ static float adam(const struct ps_factors_of_step &f, float g, struct weight &v)
{
    v.a = f.beta1 * v.a + f.rest1 * g;
    v.b = f.beta2 * v.b + f.rest2 * g * g;
    return v.a * f.correct1 / (sqrtf(v.b * f.correct2) + f.eps);
}

/** Formulas as in kernels/nn/ref_others.h. */
template <enum ps_nn_rule RULE>
__device__ static void update_one(const struct ps_factors_of_step &f, const struct own &own, bool nesterov,
                                  struct weight &v)
{
    const float g = f.scale * v.g + (RULE == PS_NN_ADAMW ? 0 : own.decay * v.w);
    if constexpr (RULE == PS_NN_SGD) {
        v.a = f.momentum * v.a + g;
        v.w -= own.rate * (nesterov ? g + f.momentum * v.a : v.a);
    } else if constexpr (RULE == PS_NN_ADAM || RULE == PS_NN_ADAMW) {
        const float keep = RULE == PS_NN_ADAMW ? 1 - own.rate * own.decay : 1;
        v.w = keep * v.w - own.rate * adam(f, g, v);
    } else if constexpr (RULE == PS_NN_RMSPROP) {
        v.a = f.beta2 * v.a + f.rest2 * g * g;
        v.b = f.momentum * v.b + g / (sqrtf(v.a) + f.eps);
        v.w -= own.rate * v.b;
    } else if constexpr (RULE == PS_NN_LARS) {
        v.a = f.momentum * v.a + own.rate * g;
        v.w -= v.a;
    } else { /* LAMB: the gradient is the direction */
        v.w -= own.rate * v.g;
    }
}

/* Reads w, g and states and writes w and states: 12 bytes a weight, and 8 for each state. Without momentum a
 * state is 0, and not kept.
 * @param a, b NULL: there is none @param trust NULL: layers have no rates of their own */
template <enum ps_nn_rule RULE>
static __global__ void update(const struct ps_piece *piece, const struct ps_layer *layer, const float *trust,
                              const struct ps_factors_of_step *factors, bool nesterov, const float *g,
                              float *w, float *a, float *b)
{
    const struct ps_piece p = piece[blockIdx.x];
    const struct ps_factors_of_step f = *factors;
    const struct own own = {layer[p.tensor].decayed ? f.decay : 0, f.rate * (trust ? trust[p.tensor] : 1)};
    PS_PIECE_ROUNDS(i, p)
    {
        struct weight v[PS_PIECE_EACH];
        PS_PIECE_EACH_OF(at, j, i, p) v[j] = {w[at], g[at], a ? a[at] : 0, b ? b[at] : 0};
        PS_PIECE_EACH_OF(at, j, i, p)
        {
            update_one<RULE>(f, own, nesterov, v[j]);
            w[at] = v[j].w;
            if (a) a[at] = v[j].a;
            if (b) b[at] = v[j].b;
        }
    }
}

void ps_optimizer_update_cu(const struct ps_nn_optimizer *o, const float *g, float *w)
{
    const enum ps_nn_rule rule = o->plan.update.rule;
    const bool states = rule != PS_NN_LAMB, own = rule == PS_NN_LAMB || rule == PS_NN_LARS;
    auto *const kernel = rule == PS_NN_SGD       ? update<PS_NN_SGD>
                         : rule == PS_NN_ADAM    ? update<PS_NN_ADAM>
                         : rule == PS_NN_ADAMW   ? update<PS_NN_ADAMW>
                         : rule == PS_NN_RMSPROP ? update<PS_NN_RMSPROP>
                         : rule == PS_NN_LARS    ? update<PS_NN_LARS>
                                                 : update<PS_NN_LAMB>;
    PS_LAUNCH(kernel, (unsigned)o->pieces, PS_PIECE_BLOCK, 0, o->piece, o->layer, own ? o->trust : NULL,
              o->factors, o->plan.update.nesterov, g, w, states ? o->state[0] : NULL,
              states ? o->state[1] : NULL);
}

/* LAMB's first half: what the step would be at rate 1 takes the place of the gradient; 28 bytes a weight. */
static __global__ void direct(const struct ps_piece *piece, const struct ps_layer *layer,
                              const struct ps_factors_of_step *factors, float *g, const float *w, float *a,
                              float *b)
{
    const struct ps_piece p = piece[blockIdx.x];
    const struct ps_factors_of_step f = *factors;
    const float decay = layer[p.tensor].decayed ? f.decay : 0;
    PS_PIECE_ROUNDS(i, p)
    {
        struct weight v[PS_PIECE_EACH];
        PS_PIECE_EACH_OF(at, j, i, p) v[j] = {w[at], g[at], a[at], b[at]};
        PS_PIECE_EACH_OF(at, j, i, p)
        {
            g[at] = adam(f, f.scale * v[j].g, v[j]) + decay * v[j].w;
            a[at] = v[j].a;
            b[at] = v[j].b;
        }
    }
}

void ps_optimizer_direct_cu(const struct ps_nn_optimizer *o, float *g, const float *w)
{
    PS_LAUNCH(direct, (unsigned)o->pieces, PS_PIECE_BLOCK, 0, o->piece, o->layer, o->factors, g, w,
              o->state[0], o->state[1]);
}
