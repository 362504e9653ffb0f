/** Kernels that all tables of the host have, as in struct ps_nn_kernels. */
#ifndef PS_NN_HOST_H
#define PS_NN_HOST_H

#include "kernels/nn/nn_kernels.h"

void ps_nn_norm_factors(const struct ps_nn_norm *m, const void *mean, const void *variance);
void ps_nn_norm_variance(const struct ps_nn_norm *m, void *variance);
void ps_nn_norm_gradients(const struct ps_nn_norm *m);
void ps_nn_norm_weights(const struct ps_nn_norm *m, void *dw, bool add);
void ps_nn_norm_buffers(const struct ps_nn_norm *m, void *dbuffers, bool add);
void ps_nn_last_step_forward(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
void ps_nn_last_step_backward(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
void ps_nn_gate_forward(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
void ps_nn_gate_backward(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
void ps_nn_copy(int64_t bytes, const void *from, void *to);
void ps_nn_clear(int64_t bytes, void *to);

/** All of them, in a table. */
#define PS_NN_HOST                                                                      \
    .norm_factors = ps_nn_norm_factors, .norm_variance = ps_nn_norm_variance,           \
    .norm_gradients = ps_nn_norm_gradients, .norm_weights = ps_nn_norm_weights,         \
    .norm_buffers = ps_nn_norm_buffers, .last_step_forward = ps_nn_last_step_forward,   \
    .last_step_backward = ps_nn_last_step_backward, .gate_forward = ps_nn_gate_forward, \
    .gate_backward = ps_nn_gate_backward, .copy = ps_nn_copy, .clear = ps_nn_clear

#endif
