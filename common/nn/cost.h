/** What a net computes and moves, to judge speed by: counted from its layers, not measured. */
#ifndef PS_COST_H
#define PS_COST_H

#include "common/nn/net.h"

/** What a layer's pass takes at least, each array moved once between memory and cores. */
struct ps_cost {
    double flop;       /**< of a sample: those of products; a multiplication and an addition are two */
    double bytes;      /**< of a sample: what the layer reads and writes */
    double step_bytes; /**< of a step, whatever its samples: weights, and backward their gradients */
};

/** Cost of node i in training. Forward it reads its inputs and writes its output, and what an LSTM keeps;
 * backward it reads the gradient of its output, its input if it has weights, its output if an act is undone,
 * and writes gradients of inputs (or adds, which reads them too); nothing of that if it is frozen. What other
 * layers make on their way costs nothing: normalisations that are not written out but for one more reading of
 * their input, sums that a convolution makes, gradients that are handed on as they are. Local. */
struct ps_cost ps_net_cost(const struct ps_net *net, int i, bool backward);

/** Floating-point operations that the products of convolutions, dense and recurrent layers take for one
 * sample, as the definition has them, whatever the kernels do. Training is a forward pass, the gradients of
 * weights, and those of inputs where layers need them. Local. */
double ps_net_flop(const struct ps_net *net, bool training);

#endif
