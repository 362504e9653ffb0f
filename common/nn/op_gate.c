#include <math.h>
#include <string.h>
#include "common/nn/op.h"

/* Weights are limits of the elements that the gate goes by; they stay what they are. */
static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)n;
    return (struct ps_nn_size){.weights = node->as.gate.features};
}

/* Is sample i within all limits? What is not a number is not. */
static bool is_open(const struct ps_op_call *c, int64_t i)
{
    const int64_t features = c->node->as.gate.features;
    for (int64_t j = 0; j < features; j++)
        if (!(fabs(ps_real_get(c->k, c->pass.also, i * features + j)) <= ps_real_get(c->k, c->pass.w, j)))
            return false;
    return true;
}

static void forward(const struct ps_op_call *c)
{
    const size_t row = (size_t)ps_shape_size(c->node->out) * c->k->real;
    memcpy(c->pass.y, c->pass.x, (size_t)c->pass.n * row);
    for (int64_t i = 0; i < c->pass.n; i++)
        if (!is_open(c, i)) memset((char *)c->pass.y + (size_t)i * row, 0, row);
}

/* Row by row, as others may read dy too. */
static void backward(const struct ps_op_call *c)
{
    const struct ps_nn_pass *p = &c->pass;
    const int64_t len = ps_shape_size(c->node->out), features = c->node->as.gate.features;
    const size_t row = (size_t)len * c->k->real;
    memset(p->dw, 0, (size_t)features * c->k->real);
    if (p->dalso && !p->dalso_add) memset(p->dalso, 0, (size_t)(p->n * features) * c->k->real);
    for (int64_t i = 0; p->dx && i < p->n; i++) {
        char *dx = (char *)p->dx + (size_t)i * row;
        const char *dy = (const char *)p->dy + (size_t)i * row;
        if (!p->dx_add) memset(dx, 0, row);
        if (is_open(c, i)) c->k->add(len, dy, dx);
    }
}

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    (void)node, (void)init, (void)i;
    return (struct ps_begin){.value = 1};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    ps_tensor_set(out, node, "limit", node->weights_at, 1, (int64_t[]){node->as.gate.features});
    return 1;
}

const struct ps_op ps_op_gate = {.kind = "gate",
                                 .size = size,
                                 .forward = forward,
                                 .backward = backward,
                                 .fixed = true,
                                 .begin = begin,
                                 .tensors = tensors};

int ps_net_gate(struct ps_net *net, int from, int also, const char *name)
{
    struct ps_node *node = ps_net_add(net, &ps_op_gate, from, name);
    if (!node) return 0;
    node->also = also;
    node->out = node->in;
    node->as.gate = (struct ps_node_gate){ps_shape_size(net->node[also].out)};
    return net->nodes - 1;
}
