/* ranks: 1 */
#include "netcheck.h"
#include <stdio.h>

/* Residual nets, where batch norms are not written out: as few layers as have every case. */

static int norm(struct ps_net *net, int from, const char *name, enum ps_nn_act act)
{
    return ps_net_batch_norm(net, from, name, 1e-5, 0.1, act);
}

/* Stem with pooling, a block that shrinks images, with a convolution as shortcut, and one that does not. */
static void add_bottlenecks(struct ps_net *net, const struct ps_nn_kernels *k, bool smooth)
{
    const enum ps_nn_act act = smooth ? PS_NN_LINEAR : PS_NN_RELU;
    ps_net_begin(net, k, (struct ps_shape){13, 12, 3, false}, PS_INIT_HE, 5);
    int a = ps_net_conv_plain(net, 0, "conv1", 8, 5, 1, 2);
    a = norm(net, a, "bn1", act);
    a = ps_net_pool(net, a, smooth, 3, 2, 1);
    for (int block = 0; block < 2; block++) {
        char name[32];
        int b = a;
        for (int i = 1; i <= 3; i++) {
            snprintf(name, sizeof name, "block%d.conv%d", block, i);
            b = ps_net_conv_plain(net, b, name, i < 3 ? 5 : 20, i == 2 ? 3 : 1, i == 2 && block == 0 ? 2 : 1,
                                  i == 2);
            snprintf(name, sizeof name, "block%d.bn%d", block, i);
            b = norm(net, b, name, i < 3 ? act : PS_NN_LINEAR);
        }
        if (block == 0) {
            a = ps_net_conv_plain(net, a, "shortcut.conv", 20, 1, 2, 0);
            a = norm(net, a, "shortcut.bn", PS_NN_LINEAR);
        }
        a = ps_net_sum_act(net, b, a, act);
    }
    a = ps_net_pool(net, a, true, (int)net->node[a].out.height - 1, 1, 0);
    ps_net_dense(net, a, "fc", 5, PS_NN_LINEAR);
}

static void bottlenecks(struct ps_net *net, const struct ps_nn_kernels *k)
{
    add_bottlenecks(net, k, false);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* The same without kinks, so that gradients of two precisions can be compared. */
static void smooth(struct ps_net *net, const struct ps_nn_kernels *k)
{
    add_bottlenecks(net, k, true);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* The same with every batch norm written out, as it is to be read. */
static void written(struct ps_net *net, const struct ps_nn_kernels *k)
{
    add_bottlenecks(net, k, false);
    for (int i = 0; i < net->nodes; i++)
        if (net->node[i].buffers > 0) ps_net_keep(net, i);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* The shortcut first, sums of sums, a batch norm that two read, one of a convolution that two read, one
 * behind a convolution with biases, and one that ends in a dense layer. */
static void others(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){6, 7, 2, false}, PS_INIT_HE, 6);
    const int stem = norm(net, ps_net_conv(net, 0, "conv1", 6, 3, 1, 1, PS_NN_LINEAR), "bn1", PS_NN_TANH);
    int a = norm(net, ps_net_conv_plain(net, stem, "conv2", 6, 3, 1, 1), "bn2", PS_NN_LINEAR);
    const int b = ps_net_sum(net, stem, a);
    a = norm(net, ps_net_conv_plain(net, b, "conv3", 6, 1, 1, 0), "bn3", PS_NN_TANH);
    a = ps_net_sum(net, a, b);
    const int c = ps_net_conv_plain(net, a, "conv4", 6, 3, 1, 1);
    a = ps_net_sum(net, norm(net, c, "bn4", PS_NN_LINEAR), c);
    a = norm(net, ps_net_conv_plain(net, a, "conv5", 4, 3, 2, 1), "bn5", PS_NN_RELU);
    a = ps_net_sum_act(net, ps_net_pool(net, a, true, 3, 1, 1), a, PS_NN_RELU);
    a = norm(net, ps_net_conv_plain(net, a, "conv6", 4, 1, 1, 0), "bn6", PS_NN_LINEAR);
    a = norm(net, ps_net_conv_plain(net, a, "conv7", 7, 3, 1, 1), "bn7", PS_NN_LINEAR);
    ps_net_dense(net, a, "fc", 5, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

START_TEST(gradients)
{
    check_gradients(bottlenecks);
    check_gradients(written);
    check_gradients(others);
}
END_TEST

START_TEST(single)
{
    check_single(bottlenecks);
    check_single(written);
    check_single(others);
}
END_TEST

/* Which batch norms are not written out. */
START_TEST(found)
{
    static const char *const unwritten[] = {"bn2", "bn6"};
    struct ps_net net;
    int n = 0;
    bottlenecks(&net, &ps_nn_cpu);
    for (int i = 0; i < net.nodes; i++) n += net.node[i].unwritten;
    ck_assert_int_eq(n, 8);
    ps_net_free(&net);
    written(&net, &ps_nn_cpu);
    for (int i = 0; i < net.nodes; i++) ck_assert(!net.node[i].unwritten);
    ps_net_free(&net);
    others(&net, &ps_nn_cpu);
    for (int i = 0, at = 0; i < net.nodes; i++)
        if (net.node[i].unwritten) ck_assert_str_eq(net.node[i].name, unwritten[at++]);
    ps_net_free(&net);
}
END_TEST

/* Weights, running means and variances and outputs of a step and an evaluation after it. */
struct outcome {
    double *w, *dw, y[N * 5], later[N * 5];
};

static struct outcome step(void (*build)(struct ps_net *, const struct ps_nn_kernels *))
{
    struct ps_net net;
    struct ps_net_work work;
    build(&net, &ps_nn_ref64);
    const int64_t in = N * ps_shape_size(net.node[0].out), all = net.weights + net.buffers;
    struct outcome o = {.w = calloc((size_t)all, sizeof *o.w), .dw = calloc((size_t)all, sizeof *o.dw)};
    double *x = calloc((size_t)in, sizeof *x), *prepared = calloc((size_t)net.prepared, sizeof *prepared);
    struct ps_net_batch batch = {.n = N, .x = x, .sample = samples, .training = true};
    for (int64_t i = 0; i < in; i++) x[i] = number(1, i);
    ps_net_init(&net, o.w);
    ps_net_prepare(&net, o.w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&net, N, true, &work) == PS_OK);
    memcpy(o.y, ps_net_forward(&work, &batch, o.w, prepared), sizeof o.y);
    for (int i = 0; i < N * 5; i++) ((double *)ps_net_output_gradient(&work))[i] = number(2, i);
    ps_net_backward(&work, &batch, o.w, prepared, &(struct ps_net_gradient){.dw = o.dw});
    ps_net_work_free(&work);
    ps_net_buffers_follow(&net, o.dw, 1, o.w);
    batch.training = false;
    ck_assert(ps_net_work_make(&net, N, false, &work) == PS_OK);
    memcpy(o.later, ps_net_forward(&work, &batch, o.w, prepared), sizeof o.later);
    ps_net_work_free(&work);
    ps_net_free(&net);
    free(x), free(prepared);
    return o;
}

/* Gradients, running means and variances, in training and in evaluation: in double precision sums in another
 * order differ by some 1e-15 of the largest term. */
START_TEST(same)
{
    struct ps_net net;
    const struct outcome a = step(bottlenecks), b = step(written);
    bottlenecks(&net, &ps_nn_ref64);
    double moved = 0;
    for (int64_t i = 0; i < net.weights + net.buffers; i++) {
        ck_assert_msg(fabs(a.dw[i] - b.dw[i]) <= 1e-11 * fmax(1, fabs(b.dw[i])), "%lld: %.17g, not %.17g",
                      (long long)i, a.dw[i], b.dw[i]);
        ck_assert(fabs(a.w[i] - b.w[i]) <= 1e-12);
        if (i >= net.weights) moved += fabs(a.w[i]);
    }
    for (int i = 0; i < N * 5; i++) {
        ck_assert_msg(fabs(a.y[i] - b.y[i]) <= 1e-12, "output %d: %.17g, not %.17g", i, a.y[i], b.y[i]);
        ck_assert_msg(fabs(a.later[i] - b.later[i]) <= 1e-12, "evaluation %d: %.17g, not %.17g", i,
                      a.later[i], b.later[i]);
        ck_assert(fabs(a.y[i] - a.later[i]) > 1e-6); /* means are others */
    }
    ck_assert(moved > 0);
    free(a.w), free(a.dw), free(b.w), free(b.dw);
    ps_net_free(&net);
}
END_TEST

/* All images between the first convolution and the mean over all places are in bf16. What is stored is off by
 * up to 2^-9 of itself, some ten times one after the other, and batch norms bring differences of such numbers
 * back to size 1: some percent of the length of a gradient. Where a ReLU or a maximum changes sides, which
 * one in some hundred does, a gradient is another. */
static void check_half(void (*build)(struct ps_net *, const struct ps_nn_kernels *), double bound)
{
    struct ps_net net;
    struct ps_net_work work;
    build(&net, &ps_nn_cpu_bf16);
    for (int i = 1; i < net.nodes; i++)
        ck_assert_msg(net.node[i].half == (i < net.nodes - 2), "layer %d of %d", i, net.nodes);
    const struct outcome want = step(build);
    const int64_t in = N * ps_shape_size(net.node[0].out), all = net.weights + net.buffers;
    float *x = calloc((size_t)in, sizeof *x), *w = calloc((size_t)all, sizeof *w);
    float *dw = calloc((size_t)all, sizeof *dw);
    float *prepared = aligned_alloc(64, ((size_t)net.prepared * sizeof *prepared + 64) / 64 * 64);
    const struct ps_net_batch batch = {.n = N, .x = x, .sample = samples, .training = true};
    for (int64_t i = 0; i < in; i++) x[i] = (float)number(1, i);
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&net, N, true, &work) == PS_OK);
    const float *y = ps_net_forward(&work, &batch, w, prepared);
    double off = 0, length = 0;
    for (int i = 0; i < N * 5; i++) {
        off += (y[i] - want.y[i]) * (y[i] - want.y[i]);
        length += want.y[i] * want.y[i];
        ((float *)ps_net_output_gradient(&work))[i] = (float)number(2, i);
    }
    ck_assert_msg(off > 0 && sqrt(off / length) < 0.02, "output off by %g", sqrt(off / length));
    ps_net_backward(&work, &batch, w, prepared, &(struct ps_net_gradient){.dw = dw});
    off = length = 0;
    for (int64_t i = 0; i < net.weights; i++) {
        off += (dw[i] - want.dw[i]) * (dw[i] - want.dw[i]);
        length += want.dw[i] * want.dw[i];
    }
    ck_assert_msg(off > 0 && sqrt(off / length) < bound, "gradient off by %g", sqrt(off / length));
    for (int64_t i = net.weights; i < all; i++)
        ck_assert_msg(fabs(dw[i] - want.dw[i]) < 0.02 * fmax(1, fabs(want.dw[i])),
                      "running number %lld: %g, not %g", (long long)(i - net.weights), (double)dw[i],
                      want.dw[i]);
    ps_net_work_free(&work);
    ps_net_free(&net);
    free(x), free(w), free(dw), free(prepared), free(want.w), free(want.dw);
}

START_TEST(half)
{
    check_half(smooth, 0.02);
    check_half(bottlenecks, 0.2);
}
END_TEST

/* Arrays that are not written take no room, nor do those that nobody reads any more. */
START_TEST(room)
{
    struct ps_net net;
    struct ps_net_work work;
    int64_t most = 0, all = 0;
    bottlenecks(&net, &ps_nn_cpu);
    ck_assert(ps_net_work_make(&net, 1, true, &work) == PS_OK);
    for (int i = 1; i < net.nodes; i++) {
        const struct ps_node *node = &net.node[i];
        ck_assert(!node->unwritten || (work.y[i] == work.y[node->from] && work.dy[i] == work.dy[node->from]));
    }
    ps_net_work_free(&work);
    ps_net_free(&net);
    bottlenecks(&net,
                &ps_nn_ref); /* whose convolutions leave gradients as they are: sums hand theirs to both */
    for (int i = 1; i < net.nodes; i++) {
        const struct ps_node *node = &net.node[i];
        if (node->also < 0) continue;
        ck_assert(net.node[node->from].dy_of == node->dy_of && net.node[node->also].dy_of == node->dy_of);
    }
    ps_net_free(&net);
    bottlenecks(&net, &ps_nn_cpu);
    ck_assert(ps_net_work_make(&net, 1, false, &work) == PS_OK);
    for (int i = 1; i < net.nodes; i++) {
        const int64_t end = (char *)work.y[i] - (char *)work.y[1] + 4 * ps_shape_size(net.node[i].out);
        if (end > most) most = end;
        all += 4 * ps_shape_size(net.node[i].out);
    }
    /* the first convolution's is the largest by far, and needed while it is pooled */
    ck_assert_msg(most < 4 * ps_shape_size(net.node[1].out) * 3 / 2, "%lld of %lld bytes", (long long)most,
                  (long long)all);
    ps_net_work_free(&work);
    ps_net_free(&net);
}
END_TEST

/* He's start: variances 2 / (outputs x window), uniform within 1 / sqrt(inputs) where PyTorch has it, 1 and 0
 * for batch norms; 0 where asked. The deviation of a sample of n is known to 1 / sqrt(2 n). */
START_TEST(start)
{
    struct ps_net net;
    struct ps_tensor t[6 * PS_TENSORS_MAX];
    ps_net_begin(&net, &ps_nn_ref64, (struct ps_shape){9, 9, 16, false}, PS_INIT_HE, 5);
    int a = ps_net_conv_plain(&net, 0, "conv", 32, 3, 1, 1);
    a = norm(&net, a, "one", PS_NN_RELU);
    a = norm(&net, a, "zero", PS_NN_RELU);
    ps_net_zero(&net, a);
    ps_net_dense(&net, ps_net_pool(&net, a, true, 9, 9, 0), "fc", 10, PS_NN_LINEAR);
    ck_assert(ps_net_end(&net) == PS_OK);
    double *w = calloc((size_t)(net.weights + net.buffers), sizeof *w), sum = 0, squares = 0, most = 0;
    ps_net_init(&net, w);
    enum { CONV = 32 * 16 * 9, FC = CONV + 4 * 32 };
    ck_assert_int_eq(net.weights, FC + 10 * 33);
    ck_assert_int_eq(ps_net_tensors(&net, t), 1 + 4 + 4 + 2);
    for (int i = 0; i < CONV; i++) sum += w[i], squares += w[i] * w[i];
    const double want = sqrt(2. / (32 * 9)), got = sqrt(squares / CONV);
    ck_assert_msg(fabs(got / want - 1) < 4 / sqrt(2 * CONV), "%g, not %g", got, want);
    ck_assert_msg(fabs(sum / CONV) < 4 * want / sqrt(CONV), "mean %g", sum / CONV);
    for (int i = 0; i < 4 * 32; i++) ck_assert(w[CONV + i] == (i < 32));
    for (int i = FC; i < net.weights; i++) most = fmax(most, fabs(w[i]));
    ck_assert_msg(most <= 1 / sqrt(32) && most > 0.95 / sqrt(32), "%g", most);
    free(w);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {gradients, single, found, same, half, room, start, NULL};
    return mck_main(argc, argv, "nn_residual", tests);
}
