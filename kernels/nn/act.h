/** What becomes of sums: activations of single elements, and biases. */
#ifndef PS_NN_ACT_H
#define PS_NN_ACT_H

#include "kernels/nn/nn_kernels.h"

/** y = act(y). */
void ps_nn_act_apply(enum ps_nn_act act, int64_t n, float *y);

/** dy = dy act'(z), as y = act(z) tells it. */
void ps_nn_act_gradient(enum ps_nn_act act, int64_t n, const float *y, float *dy);

/** db[j] = sum over rows of dy[.][j], or db[j] += it; rows are `stride` apart. */
void ps_nn_bias_gradient(int64_t rows, int64_t cols, const float *dy, int64_t stride, bool add, float *db);

#endif
