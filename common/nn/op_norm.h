/** What a batch norm that is never written out keeps, [channels] each, for those who read through it and for
 * the convolution before it. `kept` is the node's. */
#ifndef PS_OP_NORM_H
#define PS_OP_NORM_H

#include "common/nn/op.h"

/** As its reader sees the convolution's output. */
struct ps_nn_read ps_op_norm_read(const struct ps_nn_kernels *k, const struct ps_node *node,
                                  const void *kept);

/** As the convolution sees the gradient of the batch norm's output. */
struct ps_nn_gradient_read ps_op_norm_gradient(const struct ps_nn_kernels *k, const struct ps_node *node,
                                               const void *kept);

/** Forwards: moments of the convolution's output. Backwards: sums over gradients. [2][channels] */
double *ps_op_norm_sums(const struct ps_nn_kernels *k, const struct ps_node *node, void *kept);

#endif
