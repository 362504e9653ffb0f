#include <stdlib.h>
#include "common/nn/net.h"
#include "common/nn/op.h"
#include "common/run/err.h"

enum { LINE = 64 };

/** A plan of memory: bytes given out so far, and free pieces below. */
struct plan {
    struct piece {
        int64_t at, bytes;
    } * free;
    int pieces;
    int64_t end;
};

static int64_t lines(int64_t elements, size_t real)
{
    return (elements * (int64_t)real + LINE - 1) / LINE * LINE;
}

/* The lowest free piece that is large enough, or more memory. */
static int64_t take(struct plan *p, int64_t bytes)
{
    for (int i = 0; i < p->pieces; i++) {
        if (p->free[i].bytes < bytes) continue;
        const int64_t at = p->free[i].at;
        p->free[i].at += bytes;
        p->free[i].bytes -= bytes;
        return at;
    }
    p->end += bytes;
    return p->end - bytes;
}

/* Pieces are few: neighbours are joined by looking at all. */
static void give(struct plan *p, int64_t at, int64_t bytes)
{
    for (int i = 0; i < p->pieces; i++) {
        const struct piece q = p->free[i];
        if (q.bytes > 0 && q.at != at + bytes && q.at + q.bytes != at) continue;
        if (q.bytes > 0) {
            at = q.at < at ? q.at : at;
            bytes += q.bytes;
        }
        p->free[i--] = p->free[--p->pieces];
    }
    p->free[p->pieces++] = (struct piece){at, bytes};
}

/* Gradients of outputs live from the first layer that writes them, backwards, to the layer itself. */
static void plan_gradients(const struct ps_net *net, int64_t most, struct plan *p, int64_t *at)
{
    const size_t real = net->kernels->real;
    for (int i = 0; i < net->nodes; i++) at[i] = -1;
    for (int i = net->nodes - 1; i > 0; i--) {
        const int reads[] = {i == net->nodes - 1 ? i : -1, net->node[i].from, net->node[i].also};
        for (int r = 0; r < 3; r++) /* the last one's is the loss's */
            if (reads[r] > 0 && at[reads[r]] < 0)
                at[reads[r]] = take(p, lines(most * ps_shape_size(net->node[reads[r]].out), real));
        give(p, at[i], lines(most * ps_shape_size(net->node[i].out), real));
    }
}

/* Bytes of everything; where things are, from the beginning of memory: [nodes] each. */
static enum ps_status plan(const struct ps_net *net, int64_t most, bool training, int64_t *y, int64_t *dy,
                           int64_t *kept, int64_t *scratch, int64_t *bytes)
{
    const size_t real = net->kernels->real;
    struct plan p = {.end = 0};
    int64_t work = 0;
    PS_TRY(ps_alloc(&p.free, net->nodes + 1, sizeof *p.free, "the plan of a net"));
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_nn_size size = net->node[i].op->size(net->kernels, &net->node[i], most);
        y[i] = take(&p, lines(most * ps_shape_size(net->node[i].out), real));
        kept[i] = take(&p, lines(size.kept, real));
        if (lines(size.work, real) > work) work = lines(size.work, real);
    }
    *scratch = take(&p, work);
    if (training) plan_gradients(net, most, &p, dy);
    *bytes = p.end;
    free(p.free);
    return PS_OK;
}

enum ps_status ps_net_work_make(const struct ps_net *net, int64_t most, bool training,
                                struct ps_net_work *out)
{
    struct ps_net_work w = {.net = net, .most = most};
    int64_t *at = NULL, scratch, bytes;
    enum ps_status rc = ps_zalloc(&at, 3 * (int64_t)net->nodes, sizeof *at, "the plan of a net");
    if (rc == PS_OK) rc = ps_zalloc(&w.y, 3 * (int64_t)net->nodes, sizeof *w.y, "the plan of a net");
    PS_TRY_DONE(rc);
    w.dy = w.y + net->nodes;
    w.kept = w.dy + net->nodes;
    PS_TRY_DONE(plan(net, most, training, at, at + net->nodes, at + 2 * net->nodes, &scratch, &bytes));
    PS_TRY_DONE(ps_alloc(&w.memory, bytes, 1, "what a micro-batch makes of a net"));
    for (int i = 1; i < net->nodes; i++) {
        w.y[i] = (char *)w.memory + at[i];
        w.dy[i] = training ? (char *)w.memory + at[net->nodes + i] : NULL;
        w.kept[i] = (char *)w.memory + at[2 * net->nodes + i];
    }
    w.scratch = (char *)w.memory + scratch;
done:
    free(at);
    if (rc != PS_OK) ps_net_work_free(&w);
    *out = w;
    return rc;
}

void ps_net_work_free(struct ps_net_work *work)
{
    free(work->memory);
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

/* A pass of node i. */
static struct ps_op_call call(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                              const void *prepared, int i)
{
    const struct ps_net *net = work->net;
    const struct ps_node *node = &net->node[i];
    const size_t real = net->kernels->real;
    const int also = node->also;
    return (struct ps_op_call){
        .k = net->kernels,
        .node = node,
        .batch = batch,
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
                                     : work->y[also]},
        .buffers = (const char *)w + (size_t)node->buffers_at * real,
    };
}

const void *ps_net_forward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                           const void *prepared)
{
    const struct ps_net *net = work->net;
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_op_call c = call(work, batch, w, prepared, i);
        net->node[i].op->forward(&c);
    }
    return work->y[net->nodes - 1];
}

void *ps_net_output_gradient(struct ps_net_work *work)
{
    return work->dy[work->net->nodes - 1];
}

/* The same call backwards. */
static struct ps_op_call call_back(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                                   const void *prepared, const struct ps_net_gradient *g, int i)
{
    const struct ps_node *node = &work->net->node[i];
    const size_t real = work->net->kernels->real;
    struct ps_op_call c = call(work, batch, w, prepared, i);
    c.pass.dy = work->dy[i];
    c.pass.dx = node->from > 0 ? work->dy[node->from] : NULL;
    c.pass.dx_add = !node->from_first;
    c.pass.dw = (char *)g->dw + (size_t)node->weights_at * real;
    c.pass.dw_add = g->add;
    c.pass.dalso = node->also > 0 ? work->dy[node->also] : NULL;
    c.pass.dalso_add = !node->also_first;
    c.dbuffers = (char *)g->dw + (size_t)node->buffers_at * real;
    c.dbuffers_add = g->add;
    return c;
}

void ps_net_backward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                     const void *prepared, const struct ps_net_gradient *g)
{
    const struct ps_net *net = work->net;
    for (int i = net->nodes - 1; i > 0; i--) {
        if (net->node[i].buffers == 0) continue;
        const struct ps_op_call c = call_back(work, batch, w, prepared, g, i);
        net->node[i].op->buffers(&c);
    }
    if (g->ready && net->buffers > 0) g->ready(g->context, net->weights, net->weights + net->buffers);
    for (int i = net->nodes - 1; i > 0; i--) {
        const struct ps_node *node = &net->node[i];
        const struct ps_op_call c = call_back(work, batch, w, prepared, g, i);
        node->op->backward(&c);
        if (g->ready && node->weights > 0)
            g->ready(g->context, node->weights_at, node->weights_at + node->weights);
    }
}
