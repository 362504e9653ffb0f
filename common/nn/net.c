#include "common/nn/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/net_arrays.h"
#include "common/nn/net_device.h"
#include "common/nn/op.h"
#include "common/run/err.h"
#include "kernels/nn/real.h"
#include "kernels/rng.h"

enum { LINE = 64 /* elements: forms of weights begin where memory does, or nearly so */ };

/* Random numbers of node i are of stream WEIGHTS + i. */
static const uint32_t WEIGHTS = 0x4e4e0000;

void ps_net_begin(struct ps_net *net, const struct ps_nn_kernels *kernels, struct ps_shape input,
                  enum ps_init init, uint64_t seed)
{
    *net = (struct ps_net){.kernels = kernels, .init = init, .seed = seed};
    struct ps_node *node = ps_net_add(net, &ps_op_input, -1, "input");
    if (node) node->in = node->out = input;
}

struct ps_node *ps_net_add(struct ps_net *net, const struct ps_op *op, int from, const char *name)
{
    enum { FIRST = 16 };
    if (net->status != PS_OK) return NULL;
    if (net->nodes == net->room) {
        const int room = net->room > 0 ? 2 * net->room : FIRST;
        struct ps_node *more = realloc(net->node, (size_t)room * sizeof *more);
        if (!more) {
            net->status = ps_fail(PS_ENOMEM, "no memory for a net of %d layers", room);
            return NULL;
        }
        net->node = more;
        net->room = room;
    }
    struct ps_node *node = &net->node[net->nodes];
    *node = (struct ps_node){.op = op, .from = from, .also = -1};
    if (from >= 0) node->in = net->node[from].out;
    if (snprintf(node->name, sizeof node->name, "%s", name) >= (int)sizeof node->name) {
        net->status = ps_fail(PS_EUSAGE, "the name of layer '%s' is too long", name);
        return NULL;
    }
    net->nodes++;
    return node;
}

void ps_net_keep(struct ps_net *net, int node)
{
    if (net->status == PS_OK) net->node[node].stays = true;
}

void ps_net_freeze(struct ps_net *net, int last)
{
    net->frozen = last;
}

/* Nobody wants the gradients of nodes that are frozen. */
static void find_wanted(struct ps_net *net)
{
    for (int i = 1; i < net->nodes; i++) {
        struct ps_node *node = &net->node[i];
        const bool wanted = node->from > net->frozen;
        if (node->op == &ps_op_conv) node->as.conv.data = wanted;
        if (node->op == &ps_op_dense) node->as.dense.data = wanted;
        if (node->op == &ps_op_lstm) node->as.lstm.data = wanted;
    }
}

enum ps_status ps_net_end(struct ps_net *net)
{
    if (net->status == PS_OK) net->status = ps_net_arrays_find(net);
    if (net->status != PS_OK) return net->status;
    net->weights = net->buffers = net->prepared = net->states = 0;
    find_wanted(net);
    for (int i = 0; i < net->nodes; i++) {
        struct ps_node *node = &net->node[i];
        const struct ps_nn_size size = node->op->size(net->kernels, node, 1);
        node->weights = size.weights;
        node->weights_at = net->weights;
        node->prepared_at = net->prepared;
        node->states_at = net->states;
        net->weights += size.weights;
        net->states += node->states;
        net->prepared += (size.prepared + LINE - 1) / LINE * LINE;
    }
    for (int i = 0; i < net->nodes; i++) {
        net->node[i].buffers_at = net->weights + net->buffers;
        net->buffers += net->node[i].buffers;
    }
    net->frozen_weights = net->node[net->frozen].weights_at + net->node[net->frozen].weights;
    return PS_OK;
}

void ps_net_free(struct ps_net *net)
{
    free(net->node);
    *net = (struct ps_net){.nodes = 0};
}

void ps_net_init(const struct ps_net *net, void *w)
{
    for (int n = 0; n < net->nodes; n++) {
        const struct ps_node *node = &net->node[n];
        const struct ps_rng rng = {net->seed, WEIGHTS + (uint32_t)n};
        for (int64_t i = 0; i < node->weights; i++) {
            const struct ps_begin b = node->op->begin(node, net->init, i);
            double value = b.value;
            if (b.uniform > 0) value += b.uniform * (2 * ps_rng_uniform(rng, i, 0) - 1);
            if (b.normal > 0) value += b.normal * ps_rng_normal(rng, i, 1);
            ps_nn_real_set(net->kernels->real, w, node->weights_at + i, value);
        }
        for (int64_t i = 0; i < node->buffers; i++) /* means, then variances */
            ps_nn_real_set(net->kernels->real, w, node->buffers_at + i, i < node->buffers / 2 ? 0 : 1);
    }
}

void ps_tensor_set(struct ps_tensor *t, const struct ps_node *node, const char *suffix, int64_t at, int dims,
                   const int64_t *dim)
{
    *t = (struct ps_tensor){.at = at, .dims = dims};
    snprintf(t->name, sizeof t->name, "%s.%s", node->name, suffix);
    memcpy(t->dim, dim, (size_t)dims * sizeof *dim);
}

int ps_net_tensors(const struct ps_net *net, struct ps_tensor *out)
{
    int n = 0;
    for (int i = 0; i < net->nodes; i++)
        if (net->node[i].op->tensors) n += net->node[i].op->tensors(&net->node[i], out + n);
    return n;
}

void ps_net_prepare(const struct ps_net *net, const void *w, void *prepared, int part, int parts)
{
    const size_t real = net->kernels->real;
    if (net->kernels->device) {
        net->kernels->device->memory->put(prepared, w, (net->weights + net->buffers) * (int64_t)real);
        ps_net_prepare_there(net, prepared);
        return;
    }
    for (int i = 0; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        if (node->op->prepare)
            node->op->prepare(net->kernels, node, (const char *)w + (size_t)node->weights_at * real,
                              (char *)prepared + (size_t)node->prepared_at * real, part, parts);
    }
}

void ps_net_forget(const struct ps_net *net, int64_t n, int64_t i, void *state)
{
    const size_t real = net->kernels->real;
    for (int k = 0; k < net->nodes; k++) {
        const struct ps_node *node = &net->node[k];
        memset((char *)state + (size_t)(node->states_at * n + i * node->states) * real, 0,
               (size_t)node->states * real);
    }
}

void ps_net_buffers_follow(const struct ps_net *net, const void *dw, int64_t grains, void *w)
{
    for (int n = net->frozen + 1; n < net->nodes; n++) {
        const struct ps_node *node = &net->node[n];
        for (int64_t i = node->buffers_at; i < node->buffers_at + node->buffers; i++) {
            const double mean = ps_nn_real_get(net->kernels->real, dw, i) / (double)grains;
            const double was = ps_nn_real_get(net->kernels->real, w, i);
            ps_nn_real_set(net->kernels->real, w, i, was + node->momentum * (mean - was));
        }
    }
}
