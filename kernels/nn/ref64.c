#include <math.h>
#include <string.h>
#include "kernels/nn/dropout.h"

#define REAL double
#define NAME(name) name##64
#include "kernels/nn/ref_layers.h"
#include "kernels/nn/ref_others.h"

const struct ps_nn_kernels ps_nn_ref64 = {
    .name = "ref",
    .real = sizeof(REAL),
    .dense_size = NAME(dense_size),
    .dense_prepare = NAME(dense_prepare),
    .dense_forward = NAME(dense_forward),
    .dense_backward = NAME(dense_backward),
    .conv_size = NAME(conv_size),
    .conv_prepare = NAME(conv_prepare),
    .conv_forward = NAME(conv_forward),
    .conv_backward = NAME(conv_backward),
    .pool_forward = NAME(pool_forward),
    .pool_backward = NAME(pool_backward),
    .lstm_size = NAME(lstm_size),
    .lstm_prepare = NAME(lstm_prepare),
    .lstm_forward = NAME(lstm_forward),
    .lstm_backward = NAME(lstm_backward),
    .batch_norm_forward = NAME(batch_norm_forward),
    .batch_norm_backward = NAME(batch_norm_backward),
    .batch_norm_evaluate = NAME(batch_norm_evaluate),
    .layer_norm_forward = NAME(layer_norm_forward),
    .layer_norm_backward = NAME(layer_norm_backward),
    .dropout = NAME(dropout),
    .add = NAME(add),
    .softmax_loss = NAME(softmax_loss),
    .square_loss = NAME(square_loss),
    .direction = NAME(direction),
    .update = NAME(update),
    .squares = NAME(squares),
};
