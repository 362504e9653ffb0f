/** Kernels of the `cpu` back end, as in struct ps_nn_kernels. */
#ifndef PS_NN_CPU_H
#define PS_NN_CPU_H

#include "kernels/nn/nn_kernels.h"

/** Kernels of a layer with products in single precision (_cpu) and in bf16 (_half), from functions of the
 * layer's file that have one more parameter, `half`. */
#define PS_NN_BOTH(layer)         \
    PS_NN_WITH(layer, cpu, false) \
    PS_NN_WITH(layer, half, true)
#define PS_NN_WITH(layer, name, half)                                                                 \
    void ps_nn_##layer##_prepare_##name(const struct ps_nn_##layer *l, const void *w, void *prepared, \
                                        int part, int parts)                                          \
    {                                                                                                 \
        prepare(l, w, prepared, part, parts, half);                                                   \
    }                                                                                                 \
    void ps_nn_##layer##_forward_##name(const struct ps_nn_##layer *l, const struct ps_nn_pass *p)    \
    {                                                                                                 \
        forward(l, p, half);                                                                          \
    }                                                                                                 \
    void ps_nn_##layer##_backward_##name(const struct ps_nn_##layer *l, const struct ps_nn_pass *p)   \
    {                                                                                                 \
        backward(l, p, half);                                                                         \
    }

struct ps_nn_size ps_nn_dense_size_cpu(const struct ps_nn_dense *l, int64_t n);
void ps_nn_dense_prepare_cpu(const struct ps_nn_dense *l, const void *w, void *prepared, int part, int parts);
void ps_nn_dense_forward_cpu(const struct ps_nn_dense *l, const struct ps_nn_pass *p);
void ps_nn_dense_backward_cpu(const struct ps_nn_dense *l, const struct ps_nn_pass *p);
void ps_nn_dense_prepare_half(const struct ps_nn_dense *l, const void *w, void *prepared, int part,
                              int parts);
void ps_nn_dense_forward_half(const struct ps_nn_dense *l, const struct ps_nn_pass *p);
void ps_nn_dense_backward_half(const struct ps_nn_dense *l, const struct ps_nn_pass *p);

struct ps_nn_size ps_nn_conv_size_cpu(const struct ps_nn_conv *l, int64_t n);
void ps_nn_conv_prepare_cpu(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
void ps_nn_conv_forward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
void ps_nn_conv_backward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
bool ps_nn_conv_keeps_cpu(const struct ps_nn_conv *l);
bool ps_nn_conv_joins_cpu(const struct ps_nn_conv *l);

struct ps_nn_size ps_nn_lstm_size_cpu(const struct ps_nn_lstm *l, int64_t n);
void ps_nn_lstm_prepare_cpu(const struct ps_nn_lstm *l, const void *w, void *prepared, int part, int parts);
void ps_nn_lstm_forward_cpu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);
void ps_nn_lstm_backward_cpu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);
void ps_nn_lstm_prepare_half(const struct ps_nn_lstm *l, const void *w, void *prepared, int part, int parts);
void ps_nn_lstm_forward_half(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);
void ps_nn_lstm_backward_half(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);

void ps_nn_pool_forward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p);
void ps_nn_pool_backward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p);

void ps_nn_sum_forward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p);
void ps_nn_sum_backward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p);

/** The same of rows [lo, hi) of its places alone; backwards, sums begin with row 0. */
void ps_nn_sum_forward_rows(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi);
void ps_nn_sum_backward_rows(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi);

void ps_nn_upsample_forward_cpu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);
void ps_nn_upsample_backward_cpu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);

void ps_nn_batch_norm_forward_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_backward_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_moments_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_sums_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_gradient_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_evaluate_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                   const void *mean, const void *variance);
void ps_nn_layer_norm_forward_cpu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);
void ps_nn_layer_norm_backward_cpu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);

void ps_nn_dropout_cpu(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step,
                       void *x);
void ps_nn_add_cpu(int64_t n, const void *from, void *to);
double ps_nn_softmax_loss_cpu(const struct ps_nn_softmax *l, int64_t n, const void *logits,
                              const int32_t *label, double scale, void *gradient);
double ps_nn_square_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient);
double ps_nn_absolute_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient);
double ps_nn_shares_loss_cpu(const struct ps_nn_softmax *l, int64_t n, const void *logits, const void *target,
                             double scale, void *gradient);
double ps_nn_sigmoid_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient);

void ps_nn_direction_cpu(const struct ps_nn_update *u, int64_t n, const void *weights, void *gradient,
                         void *state1, void *state2);
void ps_nn_update_cpu(const struct ps_nn_update *u, int64_t n, void *weights, const void *gradient,
                      void *state1, void *state2);
double ps_nn_squares_cpu(int64_t n, const void *x);

#endif
