#include <math.h>
#include "common/nn/op.h"
#include "common/nn/op_window.h"

PS_OP_CALLS(conv)

/* All weights but the biases. */
static int64_t kernels(const struct ps_nn_conv *l)
{
    return l->out * l->at.kernel * l->at.kernel * l->at.channels;
}

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    const struct ps_nn_conv *l = &node->as.conv;
    const double window = (double)(l->at.kernel * l->at.kernel), in = window * (double)l->at.channels;
    const double out = window * (double)l->out;
    const bool bias = i >= kernels(l);
    if (init == PS_INIT_GLOROT) return (struct ps_begin){.uniform = bias ? 0 : sqrt(6 / (in + out))};
    if (init == PS_INIT_HE && !bias) return (struct ps_begin){.normal = sqrt(2 / out)};
    return (struct ps_begin){.uniform = 1 / sqrt(in)};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const struct ps_nn_conv *l = &node->as.conv;
    ps_tensor_set(&out[0], node, "weight", node->weights_at, 4,
                  (int64_t[]){l->out, l->at.channels, l->at.kernel, l->at.kernel});
    out[0].column_channels = l->at.channels;
    if (l->plain) return 1;
    ps_tensor_set(&out[1], node, "bias", node->weights_at + kernels(l), 1, (int64_t[]){l->out});
    return 2;
}

const struct ps_op ps_op_conv = {.kind = "convolution",
                                 .size = size,
                                 .prepare = prepare,
                                 .forward = forward,
                                 .backward = backward,
                                 .begin = begin,
                                 .tensors = tensors};

int ps_net_conv(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride, int pad,
                enum ps_nn_act act)
{
    struct ps_node *node = ps_net_add(net, &ps_op_conv, from, name);
    if (!node || !ps_op_window(net, node, kernel, stride, pad, &node->as.conv.at)) return 0;
    node->as.conv.out = node->out.channels = out;
    node->as.conv.act = act;
    node->as.conv.data = from > 0;
    return net->nodes - 1;
}

int ps_net_conv_plain(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride,
                      int pad)
{
    const int node = ps_net_conv(net, from, name, out, kernel, stride, pad, PS_NN_LINEAR);
    if (net->status == PS_OK) net->node[node].as.conv.plain = true;
    return node;
}
