/** What a kind of layer is to a net: one constant in each op_*.c. */
#ifndef PS_OP_H
#define PS_OP_H

#include "common/nn/net.h"

/** One call for a node. */
struct ps_op_call {
    const struct ps_nn_kernels *k;
    const struct ps_node *node;
    const struct ps_net_batch *batch;
    bool training; /**< and the node is not frozen */
    struct ps_nn_pass pass;
    const void *buffers;
    void *dbuffers;
    bool dbuffers_add;
};

/** How a weight begins: a value, and random numbers of mean 0: one within +-uniform, one of deviation normal.
 */
struct ps_begin {
    double value, uniform, normal;
};

struct ps_op {
    const char *kind;
    struct ps_nn_size (*size)(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n);
    void (*forward)(const struct ps_op_call *c);
    void (*backward)(const struct ps_op_call *c);
    /** What the forward pass says of the buffers, before any backward pass; NULL where there are none. */
    void (*buffers)(const struct ps_op_call *c);

    bool fixed; /**< the gradient of its weights is zero */

    /* NULL where there are no weights */
    void (*prepare)(const struct ps_nn_kernels *k, const struct ps_node *node, const void *w, void *prepared,
                    int part, int parts);
    struct ps_begin (*begin)(const struct ps_node *node, enum ps_init init, int64_t i); /**< weight i */
    int (*tensors)(const struct ps_node *node, struct ps_tensor *out);
};

extern const struct ps_op ps_op_input, ps_op_dense, ps_op_dense_fixed, ps_op_conv, ps_op_pool, ps_op_upsample,
    ps_op_lstm, ps_op_last_step, ps_op_batch_norm, ps_op_layer_norm, ps_op_dropout, ps_op_sum, ps_op_gate;

/** Elements of work of a layer that may make sums of the columns of an array [rows][channels]. */
static inline int64_t ps_op_columns_work(const struct ps_nn_kernels *k, int64_t rows, int64_t channels)
{
    return k->columns_work ? k->columns_work(rows, channels) : 0;
}

/** The functions of a layer whose weights are prepared, as the kernels' table has them. */
#define PS_OP_CALLS(layer)                                                                              \
    static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n) \
    {                                                                                                   \
        return k->layer##_size(&node->as.layer, n);                                                     \
    }                                                                                                   \
    static void prepare(const struct ps_nn_kernels *k, const struct ps_node *node, const void *w,       \
                        void *prepared, int part, int parts)                                            \
    {                                                                                                   \
        k->layer##_prepare(&node->as.layer, w, prepared, part, parts);                                  \
    }                                                                                                   \
    static void forward(const struct ps_op_call *c)                                                     \
    {                                                                                                   \
        c->k->layer##_forward(&c->node->as.layer, &c->pass);                                            \
    }                                                                                                   \
    static void backward(const struct ps_op_call *c)                                                    \
    {                                                                                                   \
        c->k->layer##_backward(&c->node->as.layer, &c->pass);                                           \
    }

/** A tensor of a node's weights. */
void ps_tensor_set(struct ps_tensor *t, const struct ps_node *node, const char *suffix, int64_t at, int dims,
                   const int64_t *dim);

/** New node that reads `from`; NULL where an earlier call failed or this one finds no memory. */
struct ps_node *ps_net_add(struct ps_net *net, const struct ps_op *op, int from, const char *name);

#endif
