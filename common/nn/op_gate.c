#include "common/nn/op.h"

/* Weights are limits of the elements that the gate goes by; they stay what they are. */
static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)n;
    return (struct ps_nn_size){.weights = node->as.gate.features};
}

static void forward(const struct ps_op_call *c)
{
    c->k->gate_forward(&c->node->as.gate, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->gate_backward(&c->node->as.gate, &c->pass);
}

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    (void)node, (void)init, (void)i;
    return (struct ps_begin){.value = 1};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    ps_tensor_set(out, node, "limit", node->weights_at, 1, (int64_t[]){node->as.gate.features});
    return 1;
}

const struct ps_op ps_op_gate = {.kind = "gate",
                                 .size = size,
                                 .forward = forward,
                                 .backward = backward,
                                 .fixed = true,
                                 .begin = begin,
                                 .tensors = tensors};

int ps_net_gate(struct ps_net *net, int from, int also, const char *name)
{
    struct ps_node *node = ps_net_add(net, &ps_op_gate, from, name);
    if (!node) return 0;
    node->also = also;
    node->out = node->in;
    node->as.gate =
        (struct ps_nn_gate){ps_shape_size(net->node[also].out), ps_shape_size(node->out), net->kernels->real};
    return net->nodes - 1;
}
