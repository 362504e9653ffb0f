#include "common/nn/op.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    const int64_t c = node->as.batch_norm.channels;
    (void)k, (void)n;
    return (struct ps_nn_size){.weights = 2 * c, .kept = 2 * c, .work = 8 * c};
}

static void forward(const struct ps_op_call *c)
{
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    const char *mean = c->buffers;
    if (c->batch->training)
        c->k->batch_norm_forward(l, &c->pass);
    else
        c->k->batch_norm_evaluate(l, &c->pass, mean, mean + (size_t)l->channels * c->k->real);
}

static void to_buffer(const struct ps_op_call *c, int64_t i, double v)
{
    ps_real_set(c->k, c->dbuffers, i, c->dbuffers_add ? ps_real_get(c->k, c->dbuffers, i) + v : v);
}

/* Running variances are of the population that the rows were drawn from. */
static void buffers(const struct ps_op_call *c)
{
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    const double rows = (double)(c->pass.n * l->places);
    for (int64_t k = 0; k < l->channels; k++) {
        const double scale = ps_real_get(c->k, c->pass.kept, l->channels + k);
        to_buffer(c, k, ps_real_get(c->k, c->pass.kept, k));
        to_buffer(c, l->channels + k, (1 / (scale * scale) - l->eps) * rows / (rows > 1 ? rows - 1 : 1));
    }
}

static void backward(const struct ps_op_call *c)
{
    c->k->batch_norm_backward(&c->node->as.batch_norm, &c->pass);
}

static struct ps_begin begin(const struct ps_node *node, enum ps_init init, int64_t i)
{
    (void)init;
    return (struct ps_begin){.value = i < node->as.batch_norm.channels && !node->zero};
}

static int tensors(const struct ps_node *node, struct ps_tensor *out)
{
    const int64_t c[] = {node->as.batch_norm.channels};
    ps_tensor_set(&out[0], node, "weight", node->weights_at, 1, c);
    ps_tensor_set(&out[1], node, "bias", node->weights_at + c[0], 1, c);
    ps_tensor_set(&out[2], node, "running_mean", node->buffers_at, 1, c);
    ps_tensor_set(&out[3], node, "running_var", node->buffers_at + c[0], 1, c);
    return 4;
}

const struct ps_op ps_op_batch_norm = {.kind = "batch norm",
                                       .size = size,
                                       .forward = forward,
                                       .backward = backward,
                                       .buffers = buffers,
                                       .begin = begin,
                                       .tensors = tensors};

int ps_net_batch_norm(struct ps_net *net, int from, const char *name, double eps, double momentum,
                      enum ps_nn_act act)
{
    struct ps_node *node = ps_net_add(net, &ps_op_batch_norm, from, name);
    if (!node) return 0;
    node->out = node->in;
    node->as.batch_norm =
        (struct ps_nn_batch_norm){node->in.height * node->in.width, node->in.channels, eps, act};
    node->momentum = momentum;
    node->buffers = 2 * node->in.channels;
    return net->nodes - 1;
}

void ps_net_zero(struct ps_net *net, int norm)
{
    if (net->status == PS_OK) net->node[norm].zero = true;
}
