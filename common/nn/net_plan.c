#include <stdlib.h>
#include "common/nn/net_arrays.h"
#include "common/nn/op.h"
#include "common/run/err.h"

enum { LINE = 256 /* where memory of devices begins: libraries get pieces as aligned as a whole */ };

/** Memory: bytes given out so far, and free pieces below. */
struct memory {
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

/* The smallest free piece that is large enough; else that at the end, which grows; else more memory. */
static int64_t take(struct memory *m, int64_t bytes)
{
    struct piece *best = NULL;
    for (int i = 0; i < m->pieces; i++) {
        struct piece *p = &m->free[i];
        if (p->bytes >= bytes && (!best || p->bytes < best->bytes)) best = p;
    }
    for (int i = 0; !best && i < m->pieces; i++) {
        struct piece *p = &m->free[i];
        if (p->bytes == 0 || p->at + p->bytes != m->end) continue;
        m->end = p->at + bytes;
        p->bytes = 0;
        return p->at;
    }
    if (!best) {
        m->end += bytes;
        return m->end - bytes;
    }
    best->at += bytes;
    best->bytes -= bytes;
    return best->at - bytes;
}

/* Pieces are few: neighbours are joined by looking at all. */
static void give(struct memory *m, int64_t at, int64_t bytes)
{
    for (int i = 0; i < m->pieces; i++) {
        const struct piece q = m->free[i];
        if (q.bytes > 0 && q.at != at + bytes && q.at + q.bytes != at) continue;
        if (q.bytes > 0) {
            at = q.at < at ? q.at : at;
            bytes += q.bytes;
        }
        m->free[i--] = m->free[--m->pieces];
    }
    m->free[m->pieces++] = (struct piece){at, bytes};
}

static int64_t output_bytes(const struct ps_net *net, int i, int64_t most)
{
    const struct ps_node *node = &net->node[i];
    return lines(most * ps_shape_size(node->out), node->half ? sizeof(uint16_t) : net->kernels->real);
}

/* The node whose output's array holds that of node i. */
static int y_of(const struct ps_net *net, int i)
{
    return net->node[i].unwritten ? net->node[i].from : i;
}

/* May the output be read after the pass? */
static bool outlives(const struct ps_net *net, int i)
{
    return i == net->nodes - 1 || net->node[i].stays;
}

/* Nodes that are read when node i is executed, and whose gradients are written; -1: none. */
struct reads {
    int node[4];
};

static struct reads reads_of(const struct ps_net *net, int i)
{
    const struct ps_node *node = &net->node[i], *sum = &net->node[node->joins];
    const bool joins = node->joins > 0;
    if (node->joined) return (struct reads){{-1, -1, -1, -1}};
    return (struct reads){{node->from, node->also, joins ? sum->from : -1, joins ? sum->also : -1}};
}

/* Backwards: a gradient lives from the first node that writes it (the last one's is the loss's) to its own
 * node, of several that share an array to the first of them. Outputs are not read after their own nodes, nor
 * after the convolution, where a batch norm has none. */
static void plan_backward(const struct ps_net *net, int64_t most, struct memory *m, int *first,
                          struct ps_net_plan *plan)
{
    for (int i = net->nodes - 1; i > 0; i--) {
        plan->dy[i] = -1;
        first[net->node[i].dy_of] = i;
    }
    for (int i = net->nodes - 1; i > 0; i--) {
        const struct ps_node *node = &net->node[i];
        const struct reads reads = reads_of(net, i);
        if (i == net->nodes - 1) plan->dy[i] = take(m, output_bytes(net, i, most));
        for (int r = 0; r < 4; r++) {
            const int to = reads.node[r];
            if (to <= 0 || plan->dy[to] >= 0) continue;
            const int of = net->node[to].dy_of;
            plan->dy[to] = of == to ? take(m, output_bytes(net, to, most)) : plan->dy[of];
        }
        if (first[node->dy_of] == i) give(m, plan->dy[i], output_bytes(net, i, most));
        if (!node->unwritten && !outlives(net, i)) give(m, plan->y[i], output_bytes(net, i, most));
    }
}

/* Outputs are taken in order; without training they live until they are read for the last time. */
static void plan_forward(const struct ps_net *net, int64_t most, bool training, struct memory *m, int *last,
                         struct ps_net_plan *plan)
{
    for (int i = 1; i < net->nodes; i++) {
        const struct reads reads = reads_of(net, i);
        last[i] = net->nodes;
        for (int r = 0; r < 4; r++)
            if (reads.node[r] > 0) last[y_of(net, reads.node[r])] = i;
    }
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        plan->y[i] = node->unwritten ? plan->y[node->from] : take(m, output_bytes(net, i, most));
        const struct reads reads = reads_of(net, i);
        for (int r = 0; r < 4 && !training; r++) {
            const int of = reads.node[r] > 0 ? y_of(net, reads.node[r]) : 0;
            if (of == 0 || last[of] != i || outlives(net, of)) continue;
            give(m, plan->y[of], output_bytes(net, of, most));
            last[of] = 0; /* it may be read twice */
        }
    }
}

enum ps_status ps_net_plan(const struct ps_net *net, int64_t most, bool training, struct ps_net_plan *out)
{
    const size_t real = net->kernels->real;
    struct memory m = {.end = 0};
    int *nodes = NULL;
    int64_t work = 0;
    enum ps_status rc = ps_alloc(&m.free, 2 * (int64_t)net->nodes + 1, sizeof *m.free, "the plan of a net");
    if (rc == PS_OK) rc = ps_alloc(&nodes, net->nodes, sizeof *nodes, "the plan of a net");
    PS_TRY_DONE(rc);
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_nn_size size = net->node[i].op->size(net->kernels, &net->node[i], most);
        out->kept[i] = take(&m, lines(size.kept, real));
        if (lines(size.work, real) > work) work = lines(size.work, real);
    }
    out->scratch = take(&m, work);
    plan_forward(net, most, training, &m, nodes, out);
    if (training) plan_backward(net, most, &m, nodes, out);
    out->bytes = m.end;
done:
    free(m.free);
    free(nodes);
    return rc;
}
