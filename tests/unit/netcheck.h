/** What tests of whole nets share: gradients as differences, and the same net in single precision. */
#ifndef NETCHECK_H
#define NETCHECK_H

#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/run/err.h"
#include "kernels/rng.h"

static double number(uint32_t stream, int64_t i)
{
    return (float)(2 * ps_rng_uniform((struct ps_rng){3, stream}, i, 0) - 1);
}

enum { N = 4 };
static const int64_t samples[N] = {7, 3, 90, 4};

/* The sum of all outputs, each times a number; gradients where dw is given. */
static double objective64(const struct ps_net *net, const double *x, const double *w, double *dw)
{
    struct ps_net_work work;
    double *prepared = calloc((size_t)net->prepared + 1, sizeof *prepared), sum = 0;
    const struct ps_net_batch batch = {.n = N, .x = x, .sample = samples, .step = 17, .training = true};
    const int64_t out = N * ps_shape_size(net->node[net->nodes - 1].out);
    ck_assert(ps_net_work_make(net, N, true, &work) == PS_OK);
    ps_net_prepare(net, w, prepared, 0, 1);
    const double *y = ps_net_forward(&work, &batch, w, prepared);
    for (int64_t i = 0; i < out; i++) sum += y[i] * number(9, i);
    if (dw) {
        double *dy = ps_net_output_gradient(&work);
        for (int64_t i = 0; i < out; i++) dy[i] = number(9, i);
        ps_net_backward(&work, &batch, w, prepared, &(struct ps_net_gradient){.dw = dw});
    }
    ps_net_work_free(&work);
    free(prepared);
    return sum;
}

/* Is weight i one that training leaves as it is? */
static bool is_fixed(const struct ps_net *net, int64_t i)
{
    for (int n = 0; n < net->nodes; n++) {
        const struct ps_node *node = &net->node[n];
        if (node->op->fixed && i >= node->weights_at && i < node->weights_at + node->weights) return true;
    }
    return false;
}

/* Gradients of weights are central differences: with h = 1e-6 those err by some 1e-9. Where a ReLU changes
 * sides in between they mean nothing, which the two halves tell; few do. */
static void check_gradients(void (*build)(struct ps_net *, const struct ps_nn_kernels *))
{
    struct ps_net net;
    build(&net, &ps_nn_ref64);
    const int64_t in = N * ps_shape_size(net.node[0].out), all = net.weights + net.buffers;
    double *x = calloc((size_t)in, sizeof *x), *w = calloc((size_t)all, sizeof *w),
           *dw = calloc((size_t)all, sizeof *dw);
    for (int64_t i = 0; i < in; i++) x[i] = number(1, i);
    ps_net_init(&net, w);
    const double here = objective64(&net, x, w, dw);
    int looked_at = 0, kinks = 0;
    for (int64_t i = 0; i < net.weights; i += 1 + net.weights / 300) {
        const double was = w[i], h = 1e-6;
        if (is_fixed(&net, i)) {
            ck_assert_msg(dw[i] == 0, "weight %lld: %.12g, not 0", (long long)i, dw[i]);
            continue;
        }
        w[i] = was + h;
        const double up = objective64(&net, x, w, NULL);
        w[i] = was - h;
        const double down = objective64(&net, x, w, NULL);
        w[i] = was;
        looked_at++;
        if (fabs(up - here - (here - down)) > 1e-3 * h * fmax(1, fabs(dw[i]))) {
            kinks++;
            continue;
        }
        ck_assert_msg(fabs((up - down) / (2 * h) - dw[i]) <= 1e-7 * fmax(1, fabs(dw[i])),
                      "weight %lld: %.12g, not %.12g", (long long)i, dw[i], (up - down) / (2 * h));
    }
    ck_assert_msg(20 * kinks <= looked_at, "%d kinks at %d places", kinks, looked_at);
    ps_net_free(&net);
    free(x), free(w), free(dw);
}

/* Ranges come from the end of the vector to its beginning, each final when it is told: nothing of it changes
 * afterwards. */
struct told {
    int64_t from;
    const float *dw;
    float *seen;
};

static void told(void *context, int64_t lo, int64_t hi)
{
    struct told *t = context;
    ck_assert_msg(lo < hi && hi == t->from, "[%lld, %lld) before %lld", (long long)lo, (long long)hi,
                  (long long)t->from);
    memcpy(t->seen + lo, t->dw + lo, (size_t)(hi - lo) * sizeof *t->seen);
    t->from = lo;
}

/* Gradients written over what is no number, then added to: `times` the right ones. */
static void check_backward(struct ps_net_work *work, const struct ps_net_batch *batch, const float *w,
                           const float *prepared, const double *dw64, float *dw)
{
    const struct ps_net *net = work->net;
    const int64_t all = net->weights + net->buffers, out = N * ps_shape_size(net->node[net->nodes - 1].out);
    float *seen = calloc((size_t)all, sizeof *seen);
    for (int times = 1; times <= 2; times++) {
        struct told t = {.from = all, .dw = dw, .seen = seen};
        const struct ps_net_gradient g = {.dw = dw, .add = times > 1, .ready = told, .context = &t};
        if (times == 1) memset(dw, 0xff, (size_t)all * sizeof *dw);
        ps_net_forward(work, batch, w, prepared);
        float *dy = ps_net_output_gradient(work);
        for (int64_t i = 0; i < out; i++) dy[i] = (float)number(9, i);
        ps_net_backward(work, batch, w, prepared, &g);
        ck_assert_msg(t.from == 0, "nothing was said of the first %lld", (long long)t.from);
        ck_assert(memcmp(seen, dw, (size_t)all * sizeof *dw) == 0);
        for (int64_t i = 0; i < all; i++)
            ck_assert_msg(fabs(dw[i] - times * dw64[i]) <= 2e-5 * times * fmax(1, fabs(dw64[i])),
                          "%s: gradient %lld is %.9g, not %.9g", net->kernels->name, (long long)i,
                          (double)dw[i], times * dw64[i]);
    }
    free(seen);
}

/* The same nets in single precision, by both back ends: some layers of sums of up to 150 terms: 1e-5. */
static void check_single(void (*build)(struct ps_net *, const struct ps_nn_kernels *))
{
    struct ps_net net64, net;
    build(&net64, &ps_nn_ref64);
    const int64_t in = N * ps_shape_size(net64.node[0].out), all = net64.weights + net64.buffers;
    double *x64 = calloc((size_t)in, sizeof *x64), *w64 = calloc((size_t)all, sizeof *w64);
    double *dw64 = calloc((size_t)all, sizeof *dw64);
    float *x = calloc((size_t)in, sizeof *x), *w = calloc((size_t)all, sizeof *w),
          *dw = calloc((size_t)all, sizeof *dw);
    for (int64_t i = 0; i < in; i++) x64[i] = x[i] = (float)number(1, i);
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    for (int t = 0; t < 2; t++) {
        struct ps_net_work work;
        build(&net, tables[t]);
        float *prepared = aligned_alloc(64, ((size_t)net.prepared * sizeof *prepared + 64) / 64 * 64);
        const struct ps_net_batch batch = {.n = N, .x = x, .sample = samples, .step = 17, .training = true};
        const int64_t out = N * ps_shape_size(net.node[net.nodes - 1].out);
        ps_net_init(&net, w);
        for (int64_t i = 0; i < all; i++) w64[i] = w[i];
        const double want = objective64(&net64, x64, w64, dw64);
        ck_assert(ps_net_work_make(&net, N + 3, true, &work) == PS_OK);
        for (int part = 0; part < 2; part++) ps_net_prepare(&net, w, prepared, part, 2);
        const float *y = ps_net_forward(&work, &batch, w, prepared);
        double sum = 0;
        for (int64_t i = 0; i < out; i++) sum += y[i] * number(9, i);
        ck_assert_msg(fabs(sum - want) <= 1e-5 * (double)out, "%s: %.9g, not %.9g", tables[t]->name, sum,
                      want);
        check_backward(&work, &batch, w, prepared, dw64, dw);
        ps_net_work_free(&work);
        ps_net_free(&net);
        free(prepared);
    }
    ps_net_free(&net64);
    free(x64), free(w64), free(dw64), free(x), free(w), free(dw);
}

#endif
