#include <stdlib.h>
#include "common/nn/net.h"
#include "common/nn/net_arrays.h"
#include "common/nn/net_device.h"
#include "common/nn/op.h"
#include "common/nn/op_norm.h"
#include "common/run/err.h"

enum ps_status ps_net_work_make(const struct ps_net *net, int64_t most, bool training,
                                struct ps_net_work *out)
{
    struct ps_net_work w = {.net = net, .most = most};
    struct ps_net_plan plan;
    const int64_t n = net->nodes;
    int64_t *at = NULL;
    enum ps_status rc = ps_zalloc(&at, 3 * n, sizeof *at, "the plan of a net");
    if (rc == PS_OK) rc = ps_zalloc(&w.y, 3 * n, sizeof *w.y, "the plan of a net");
    PS_TRY_DONE(rc);
    plan = (struct ps_net_plan){.y = at, .dy = at + n, .kept = at + 2 * n};
    w.dy = w.y + n;
    w.kept = w.dy + n;
    PS_TRY_DONE(ps_net_plan(net, most, training, &plan));
    PS_TRY_DONE(ps_net_alloc(net, plan.bytes, "what a micro-batch makes of a net", &w.memory));
    for (int i = 1; i < net->nodes; i++) {
        w.y[i] = (char *)w.memory + plan.y[i];
        w.dy[i] = training ? (char *)w.memory + plan.dy[i] : NULL;
        w.kept[i] = (char *)w.memory + plan.kept[i];
    }
    w.scratch = (char *)w.memory + plan.scratch;
    if (net->kernels->device && !training) PS_TRY_DONE(ps_net_mirror_make(&w));
done:
    free(at);
    if (rc != PS_OK) ps_net_work_free(&w);
    *out = w;
    return rc;
}

void ps_net_work_free(struct ps_net_work *work)
{
    ps_net_mirror_free(work);
    ps_net_dealloc(work->net, work->memory);
    free(work->y);
    *work = (struct ps_net_work){.most = 0};
}

/* The part of a node in states of all nodes. */
static void *state_of(const struct ps_node *node, const struct ps_net_batch *batch, const void *state,
                      size_t real)
{
    if (!state || node->states == 0) return NULL;
    return (char *)state + (size_t)(node->states_at * batch->n) * real;
}

/* How node i is read: through itself, where it is a batch norm that is not written out. */
static struct ps_nn_read read_of(const struct ps_net_work *work, int i)
{
    const struct ps_net *net = work->net;
    if (i < 0 || !net->node[i].unwritten) return (struct ps_nn_read){.a = NULL};
    return ps_op_norm_read(net->kernels, &net->node[i], work->kept[i]);
}

/* Where a node that reads node i, or is read by it, puts sums of channels that the batch norm i needs. */
static double *sums_of(const struct ps_net_work *work, int i)
{
    const struct ps_net *net = work->net;
    if (i < 0 || !net->node[i].unwritten) return NULL;
    return ps_op_norm_sums(net->kernels, &net->node[i], work->kept[i]);
}

/* A pass of node i. */
static struct ps_op_call call(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                              const void *prepared, int i)
{
    const struct ps_net *net = work->net;
    const struct ps_node *node = &net->node[i];
    const size_t real = net->kernels->real;
    const int also = node->also;
    const bool training = batch->training && i > net->frozen;
    return (struct ps_op_call){
        .k = net->kernels,
        .node = node,
        .batch = batch,
        .training = training,
        .pass = {.n = batch->n,
                 .x = node->from == 0 ? batch->x : work->y[node->from],
                 .y = work->y[i],
                 .w = (const char *)w + (size_t)node->weights_at * real,
                 .prepared = (const char *)prepared + (size_t)node->prepared_at * real,
                 .kept = work->kept[i],
                 .work = work->scratch,
                 .begin = state_of(node, batch, batch->state, real),
                 .end = state_of(node, batch, batch->next, real),
                 .also = also < 0    ? NULL
                         : also == 0 ? batch->x
                                     : work->y[also],
                 .read = read_of(work, node->from),
                 .also_read = read_of(work, also),
                 .moments = training ? sums_of(work, node->norm) : NULL},
        .buffers = (const char *)w + (size_t)node->buffers_at * real,
    };
}

/* The pass of a convolution, and of the sum that it makes as it reads it. */
struct joined_call {
    struct ps_op_call sum;
    struct ps_nn_joined joined;
};

static void join(const struct ps_net *net, struct ps_op_call *c, struct joined_call *j)
{
    j->joined = (struct ps_nn_joined){&net->node[c->node->joins].as.sum, &j->sum.pass};
    c->pass.joined = &j->joined;
}

const void *ps_net_forward_there(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                                 const void *prepared)
{
    const struct ps_net *net = work->net;
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        struct ps_op_call c = call(work, batch, w, prepared, i);
        struct joined_call j;
        if (node->joined) continue;
        if (node->joins > 0) {
            j.sum = call(work, batch, w, prepared, node->joins);
            join(net, &c, &j);
        }
        node->op->forward(&c);
    }
    return work->y[net->nodes - 1];
}

void *ps_net_output_gradient(struct ps_net_work *work)
{
    return work->dy[work->net->nodes - 1];
}

/* Where a node writes the gradient of node i; NULL: nobody wants it, or it is its own. */
static void *gradient_of(const struct ps_net_work *work, const struct ps_node *node, int i)
{
    if (i <= work->net->frozen || work->net->node[i].dy_of == node->dy_of) return NULL;
    return work->dy[i];
}

/* The same call backwards. */
static struct ps_op_call call_back(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                                   const void *prepared, const struct ps_net_gradient *g, int i)
{
    const struct ps_node *node = &work->net->node[i];
    const size_t real = work->net->kernels->real;
    struct ps_op_call c = call(work, batch, w, prepared, i);
    c.pass.dy = work->dy[i];
    c.pass.dx = gradient_of(work, node, node->from);
    c.pass.dx_add = !node->from_first;
    c.pass.dw = (char *)g->dw + (size_t)node->weights_at * real;
    c.pass.dw_add = g->add;
    c.pass.dalso = gradient_of(work, node, node->also);
    c.pass.dalso_add = !node->also_first;
    c.pass.sums = node->from > work->net->frozen ? sums_of(work, node->from) : NULL;
    c.pass.also_sums = node->also > work->net->frozen ? sums_of(work, node->also) : NULL;
    if (node->norm > 0)
        c.pass.dy_read =
            ps_op_norm_gradient(work->net->kernels, &work->net->node[node->norm], work->kept[node->norm]);
    c.dbuffers = (char *)g->dw + (size_t)node->buffers_at * real;
    c.dbuffers_add = g->add;
    return c;
}

void ps_net_backward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                     const void *prepared, const struct ps_net_gradient *g)
{
    const struct ps_net *net = work->net;
    const size_t real = net->kernels->real;
    if (!g->add && net->frozen > 0) {
        net->kernels->clear(net->frozen_weights * (int64_t)real, g->dw);
        net->kernels->clear(net->buffers * (int64_t)real, (char *)g->dw + (size_t)net->weights * real);
    }
    for (int i = net->nodes - 1; i > net->frozen; i--) {
        if (net->node[i].buffers == 0) continue;
        const struct ps_op_call c = call_back(work, batch, w, prepared, g, i);
        net->node[i].op->buffers(&c);
    }
    if (g->ready && net->buffers > 0) g->ready(g->context, net->weights, net->weights + net->buffers);
    for (int i = net->nodes - 1; i > net->frozen; i--) {
        const struct ps_node *node = &net->node[i];
        struct ps_op_call c = call_back(work, batch, w, prepared, g, i);
        struct joined_call j;
        if (node->joined) continue;
        if (node->joins > net->frozen) {
            j.sum = call_back(work, batch, w, prepared, g, node->joins);
            join(net, &c, &j);
        }
        node->op->backward(&c);
        if (g->ready && node->weights > 0)
            g->ready(g->context, node->weights_at, node->weights_at + node->weights);
    }
}
