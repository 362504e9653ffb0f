/* ranks: 1 2 */
#include "trainrun.h"
#include <math.h>
#include <stdlib.h>

enum { N = 5, SIDE = 8, OUT = 3 };

/* What is frozen: a normalisation that is not written out, and one that is. */
static int first_part(struct ps_net *net)
{
    int a = ps_net_conv_plain(net, 0, "conv1", 4, 3, 1, 1);
    a = ps_net_batch_norm(net, a, "bn1", 1e-5, 0.1, PS_NN_RELU);
    a = ps_net_conv(net, a, "conv2", 6, 3, 2, 1, PS_NN_TANH);
    a = ps_net_batch_norm(net, a, "bn2", 1e-5, 0.1, PS_NN_RELU);
    return ps_net_dropout(net, a, 0.5);
}

/* A residual block whose shortcut begins where the net is frozen, and a classifier. */
static void second_part(struct ps_net *net, int from)
{
    int a = ps_net_conv_plain(net, from, "conv3", 6, 3, 1, 1);
    a = ps_net_batch_norm(net, a, "bn3", 1e-5, 0.1, PS_NN_LINEAR);
    a = ps_net_sum_act(net, a, from, PS_NN_RELU);
    ps_net_dense(net, a, "fc", OUT, PS_NN_LINEAR);
}

static void begin(struct ps_net *net, int64_t side, int64_t channels)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){side, side, channels, false}, PS_INIT_HE, 4);
}

static const int32_t labels[N] = {0, 2, 1, 1, 0};

/* Loss and gradients. */
static double pass(const struct ps_net *net, struct ps_net_work *work, const float *x, bool training,
                   const float *w, float *dw)
{
    const int64_t sample[N] = {0, 1, 2, 3, 4};
    const struct ps_net_batch batch = {.n = N, .x = x, .sample = sample, .training = training};
    const struct ps_net_gradient g = {.dw = dw};
    const struct ps_nn_softmax l = {.classes = OUT};
    float *prepared = calloc((size_t)net->prepared + 1, sizeof *prepared);
    ps_net_prepare(net, w, prepared, 0, 1);
    const float *y = ps_net_forward(work, &batch, w, prepared);
    double loss = 0;
    if (dw) {
        loss = net->kernels->softmax_loss(&l, N, y, labels, 1, ps_net_output_gradient(work));
        ps_net_backward(work, &batch, w, prepared, &g);
    }
    free(prepared);
    return loss;
}

/* The second part alone, on what the first gives in evaluation, has the same loss and gradients; those of the
 * first part are zero. The kernels are the same, and see the same numbers: equal bits. */
START_TEST(same_gradients)
{
    struct ps_net all, first, second;
    struct ps_net_work work_all, work_first, work_second;
    float x[N * SIDE * SIDE * 2];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)ps_rng_normal((struct ps_rng){1, 1}, (int64_t)i, 0);

    begin(&all, SIDE, 2);
    const int last = first_part(&all);
    second_part(&all, last);
    ps_net_freeze(&all, last);
    begin(&first, SIDE, 2);
    first_part(&first);
    begin(&second, SIDE / 2, 6);
    second_part(&second, 0);
    ck_assert(ps_net_end(&all) == PS_OK && ps_net_end(&first) == PS_OK && ps_net_end(&second) == PS_OK);
    ck_assert(all.frozen_weights == first.weights && all.weights == first.weights + second.weights);

    const int64_t n = all.weights + all.buffers;
    float *w = malloc((size_t)n * sizeof *w), *dw = malloc((size_t)n * sizeof *dw);
    float *w1 = malloc((size_t)n * sizeof *w), *w2 = malloc((size_t)n * sizeof *w);
    float *dw2 = malloc((size_t)n * sizeof *dw);
    ps_net_init(&all, w);
    for (int64_t i = all.weights; i < n; i++) w[i] += 0.1F; /* running means are not those of the batch */
    for (int64_t i = 0; i < n; i++) dw[i] = 7;
    memcpy(w1, w, (size_t)first.weights * sizeof *w);
    memcpy(w1 + first.weights, w + all.weights, (size_t)first.buffers * sizeof *w);
    memcpy(w2, w + first.weights, (size_t)second.weights * sizeof *w);
    memcpy(w2 + second.weights, w + all.weights + first.buffers, (size_t)second.buffers * sizeof *w);

    ck_assert(ps_net_work_make(&all, N, true, &work_all) == PS_OK);
    ck_assert(ps_net_work_make(&first, N, false, &work_first) == PS_OK);
    ck_assert(ps_net_work_make(&second, N, true, &work_second) == PS_OK);
    const double loss = pass(&all, &work_all, x, true, w, dw);
    pass(&first, &work_first, x, false, w1, NULL);
    const double want = pass(&second, &work_second, work_first.y[first.nodes - 1], true, w2, dw2);
    ck_assert_msg(loss == want, "loss %.9g, not %.9g", loss, want);
    for (int64_t i = 0; i < all.weights; i++)
        ck_assert_msg(dw[i] == (i < first.weights ? 0 : dw2[i - first.weights]), "gradient %lld",
                      (long long)i);
    for (int64_t i = 0; i < all.buffers; i++)
        ck_assert_msg(dw[all.weights + i] ==
                          (i < first.buffers ? 0 : dw2[second.weights + i - first.buffers]),
                      "buffer %lld", (long long)i);
    ps_net_work_free(&work_all), ps_net_work_free(&work_first), ps_net_work_free(&work_second);
    ps_net_free(&all), ps_net_free(&first), ps_net_free(&second);
    free(w), free(dw), free(w1), free(w2), free(dw2);
}
END_TEST

/* Frozen weights and running means do not move, decay, momentum and clipping or not; others do, with the same
 * bits on all ranks and threads. */
START_TEST(trained)
{
    static const char *const rules[] = {"sgd", "adamw", "lars", "lamb"};
    for (int r = 0; r < 4; r++) {
        struct ps_train_params p = defaults();
        struct ps_net net;
        struct outcome first = {.w = NULL};
        snprintf(p.optimizer, sizeof p.optimizer, "%s", rules[r]);
        p.decay = 0.1, p.momentum = 0.9, p.clip = r % 2 ? 1 : 0;
        ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){1, 1, FEATURES, false}, PS_INIT_TORCH, 7);
        int a = ps_net_dense(&net, 0, "one", 9, PS_NN_TANH);
        a = ps_net_batch_norm(&net, a, "norm", 1e-5, 0.1, PS_NN_RELU);
        ps_net_freeze(&net, a);
        ps_net_dense(&net, ps_net_batch_norm(&net, a, "more", 1e-5, 0.1, PS_NN_LINEAR), "two", CLASSES,
                     PS_NN_LINEAR);
        mck_assert(ps_net_end(&net) == PS_OK, "%s", ps_err_message());
        const struct ps_train_job job = job_of(&p, &net);
        const int64_t n = net.weights + net.buffers;
        float *begin = malloc((size_t)n * sizeof *begin);
        ps_net_init(&net, begin);
        for (int threads = 1; threads <= 2; threads++) {
            struct outcome o = train_job(MPI_COMM_WORLD, threads, &job);
            mck_assert(o.status == PS_OK, "%s", ps_err_message());
            for (int64_t i = 0; i < n; i++) {
                const bool frozen =
                    i < net.frozen_weights || (i >= net.weights && i < net.weights + net.node[a].buffers);
                mck_assert((o.w[i] == begin[i]) == frozen, "%s: element %lld", rules[r], (long long)i);
            }
            mck_assert(!first.w || equal(&first, &o), "other bits with %d threads", threads);
            if (first.w)
                free(o.w);
            else
                first = o;
        }
        free(first.w), free(begin);
        ps_net_free(&net);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {same_gradients, trained, NULL};
    return mck_main(argc, argv, "nn_freeze", tests);
}
