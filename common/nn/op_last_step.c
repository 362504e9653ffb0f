#include "common/nn/op.h"
#include "common/run/err.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)node, (void)n;
    return (struct ps_nn_size){0};
}

static void forward(const struct ps_op_call *c)
{
    c->k->last_step_forward(&c->node->as.last_step, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->last_step_backward(&c->node->as.last_step, &c->pass);
}

const struct ps_op ps_op_last_step = {
    .kind = "last step", .size = size, .forward = forward, .backward = backward};

int ps_net_last_step(struct ps_net *net, int from)
{
    struct ps_node *node = ps_net_add(net, &ps_op_last_step, from, "");
    if (!node) return 0;
    if (!node->in.series) net->status = ps_fail(PS_EUSAGE, "only a series has a last step");
    node->out = (struct ps_shape){1, 1, node->in.channels, false};
    node->as.last_step = (struct ps_nn_last_step){node->in.height, node->in.channels, net->kernels->real};
    return net->nodes - 1;
}
