#include "common/nn/op.h"

/* Streams of random numbers: one for each node. */
static const uint32_t DROPOUT = 0x0d00;

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)node, (void)n;
    return (struct ps_nn_size){0};
}

static void forward(const struct ps_op_call *c)
{
    const struct ps_nn_dropout *l = &c->node->as.dropout;
    c->k->copy(c->pass.n * l->features * (int64_t)c->k->real, c->pass.x, c->pass.y);
    if (c->training) c->k->dropout(l, c->pass.n, c->batch->sample, c->batch->step, c->pass.y);
}

static void backward(const struct ps_op_call *c)
{
    const struct ps_nn_dropout *l = &c->node->as.dropout;
    const int64_t n = c->pass.n * l->features;
    if (!c->pass.dx) return;
    c->k->dropout(l, c->pass.n, c->batch->sample, c->batch->step, c->pass.dy);
    if (c->pass.dx_add)
        c->k->add(n, c->pass.dy, c->pass.dx);
    else
        c->k->copy(n * (int64_t)c->k->real, c->pass.dy, c->pass.dx);
}

const struct ps_op ps_op_dropout = {
    .kind = "dropout", .size = size, .forward = forward, .backward = backward};

int ps_net_dropout(struct ps_net *net, int from, double rate)
{
    struct ps_node *node = ps_net_add(net, &ps_op_dropout, from, "");
    if (!node) return 0;
    node->out = node->in;
    node->as.dropout =
        (struct ps_nn_dropout){ps_shape_size(node->in), rate, net->seed, DROPOUT + (uint32_t)net->nodes};
    return net->nodes - 1;
}
