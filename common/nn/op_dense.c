#include <math.h>
#include "common/nn/op.h"

PS_OP_CALLS(dense)

static double begin(const struct ps_node *node, enum ps_init init, int64_t i, double *value)
{
    const struct ps_nn_dense *l = &node->as.dense;
    *value = 0;
    if (init == PS_INIT_TORCH) return 1 / sqrt((double)l->in);
    return i < l->in * l->out ? sqrt(6 / (double)(l->in + l->out)) : 0;
}

/* What was an image has its channels last here, and first in files. */
static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const struct ps_shape in = node->in;
    const struct ps_nn_dense *l = &node->as.dense;
    const bool image = in.height * in.width > 1 && !in.series;
    if (image) {
        ps_tensor_set(&out[0], node, "weight", node->weights_at, 4,
                      (int64_t[]){l->out, in.channels, in.height, in.width});
        out[0].channels_last = out[0].flat = true;
    } else {
        ps_tensor_set(&out[0], node, "weight", node->weights_at, 2, (int64_t[]){l->out, l->in});
    }
    ps_tensor_set(&out[1], node, "bias", node->weights_at + l->out * l->in, 1, (int64_t[]){l->out});
    return 2;
}

const struct ps_op ps_op_dense = {.kind = "dense",
                                  .size = size,
                                  .prepare = prepare,
                                  .forward = forward,
                                  .backward = backward,
                                  .begin = begin,
                                  .tensors = tensors};

int ps_net_dense(struct ps_net *net, int from, const char *name, int64_t out, enum ps_nn_act act)
{
    struct ps_node *node = ps_net_add(net, &ps_op_dense, from, name);
    if (!node) return 0;
    node->out = (struct ps_shape){1, 1, out, false};
    node->as.dense = (struct ps_nn_dense){ps_shape_size(node->in), out, act, from > 0};
    return net->nodes - 1;
}
