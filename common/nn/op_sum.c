#include "common/nn/op.h"
#include "common/run/err.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    const struct ps_nn_sum *l = &node->as.sum;
    return (struct ps_nn_size){.work = ps_op_columns_work(k, n * l->places, l->channels)};
}

static void forward(const struct ps_op_call *c)
{
    c->k->sum_forward(&c->node->as.sum, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->sum_backward(&c->node->as.sum, &c->pass);
}

const struct ps_op ps_op_sum = {.kind = "sum", .size = size, .forward = forward, .backward = backward};

int ps_net_sum_act(struct ps_net *net, int from, int also, enum ps_nn_act act)
{
    struct ps_node *node = ps_net_add(net, &ps_op_sum, from, "");
    if (!node) return 0;
    const struct ps_shape a = node->in, b = net->node[also].out;
    if (a.height != b.height || a.width != b.width || a.channels != b.channels)
        net->status = ps_fail(PS_EUSAGE, "layers %d and %d of the net are not of one shape and have no sum",
                              from, also);
    node->also = also;
    node->out = node->in;
    node->as.sum = (struct ps_nn_sum){
        .places = node->in.height * node->in.width, .channels = node->in.channels, .act = act};
    return net->nodes - 1;
}

int ps_net_sum(struct ps_net *net, int from, int also)
{
    return ps_net_sum_act(net, from, also, PS_NN_LINEAR);
}
