#include "kernels/nn/cu.h"

/* The functions of a layer with products of one form. */
#define FORM(layer, form, products)                                                                  \
    static struct ps_nn_size layer##_size_##form(const struct ps_nn_##layer *l, int64_t n)           \
    {                                                                                                \
        return ps_nn_##layer##_size_cu(l, n, products);                                              \
    }                                                                                                \
    static void layer##_prepare_##form(const struct ps_nn_##layer *l, const void *w, void *prepared, \
                                       int part, int parts)                                          \
    {                                                                                                \
        (void)parts; /* one thread calls */                                                          \
        if (part == 0) ps_nn_##layer##_prepare_cu(l, w, prepared, products);                         \
    }                                                                                                \
    static void layer##_forward_##form(const struct ps_nn_##layer *l, const struct ps_nn_pass *p)    \
    {                                                                                                \
        ps_nn_##layer##_forward_cu(l, p, products);                                                  \
    }                                                                                                \
    static void layer##_backward_##form(const struct ps_nn_##layer *l, const struct ps_nn_pass *p)   \
    {                                                                                                \
        ps_nn_##layer##_backward_cu(l, p, products);                                                 \
    }
#define FORMS(form, products)   \
    FORM(dense, form, products) \
    FORM(conv, form, products)  \
    FORM(lstm, form, products)
FORMS(fp32, PS_NN_FP32)
FORMS(tf32, PS_NN_TF32)
FORMS(bf16, PS_NN_BF16)

/* In the order of the struct, as C++ wants them. */
#define TABLE(title, form, half)                                                                             \
    {                                                                                                        \
        .name = title, .real = sizeof(float), .half_images = half, .device = &ps_nn_device_cu,               \
        .dense_size = dense_size_##form, .dense_prepare = dense_prepare_##form,                              \
        .dense_forward = dense_forward_##form, .dense_backward = dense_backward_##form,                      \
        .conv_size = conv_size_##form, .conv_prepare = conv_prepare_##form,                                  \
        .conv_forward = conv_forward_##form, .conv_backward = conv_backward_##form,                          \
        .conv_keeps = ps_nn_conv_keeps_cu, .conv_joins = ps_nn_conv_joins_cu, .lstm_size = lstm_size_##form, \
        .lstm_prepare = lstm_prepare_##form, .lstm_forward = lstm_forward_##form,                            \
        .lstm_backward = lstm_backward_##form, .columns_work = ps_nn_columns_work_cu,                        \
        .pool_forward = ps_nn_pool_forward_cu, .pool_backward = ps_nn_pool_backward_cu,                      \
        .sum_forward = ps_nn_sum_forward_cu, .sum_backward = ps_nn_sum_backward_cu,                          \
        .upsample_forward = ps_nn_upsample_forward_cu, .upsample_backward = ps_nn_upsample_backward_cu,      \
        .batch_norm_forward = ps_nn_batch_norm_forward_cu,                                                   \
        .batch_norm_backward = ps_nn_batch_norm_backward_cu,                                                 \
        .layer_norm_forward = ps_nn_layer_norm_forward_cu,                                                   \
        .layer_norm_backward = ps_nn_layer_norm_backward_cu,                                                 \
        .batch_norm_evaluate = ps_nn_batch_norm_evaluate_cu,                                                 \
        .batch_norm_moments = ps_nn_batch_norm_moments_cu, .batch_norm_sums = ps_nn_batch_norm_sums_cu,      \
        .batch_norm_gradient = ps_nn_batch_norm_gradient_cu, .norm_factors = ps_nn_norm_factors_cu,          \
        .norm_variance = ps_nn_norm_variance_cu, .norm_gradients = ps_nn_norm_gradients_cu,                  \
        .norm_weights = ps_nn_norm_weights_cu, .norm_buffers = ps_nn_norm_buffers_cu,                        \
        .last_step_forward = ps_nn_last_step_forward_cu, .last_step_backward = ps_nn_last_step_backward_cu,  \
        .gate_forward = ps_nn_gate_forward_cu, .gate_backward = ps_nn_gate_backward_cu,                      \
        .copy = ps_nn_copy_cu, .clear = ps_nn_clear_cu, .dropout = ps_nn_dropout_cu, .add = ps_nn_add_cu,    \
    }

const struct ps_nn_kernels ps_nn_cu = TABLE("cuda", fp32, false);
const struct ps_nn_kernels ps_nn_cu_tf32 = TABLE("cuda-tf32", tf32, false);
const struct ps_nn_kernels ps_nn_cu_bf16 = TABLE("cuda-bf16", bf16, true);
