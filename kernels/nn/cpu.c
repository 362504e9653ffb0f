#include "kernels/nn/cpu.h"
#include "kernels/nn/half_conv.h"
#include "kernels/nn/host.h"

/* What both tables have. */
#define COMMON                                                                                            \
    .real = sizeof(float), .dense_size = ps_nn_dense_size_cpu, .lstm_size = ps_nn_lstm_size_cpu,          \
    .pool_forward = ps_nn_pool_forward_cpu, .pool_backward = ps_nn_pool_backward_cpu,                     \
    .sum_forward = ps_nn_sum_forward_cpu, .sum_backward = ps_nn_sum_backward_cpu,                         \
    .upsample_forward = ps_nn_upsample_forward_cpu, .upsample_backward = ps_nn_upsample_backward_cpu,     \
    .batch_norm_forward = ps_nn_batch_norm_forward_cpu,                                                   \
    .batch_norm_backward = ps_nn_batch_norm_backward_cpu,                                                 \
    .batch_norm_evaluate = ps_nn_batch_norm_evaluate_cpu,                                                 \
    .batch_norm_moments = ps_nn_batch_norm_moments_cpu, .batch_norm_sums = ps_nn_batch_norm_sums_cpu,     \
    .batch_norm_gradient = ps_nn_batch_norm_gradient_cpu,                                                 \
    .layer_norm_forward = ps_nn_layer_norm_forward_cpu,                                                   \
    .layer_norm_backward = ps_nn_layer_norm_backward_cpu, .dropout = ps_nn_dropout_cpu,                   \
    .add = ps_nn_add_cpu, .softmax_loss = ps_nn_softmax_loss_cpu, .square_loss = ps_nn_square_loss_cpu,   \
    .absolute_loss = ps_nn_absolute_loss_cpu, .shares_loss = ps_nn_shares_loss_cpu,                       \
    .sigmoid_loss = ps_nn_sigmoid_loss_cpu, .direction = ps_nn_direction_cpu, .update = ps_nn_update_cpu, \
    .squares = ps_nn_squares_cpu, PS_NN_HOST

const struct ps_nn_kernels ps_nn_cpu = {
    .name = "cpu",
    .dense_prepare = ps_nn_dense_prepare_cpu,
    .dense_forward = ps_nn_dense_forward_cpu,
    .dense_backward = ps_nn_dense_backward_cpu,
    .conv_size = ps_nn_conv_size_cpu,
    .conv_prepare = ps_nn_conv_prepare_cpu,
    .conv_forward = ps_nn_conv_forward_cpu,
    .conv_backward = ps_nn_conv_backward_cpu,
    .conv_keeps = ps_nn_conv_keeps_cpu,
    .conv_joins = ps_nn_conv_joins_cpu,
    .lstm_prepare = ps_nn_lstm_prepare_cpu,
    .lstm_forward = ps_nn_lstm_forward_cpu,
    .lstm_backward = ps_nn_lstm_backward_cpu,
    COMMON,
};

const struct ps_nn_kernels ps_nn_cpu_bf16 = {
    .name = "cpu-bf16",
    .half_images = true,
    .dense_prepare = ps_nn_dense_prepare_half,
    .dense_forward = ps_nn_dense_forward_half,
    .dense_backward = ps_nn_dense_backward_half,
    .conv_size = ps_half_conv_size,
    .conv_prepare = ps_half_conv_prepare,
    .conv_forward = ps_half_conv_forward,
    .conv_backward = ps_half_conv_backward,
    .conv_keeps = ps_half_conv_keeps,
    .conv_joins = ps_half_conv_joins,
    .lstm_prepare = ps_nn_lstm_prepare_half,
    .lstm_forward = ps_nn_lstm_forward_half,
    .lstm_backward = ps_nn_lstm_backward_half,
    COMMON,
};
