/** Convolutions of 3 x 3 places, stride 1 and pad 1 by minimal filtering F(4 x 4, 3 x 3): a tile of 4 x 4
 * outputs takes 36 products a pair of channels instead of 144 (Winograd 1980; Lavin, Gray 2016, "Fast
 * algorithms for convolutional neural networks", eq. 8). With x, w and y transformed, what is left is 36
 * matrix products over channels. Functions are those of struct ps_nn_kernels for one thread in single
 * precision, with all that struct ps_nn_pass may ask for; act is linear or ReLU. */
#ifndef PS_NN_WINOGRAD_H
#define PS_NN_WINOGRAD_H

#include "kernels/nn/nn_kernels.h"

/** Is it such a convolution, and faster this way than directly? The functions below serve any size of image
 * and any channels, but not other windows, other acts, or bf16. */
bool ps_winograd_fits(const struct ps_nn_conv *l);

/** Weights as for the direct kernels. Prepared are 4 times as many, and as many again where l->data. */
struct ps_nn_size ps_winograd_size(const struct ps_nn_conv *l, int64_t n);
void ps_winograd_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);

/** y deviates from exact sums by at most some 1e-5 of its largest value. p->moments: of y as it is written.
 */
void ps_winograd_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

/** Gradients of data (p->dx) and weights together: both read the same transform of dy. Where p->read.a and
 * p->dx, dx is not added to. */
void ps_winograd_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

#endif
