#include "common/nn/op.h"
#include "common/nn/op_window.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    const struct ps_nn_window *at = &node->as.pool.at;
    return (struct ps_nn_size){.work = ps_op_columns_work(k, n * at->height * at->width, at->channels)};
}

static void forward(const struct ps_op_call *c)
{
    c->k->pool_forward(&c->node->as.pool, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->pool_backward(&c->node->as.pool, &c->pass);
}

const struct ps_op ps_op_pool = {.kind = "pooling", .size = size, .forward = forward, .backward = backward};

int ps_net_pool(struct ps_net *net, int from, bool mean, int kernel, int stride, int pad)
{
    struct ps_node *node = ps_net_add(net, &ps_op_pool, from, "");
    if (!node || !ps_op_window(net, node, kernel, stride, pad, &node->as.pool.at)) return 0;
    node->as.pool.mean = mean;
    return net->nodes - 1;
}
