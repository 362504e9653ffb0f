#include "common/nn/cost.h"
#include "common/nn/op.h"

/* Multiplications of a sample's products. */
static double products(const struct ps_node *node)
{
    if (node->op == &ps_op_conv) {
        const struct ps_nn_window *at = &node->as.conv.at;
        return (double)(at->rows * at->cols * node->as.conv.out) * at->kernel * at->kernel *
               (double)at->channels;
    }
    if (node->op == &ps_op_dense) return (double)(node->as.dense.in * node->as.dense.out);
    if (node->op == &ps_op_lstm) {
        const struct ps_nn_lstm *l = &node->as.lstm;
        return 4 * (double)(l->steps * l->hidden) * (double)(l->in + l->hidden);
    }
    return 0;
}

/* Passes that layer i takes part in: forward, gradient of weights, gradient of its input. */
static int passes(const struct ps_net *net, int i, bool training)
{
    if (!training || i <= net->frozen) return 1;
    return net->node[i].from > net->frozen ? 3 : 2;
}

double ps_net_flop(const struct ps_net *net, bool training)
{
    double flop = 0;
    for (int i = 1; i < net->nodes; i++) flop += 2 * products(&net->node[i]) * passes(net, i, training);
    return flop;
}
