/** Windows of convolutions and pooling. */
#ifndef PS_OP_WINDOW_H
#define PS_OP_WINDOW_H

#include "common/nn/op.h"

/** Lay a window over a node's input; its output has as many channels. @return false: it does not fit;
 * net->status says so */
bool ps_op_window(struct ps_net *net, struct ps_node *node, int kernel, int stride, int pad,
                  struct ps_nn_window *out);

#endif
