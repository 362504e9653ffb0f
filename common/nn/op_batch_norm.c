#include <string.h>
#include "common/nn/op_norm.h"
#include "kernels/nn/nn_device.h"

/* Kept, [channels] each: mean and 1 / sqrt(variance + eps), as the kernels have them; a and b of
 * y = act(a x + b), then s, p, q of dx = s dy + p x + q, then sums in double precision. One that is written
 * out alone has the first two; in a group, forwards, the variance is in place of s. */
enum { MEAN, SCALE, A, B, S, P, Q, ARRAYS, VARIANCE = S };

static void *kept_array(const struct ps_nn_kernels *k, const struct ps_node *node, const void *kept,
                        int which)
{
    return (char *)kept + (size_t)(which * node->as.batch_norm.channels) * k->real;
}

struct ps_nn_read ps_op_norm_read(const struct ps_nn_kernels *k, const struct ps_node *node, const void *kept)
{
    return (struct ps_nn_read){.a = kept_array(k, node, kept, A),
                               .b = kept_array(k, node, kept, B),
                               .mean = kept_array(k, node, kept, MEAN),
                               .act = node->as.batch_norm.act};
}

struct ps_nn_gradient_read ps_op_norm_gradient(const struct ps_nn_kernels *k, const struct ps_node *node,
                                               const void *kept)
{
    return (struct ps_nn_gradient_read){.s = kept_array(k, node, kept, S),
                                        .p = kept_array(k, node, kept, P),
                                        .q = kept_array(k, node, kept, Q)};
}

/* Elements before the sums, which are aligned. */
static int64_t before_sums(const struct ps_node *node)
{
    return (ARRAYS * node->as.batch_norm.channels + 1) / 2 * 2;
}

double *ps_op_norm_sums(const struct ps_nn_kernels *k, const struct ps_node *node, void *kept)
{
    return (double *)((char *)kept + (size_t)before_sums(node) * k->real);
}

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    const int64_t c = node->as.batch_norm.channels, sums = 2 * c * (int64_t)(sizeof(double) / k->real);
    const int64_t rows = n * node->as.batch_norm.places;
    const int64_t work = k->columns_work ? k->columns_work(rows, c) : 8 * c;
    return (struct ps_nn_size){
        .weights = 2 * c, .kept = before_sums(node) + sums, .work = node->unwritten ? 0 : work};
}

/* Whose rows the statistics are of; NULL: the micro-batch's own. */
static const struct ps_net_group *group_of(const struct ps_op_call *c)
{
    return c->training ? c->batch->group : NULL;
}

/* How many these are. */
static double rows_of(const struct ps_op_call *c)
{
    const struct ps_net_group *group = group_of(c);
    return (double)((group ? group->all : c->pass.n) * c->node->as.batch_norm.places);
}

static void join_there(const struct ps_op_call *c, bool moments, double *x)
{
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    c->k->device->group(group_of(c)->there, moments, l->channels, (double)(c->pass.n * l->places), x);
}

/* Moments of the group's rows in place of those of a micro-batch's: joined in order (Chan, Golub, LeVeque
 * 1979), so that bits do not depend on who computes them. */
static void join_moments(const struct ps_op_call *c, double *moments)
{
    const struct ps_net_group *group = group_of(c);
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    const int64_t n = l->channels;
    double before = 0;
    if (group->there) {
        join_there(c, true, moments);
        return;
    }
    const double *one = group->show(group->context, moments, 2 * n);
    memset(moments, 0, (size_t)(2 * n) * sizeof *moments);
    for (int m = 0; m < group->members; m++, one += 2 * n) {
        const double rows = (double)(group->samples[m] * l->places), all = before + rows;
        if (rows == 0) continue;
        for (int64_t i = 0; i < n; i++) {
            const double d = one[i] - moments[i];
            moments[i] += d * (rows / all);
            moments[n + i] += one[n + i] + d * d * (before * rows / all);
        }
        before = all;
    }
}

/* Likewise sums over rows. */
static void join_sums(const struct ps_op_call *c, double *sums)
{
    const struct ps_net_group *group = group_of(c);
    const int64_t n = 2 * c->node->as.batch_norm.channels;
    if (group->there) {
        join_there(c, false, sums);
        return;
    }
    const double *one = group->show(group->context, sums, n);
    memset(sums, 0, (size_t)n * sizeof *sums);
    for (int m = 0; m < group->members; m++, one += n)
        for (int64_t i = 0; i < n && group->samples[m] > 0; i++) sums[i] += one[i];
}

int64_t ps_net_group_most(const struct ps_net *net)
{
    int64_t most = 0;
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        if (node->op == &ps_op_batch_norm && node->as.batch_norm.channels > most)
            most = node->as.batch_norm.channels;
    }
    return 2 * most;
}

void ps_net_group_idle(const struct ps_net *net, const struct ps_net_group *group, bool backward)
{
    for (int k = 1; k < net->nodes; k++) {
        const int i = backward ? net->nodes - k : k;
        if (i <= net->frozen || net->node[i].op != &ps_op_batch_norm) continue;
        const int64_t channels = net->node[i].as.batch_norm.channels;
        if (group->there)
            net->kernels->device->group(group->there, !backward, channels, 0, NULL);
        else
            group->show(group->context, NULL, 2 * channels);
    }
}

/* What the kernels need of a batch norm that is not written out, and of what all of them keep. */
static struct ps_nn_norm norm_of(const struct ps_op_call *c)
{
    const struct ps_nn_kernels *k = c->k;
    const struct ps_node *node = c->node;
    void *kept = c->pass.kept;
    return (struct ps_nn_norm){.real = k->real,
                               .channels = node->as.batch_norm.channels,
                               .eps = node->as.batch_norm.eps,
                               .rows = rows_of(c),
                               .w = c->pass.w,
                               .mean = kept_array(k, node, kept, MEAN),
                               .scale = kept_array(k, node, kept, SCALE),
                               .a = kept_array(k, node, kept, A),
                               .b = kept_array(k, node, kept, B),
                               .s = kept_array(k, node, kept, S),
                               .p = kept_array(k, node, kept, P),
                               .q = kept_array(k, node, kept, Q),
                               .sums = ps_op_norm_sums(k, node, kept)};
}

/* What is written out, with the mean and variance of the group. */
static void write_in_group(const struct ps_op_call *c, const struct ps_nn_norm *m)
{
    void *variance = kept_array(c->k, c->node, c->pass.kept, VARIANCE);
    c->k->norm_factors(m, NULL, NULL);
    c->k->norm_variance(m, variance);
    c->k->batch_norm_evaluate(&c->node->as.batch_norm, &c->pass, m->mean, variance);
}

static void forward(const struct ps_op_call *c)
{
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    const bool written = !c->node->unwritten;
    const char *mean = c->buffers, *variance = mean + (size_t)l->channels * c->k->real;
    const struct ps_nn_norm m = norm_of(c);
    if (group_of(c)) {
        struct ps_nn_pass pass = c->pass;
        pass.moments = m.sums;
        if (written) c->k->batch_norm_moments(l, &pass);
        join_moments(c, m.sums);
    }
    if (!written)
        c->k->norm_factors(&m, c->training ? NULL : mean, c->training ? NULL : variance);
    else if (group_of(c))
        write_in_group(c, &m);
    else if (c->training)
        c->k->batch_norm_forward(l, &c->pass);
    else
        c->k->batch_norm_evaluate(l, &c->pass, mean, variance);
}

/* Running variances are of the population that the rows were drawn from. */
static void buffers(const struct ps_op_call *c)
{
    const struct ps_nn_norm m = norm_of(c);
    c->k->norm_buffers(&m, c->dbuffers, c->dbuffers_add);
}

/* In a group dx takes the sums of all, while each micro-batch's part of dgamma and dbeta goes to its own
 * gradients, which are added up later. */
static void backward(const struct ps_op_call *c)
{
    const struct ps_nn_batch_norm *l = &c->node->as.batch_norm;
    const bool written = !c->node->unwritten;
    const struct ps_nn_norm m = norm_of(c);
    struct ps_nn_pass pass = c->pass;
    if (written && !group_of(c)) {
        c->k->batch_norm_backward(l, &pass);
        return;
    }
    pass.sums = m.sums;
    if (written) c->k->batch_norm_sums(l, &pass);
    c->k->norm_weights(&m, pass.dw, pass.dw_add);
    if (group_of(c)) join_sums(c, m.sums);
    c->k->norm_gradients(&m);
    pass.dy_read = ps_op_norm_gradient(c->k, c->node, c->pass.kept);
    if (written) c->k->batch_norm_gradient(l, &pass);
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
