/** Convolutions of 3 x 3 places, stride 1 and pad 1, between images in bf16 by minimal filtering
 * F(2 x 2, 3 x 3): a tile of 2 x 2 outputs takes 16 products a pair of channels instead of 36 (Winograd 1980;
 * Lavin, Gray 2016, "Fast algorithms for convolutional neural networks", eq. 7).
 *
 * x as it is read, w and dy as it is read are transformed in single precision and then rounded to bf16,
 * which takes the place of rounding them before; sums are in single precision, results are rounded once. Of
 * operands without correlation that makes 5/3 times the error of rounding them untransformed, as roots of the
 * mean square: in each direction a result, of filtering or of gradients of weights, has on the mean 5 times
 * the square of a product's error where exact products have 3 times. Of larger tiles, F(4 x 4, 3 x 3), it
 * would be 5 times that error. */
#ifndef PS_NN_HALF_WINOGRAD_H
#define PS_NN_HALF_WINOGRAD_H

#include "kernels/nn/nn_kernels.h"

/** Is it such a convolution, without bias and act, and faster this way than directly? The functions below
 * serve any size of image and any channels. */
bool ps_half_winograd_fits(const struct ps_nn_conv *l);

/** As those of half_conv, but that p->moments and p->sums begin with zeros, and p->moments becomes sums of
 * differences from the first place's numbers and of their squares. */
struct ps_nn_size ps_half_winograd_size(const struct ps_nn_conv *l, int64_t n);
void ps_half_winograd_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
void ps_half_winograd_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

/** Gradients of data (p->dx) and weights together: both read the same transform of dy. */
void ps_half_winograd_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

#endif
