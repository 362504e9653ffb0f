#include "common/nn/op.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    const struct ps_nn_layer_norm *l = &node->as.layer_norm;
    return (struct ps_nn_size){.weights = 2 * l->features,
                               .kept = 2 * n * l->places,
                               .work = ps_op_columns_work(k, n * l->places, l->features)};
}

static void forward(const struct ps_op_call *c)
{
    c->k->layer_norm_forward(&c->node->as.layer_norm, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->layer_norm_backward(&c->node->as.layer_norm, &c->pass);
}

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    (void)init;
    return (struct ps_begin){.value = i < node->as.layer_norm.features};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const int64_t c[] = {node->as.layer_norm.features};
    ps_tensor_set(&out[0], node, "weight", node->weights_at, 1, c);
    ps_tensor_set(&out[1], node, "bias", node->weights_at + c[0], 1, c);
    return 2;
}

const struct ps_op ps_op_layer_norm = {.kind = "layer norm",
                                       .size = size,
                                       .forward = forward,
                                       .backward = backward,
                                       .begin = begin,
                                       .tensors = tensors};

int ps_net_layer_norm(struct ps_net *net, int from, const char *name, double eps)
{
    struct ps_node *node = ps_net_add(net, &ps_op_layer_norm, from, name);
    if (!node) return 0;
    node->out = node->in;
    node->as.layer_norm = (struct ps_nn_layer_norm){node->in.height * node->in.width, node->in.channels, eps};
    return net->nodes - 1;
}
