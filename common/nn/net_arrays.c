#include "common/nn/net_arrays.h"
#include <stdlib.h>
#include "common/nn/op.h"
#include "common/run/err.h"

/** Who reads a node: how often, the last, and the last but one (0: none). */
struct readers {
    int count, last, before;
};

static bool is_linear_conv(const struct ps_node *node)
{
    return node->op == &ps_op_conv && node->as.conv.plain && node->as.conv.act == PS_NN_LINEAR;
}

/* Can `node` read what it reads through a normalisation with this act? */
static bool reads_through(const struct ps_node *node, enum ps_nn_act act)
{
    if (node->op == &ps_op_sum) return act == PS_NN_LINEAR;
    return (node->op == &ps_op_conv || node->op == &ps_op_pool) && (act == PS_NN_LINEAR || act == PS_NN_RELU);
}

/* A batch norm need not be written out where nobody but it reads a convolution's sums, and one node can read
 * these through it. */
static void find_unwritten(struct ps_net *net, const struct readers *readers)
{
    for (int i = 1; i < net->nodes; i++) {
        struct ps_node *node = &net->node[i], *conv = &net->node[node->from];
        if (node->op != &ps_op_batch_norm || node->stays || conv->stays) continue;
        if (!is_linear_conv(conv) || readers[node->from].count != 1 || readers[i].count != 1) continue;
        struct ps_node *reader = &net->node[readers[i].last];
        if (!reads_through(reader, node->as.batch_norm.act)) continue;
        if (reader->op == &ps_op_conv) reader->as.conv.reads = true;
        node->unwritten = true;
        conv->norm = i;
    }
}

/* Does `node` take an input in bf16, where the kernels have such images? */
static bool reads_half(const struct ps_node *node)
{
    return node->op == &ps_op_sum || node->op == &ps_op_pool || node->op == &ps_op_conv || node->half;
}

static bool writes_half(const struct ps_node *node)
{
    return node->op == &ps_op_sum || node->op == &ps_op_pool || node->op == &ps_op_conv || node->unwritten;
}

/* Images between layers are stored in bf16 where the kernels have such, and who writes and who reads them
 * takes them. Readers come later: backwards a node's are known before it. */
static void find_half(struct ps_net *net)
{
    for (int i = 1; i < net->nodes; i++)
        net->node[i].half = net->kernels->half_images && i < net->nodes - 1 && !net->node[i].stays;
    for (int i = net->nodes - 1; i > 0; i--) {
        struct ps_node *node = &net->node[i];
        if (!writes_half(node)) node->half = false;
        const int reads[] = {node->from, node->also};
        for (int r = 0; r < 2; r++)
            if (reads[r] > 0 && !reads_half(node)) net->node[reads[r]].half = false;
    }
    for (int i = 1; i < net->nodes; i++) {
        struct ps_node *node = &net->node[i];
        const bool x = net->node[node->from].half, also = node->also >= 0 && net->node[node->also].half;
        if (node->op == &ps_op_conv) node->as.conv.half_x = x, node->as.conv.half_y = node->half;
        if (node->op == &ps_op_pool) node->as.pool.half_x = x, node->as.pool.half_y = node->half;
        if (node->op != &ps_op_sum) continue;
        node->as.sum.half_x = x;
        node->as.sum.half_also = also;
        node->as.sum.half_y = node->half;
    }
}

/* Sums that the next node, a convolution, can make as it reads them. No other node comes between: forwards
 * none reads the sum before, backwards none changes its gradient after. */
static void find_joined(struct ps_net *net)
{
    for (int i = 2; i < net->nodes; i++) {
        struct ps_node *conv = &net->node[i], *sum = &net->node[i - 1];
        if (sum->op != &ps_op_sum || conv->op != &ps_op_conv || conv->from != i - 1) continue;
        sum->joined = net->kernels->conv_joins(&conv->as.conv);
        if (sum->joined) conv->joins = i - 1;
    }
}

/* Can input `i` of `node`, a sum, go on with the array of its gradient? A sum is done with that when it hands
 * it on; hence one input can, if nothing was written for it before. */
static bool goes_on(const struct ps_net *net, const struct ps_node *node, int i, bool first)
{
    return node->op == &ps_op_sum && i > 0 && first && net->node[i].half == node->half;
}

/* Can both inputs? Backwards the later one comes first: it must be done with the gradient before anything
 * changes it, and leave it as it is. That does a batch norm that is not written out, if its convolution does.
 * The other input's gradient is changed by the last node, but for the sum, that adds to it, or else where it
 * belongs. */
static bool both_go_on(const struct ps_net *net, const struct ps_node *node, const struct readers *readers)
{
    const int later = node->from > node->also ? node->from : node->also;
    const int other = node->from > node->also ? node->also : node->from;
    if (later == other || !net->node[later].unwritten) return false;
    const struct ps_node *of = &net->node[other];
    const int conv = net->node[later].from;
    const int changed = readers[other].count > 1 ? readers[other].before : of->unwritten ? of->from : other;
    return changed < conv && net->kernels->conv_keeps(&net->node[conv].as.conv);
}

/* Who writes the gradient of a node's output first, when nodes are gone through backwards, and where: in an
 * array of its own, or in that of a later node whose gradient is the same. */
static void find_gradients(struct ps_net *net, const struct readers *readers, bool *written)
{
    for (int i = net->nodes - 1; i > 0; i--) {
        struct ps_node *node = &net->node[i];
        node->from_first = !written[node->from];
        written[node->from] = true;
        if (node->also >= 0) {
            node->also_first = !written[node->also];
            written[node->also] = true;
        }
        if (node->dy_of == 0) node->dy_of = i;
        if (node->unwritten) net->node[node->from].dy_of = node->dy_of;
        const bool from = goes_on(net, node, node->from, node->from_first);
        const bool also = goes_on(net, node, node->also, node->also_first);
        if (from) net->node[node->from].dy_of = node->dy_of;
        if (also && (!from || both_go_on(net, node, readers))) net->node[node->also].dy_of = node->dy_of;
    }
}

enum ps_status ps_net_arrays_find(struct ps_net *net)
{
    struct readers *readers = NULL;
    bool *written = NULL;
    enum ps_status rc = ps_zalloc(&readers, net->nodes, sizeof *readers, "layers");
    if (rc == PS_OK) rc = ps_zalloc(&written, net->nodes, sizeof *written, "layers");
    PS_TRY_DONE(rc);
    for (int i = 1; i < net->nodes; i++) {
        const int reads[] = {net->node[i].from, net->node[i].also};
        for (int r = 0; r < 2; r++)
            if (reads[r] >= 0) {
                struct readers *of = &readers[reads[r]];
                *of = (struct readers){of->count + 1, i, of->last};
            }
    }
    for (int i = net->nodes - 2; i > 0; i--)
        PS_CHECK_DONE(readers[i].count > 0, PS_EUSAGE, "layer %d of the net (%s) is read by no other", i,
                      net->node[i].op->kind);
    find_unwritten(net, readers);
    find_half(net);
    find_joined(net);
    find_gradients(net, readers, written);
done:
    free(readers);
    free(written);
    return rc;
}
