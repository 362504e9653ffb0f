/** Convolutions by products of windows that are gathered block by block into a core's second cache: for
 * channels in whole panels. Functions are those of struct ps_nn_kernels, for one thread in single precision.
 */
#ifndef PS_NN_CONV_BLOCKED_H
#define PS_NN_CONV_BLOCKED_H

#include "kernels/nn/nn_kernels.h"

/** Are inputs and outputs of the layer whole panels? */
bool ps_blocked_fits(const struct ps_nn_conv *l);

struct ps_nn_size ps_blocked_size(const struct ps_nn_conv *l, int64_t n);
void ps_blocked_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
void ps_blocked_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
void ps_blocked_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

#endif
