#include <math.h>
#include <stdio.h>
#include "common/nn/op.h"
#include "common/run/err.h"

PS_OP_CALLS(lstm)

/* With Glorot's, gates that forget begin open: Jozefowicz, Zaremba, Sutskever 2015. */
static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    const struct ps_nn_lstm *l = &node->as.lstm;
    const int64_t gates = 4 * l->hidden, inputs = gates * l->in, weights = inputs + gates * l->hidden;
    if (init != PS_INIT_GLOROT) return (struct ps_begin){.uniform = 1 / sqrt((double)l->hidden)};
    if (i < inputs) return (struct ps_begin){.uniform = sqrt(6 / (double)(l->in + gates))};
    if (i < weights) return (struct ps_begin){.uniform = sqrt(6 / (double)(l->hidden + gates))};
    return (struct ps_begin){.value = i - weights >= l->hidden && i - weights < 2 * l->hidden};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const struct ps_nn_lstm *l = &node->as.lstm;
    const int64_t gates = 4 * l->hidden, at = node->weights_at;
    const int64_t starts[] = {at, at + gates * l->in, at + gates * (l->in + l->hidden),
                              at + gates * (l->in + l->hidden + 1)};
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (int i = 0; i < 4; i++) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, "%s_l%d", parts[i], node->layer);
        ps_tensor_set(&out[i], node, suffix, starts[i], i < 2 ? 2 : 1,
                      (int64_t[]){gates, i == 0 ? l->in : l->hidden});
    }
    return 4;
}

const struct ps_op ps_op_lstm = {.kind = "LSTM",
                                 .size = size,
                                 .prepare = prepare,
                                 .forward = forward,
                                 .backward = backward,
                                 .begin = begin,
                                 .tensors = tensors};

static bool is_series(struct ps_net *net, const struct ps_node *node)
{
    if (!node->in.series)
        net->status = ps_fail(PS_EUSAGE, "a layer of kind %s wants a series", node->op->kind);
    return node->in.series;
}

int ps_net_lstm(struct ps_net *net, int from, const char *name, int layer, int64_t hidden)
{
    struct ps_node *node = ps_net_add(net, &ps_op_lstm, from, name);
    if (!node || !is_series(net, node)) return 0;
    node->layer = layer;
    node->states = 2 * hidden;
    node->out = (struct ps_shape){node->in.height, 1, hidden, true};
    node->as.lstm = (struct ps_nn_lstm){node->in.height, node->in.channels, hidden, from > 0};
    return net->nodes - 1;
}
