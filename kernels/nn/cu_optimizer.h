/** What the parts of the CUDA back end's optimizer share: weights are cut into pieces, a block each, none of
 * which goes beyond its tensor. */
#ifndef PS_NN_CU_OPTIMIZER_H
#define PS_NN_CU_OPTIMIZER_H

#include "kernels/nn/cu.h"

enum {
    PS_PIECE = 4096,
    PS_PIECE_BLOCK = 256,
    PS_PIECE_EACH = 4 /* elements that a thread takes at a time */
};

struct ps_piece {
    int64_t lo;
    int32_t count, tensor;
};

struct ps_layer {
    int32_t first, end; /* pieces */
    bool own_rate, decayed;
};

/** Numbers of a step in single precision, on the device. */
struct ps_factors_of_step {
    float rate, scale, decay, momentum, beta1, beta2, rest1, rest2, eps, correct1, correct2;
};

struct ps_nn_optimizer {
    struct ps_nn_optimizer_plan plan;
    int states;
    int32_t pieces, layers;
    void *memory;       /* there, owned: all that follows */
    float *state[2];    /* [weights]; NULL: the rule has none */
    double *squares[2]; /* [pieces] of gradients or directions, of weights */
    float *trust;       /* [layers] */
    struct ps_piece *piece;
    struct ps_layer *layer;
    struct ps_factors_of_step *factors;
};

/** Elements of a piece, as threads take them: i is the first of PS_PIECE_EACH, PS_PIECE_BLOCK apart. */
#define PS_PIECE_ROUNDS(i, p) \
    for (int64_t i = (p).lo + threadIdx.x; i < (p).lo + (p).count; i += PS_PIECE_BLOCK * PS_PIECE_EACH)
#define PS_PIECE_EACH_OF(at, j, i, p)                                           \
    for (int64_t j = 0, at = (i); j < PS_PIECE_EACH; j++, at += PS_PIECE_BLOCK) \
        if (at < (p).lo + (p).count)

/** LAMB: g becomes the direction of the step. */
void ps_optimizer_direct_cu(const struct ps_nn_optimizer *o, float *g, const float *w);

/** Weights are updated, from the step's factors and the layers' trust. */
void ps_optimizer_update_cu(const struct ps_nn_optimizer *o, const float *g, float *w);

#endif
