/** Convolutions by products that read windows where they lie in an image: for any window and any channels,
 * made for few channels. Functions are those of struct ps_nn_kernels, for one thread in single precision. */
#ifndef PS_NN_CONV_WINDOW_H
#define PS_NN_CONV_WINDOW_H

#include "kernels/nn/nn_kernels.h"

struct ps_nn_size ps_window_size(const struct ps_nn_conv *l, int64_t n);
void ps_window_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
void ps_window_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
void ps_window_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

#endif
