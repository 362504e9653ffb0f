/** What a net computes, to judge speed by. */
#ifndef PS_COST_H
#define PS_COST_H

#include "common/nn/net.h"

/** Floating-point operations that the products of convolutions, dense and recurrent layers take for one
 * sample, as the definition has them, whatever the kernels do: a multiplication and an addition are two.
 * Training is a forward pass, the gradients of weights, and those of inputs where layers need them. Local. */
double ps_net_flop(const struct ps_net *net, bool training);

#endif
