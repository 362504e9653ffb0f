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

/* Bytes of a sample's output of node i, and of the gradient of that. */
static double output(const struct ps_net *net, int i)
{
    const struct ps_node *node = &net->node[i];
    return (double)ps_shape_size(node->out) * (node->half ? 2 : (double)net->kernels->real);
}

/* What who reads node i reads: of a normalisation that is not written out, its input. */
static double read_of(const struct ps_net *net, int i)
{
    return output(net, net->node[i].unwritten ? net->node[i].from : i);
}

/* Gates i, f, g, o and the cell of each step. */
static double kept(const struct ps_net *net, const struct ps_node *node)
{
    if (node->op != &ps_op_lstm) return 0;
    return 5 * (double)(node->as.lstm.steps * node->as.lstm.hidden) * (double)net->kernels->real;
}

static double forward(const struct ps_net *net, int i)
{
    const struct ps_node *node = &net->node[i];
    if (node->unwritten) return 0;
    double bytes = output(net, i) + kept(net, node);
    if (!node->joins) bytes += read_of(net, node->from); /* else it has just written that */
    if (node->also >= 0) bytes += read_of(net, node->also);
    return bytes;
}

/* The gradient of input `from` of node i. */
static double written(const struct ps_net *net, int i, int from, bool first)
{
    const struct ps_node *node = &net->node[i];
    if (from <= net->frozen || net->node[from].dy_of == node->dy_of) return 0;
    return (first ? 1 : 2) * output(net, from);
}

static bool undoes_act(const struct ps_node *node)
{
    return (node->op == &ps_op_dense && node->as.dense.act != PS_NN_LINEAR) ||
           (node->op == &ps_op_conv && node->as.conv.act != PS_NN_LINEAR);
}

static double backward(const struct ps_net *net, int i)
{
    const struct ps_node *node = &net->node[i];
    if (node->unwritten) return read_of(net, i);
    double bytes = written(net, i, node->from, node->from_first) + kept(net, node);
    if (node->also >= 0 && node->op != &ps_op_gate) bytes += written(net, i, node->also, node->also_first);
    if (node->weights > 0 && !node->op->fixed) bytes += read_of(net, node->from);
    if (bytes > 0) bytes += output(net, i) * (undoes_act(node) ? 2 : 1);
    return bytes;
}

struct ps_cost ps_net_cost(const struct ps_net *net, int i, bool is_backward)
{
    const struct ps_node *node = &net->node[i];
    const double flop = 2 * products(node), weights = (double)node->weights * (double)net->kernels->real;
    if (!is_backward) return (struct ps_cost){flop, forward(net, i), weights};
    if (i <= net->frozen) return (struct ps_cost){0};
    const int of_weights = !node->op->fixed, of_input = node->from > net->frozen;
    return (struct ps_cost){flop * (of_weights + of_input), backward(net, i),
                            weights * (of_weights + of_input)};
}

double ps_net_flop(const struct ps_net *net, bool training)
{
    double flop = 0;
    for (int i = 1; i < net->nodes; i++) {
        flop += ps_net_cost(net, i, false).flop;
        if (training) flop += ps_net_cost(net, i, true).flop;
    }
    return flop;
}
