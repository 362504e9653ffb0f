#include <math.h>
#include "common/nn/op.h"

PS_OP_CALLS(dense)

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    const struct ps_nn_dense *l = &node->as.dense;
    if (init != PS_INIT_GLOROT) return (struct ps_begin){.uniform = 1 / sqrt((double)l->in)};
    return (struct ps_begin){.uniform = i < l->in * l->out ? sqrt(6 / (double)(l->in + l->out)) : 0};
}

/* Images, read or made, have their channels last here, and first in files. */
static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const struct ps_nn_dense *l = &node->as.dense;
    ps_tensor_set(&out[0], node, "weight", node->weights_at, 2, (int64_t[]){l->out, l->in});
    ps_tensor_set(&out[1], node, "bias", node->weights_at + l->out * l->in, 1, (int64_t[]){l->out});
    out[0].column_channels = node->in.series ? 0 : node->in.channels;
    out[0].row_channels = out[1].row_channels = node->out.channels;
    return 2;
}

const struct ps_op ps_op_dense = {.kind = "dense",
                                  .size = size,
                                  .prepare = prepare,
                                  .forward = forward,
                                  .backward = backward,
                                  .begin = begin,
                                  .tensors = tensors};

static void backward_fixed(const struct ps_op_call *c)
{
    backward(c);
    c->k->clear(c->node->weights * (int64_t)c->k->real, c->pass.dw);
}

const struct ps_op ps_op_dense_fixed = {.kind = "dense, fixed",
                                        .size = size,
                                        .prepare = prepare,
                                        .forward = forward,
                                        .backward = backward_fixed,
                                        .fixed = true,
                                        .begin = begin,
                                        .tensors = tensors};

static int add(struct ps_net *net, const struct ps_op *op, int from, const char *name, struct ps_shape out,
               enum ps_nn_act act)
{
    struct ps_node *node = ps_net_add(net, op, from, name);
    if (!node) return 0;
    node->out = out;
    node->as.dense = (struct ps_nn_dense){ps_shape_size(node->in), ps_shape_size(out), act, from > 0};
    return net->nodes - 1;
}

int ps_net_dense_image(struct ps_net *net, int from, const char *name, struct ps_shape out,
                       enum ps_nn_act act)
{
    return add(net, &ps_op_dense, from, name, out, act);
}

int ps_net_dense_fixed(struct ps_net *net, int from, const char *name, struct ps_shape out)
{
    return add(net, &ps_op_dense_fixed, from, name, out, PS_NN_LINEAR);
}

int ps_net_dense(struct ps_net *net, int from, const char *name, int64_t out, enum ps_nn_act act)
{
    return ps_net_dense_image(net, from, name, (struct ps_shape){1, 1, out, false}, act);
}
