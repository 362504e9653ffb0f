/** Convolutions between images in bf16, where a convolution has `half_x` or `half_y`; others are those of
 * `cpu`.
 *
 * x as it is read, weights, and gradients of y as they are read are rounded to bf16 (to the nearest, ties to
 * even); products of those are exact, sums are in single precision. Results in bf16 are rounded once from
 * such sums; moments and sums are those of the rounded results, as these are what others read. */
#ifndef PS_NN_HALF_CONV_H
#define PS_NN_HALF_CONV_H

#include "kernels/nn/nn_kernels.h"

/** As in struct ps_nn_kernels; x and dx are uint16_t where half_x, y and dy where half_y, everything else is
 * float. */
struct ps_nn_size ps_half_conv_size(const struct ps_nn_conv *l, int64_t n);
void ps_half_conv_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
void ps_half_conv_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
void ps_half_conv_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
bool ps_half_conv_keeps(const struct ps_nn_conv *l);
bool ps_half_conv_joins(const struct ps_nn_conv *l);

#endif
