/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/run/err.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/rng.h"

/* Sums that a convolution makes as it reads them, against the same sums made by themselves: what is written
 * is the same, bit by bit, as are gradients. Per-channel sums are cut into other pieces. */

enum { N = 4 };
static const int64_t samples[N] = {7, 3, 90, 4};

static double number(uint32_t stream, int64_t i)
{
    return (float)(2 * ps_rng_uniform((struct ps_rng){3, stream}, i, 0) - 1);
}

/** Numbers in single precision or in bf16. */
static void *make(int64_t n, uint32_t stream, bool half)
{
    const size_t bytes = ((size_t)n * (half ? sizeof(uint16_t) : sizeof(float)) + 64) / 64 * 64;
    void *a = aligned_alloc(64, bytes);
    memset(a, 0, bytes);
    for (int64_t i = 0; i < n; i++)
        if (half)
            ((uint16_t *)a)[i] = ps_round_half((float)number(stream, i));
        else
            ((float *)a)[i] = (float)number(stream, i);
    return a;
}

static void equal(const char *what, const void *a, const void *b, int64_t n, bool half)
{
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(memcmp((const char *)a + (size_t)i * size, (const char *)b + (size_t)i * size, size) ==
                          0,
                      "%s, number %lld of %lld is another", what, (long long)i, (long long)n);
}

/** Which inputs are normalised, whose gradients go to arrays of their own, what is added to. */
struct joined_case {
    const struct ps_nn_kernels *k;
    int64_t places, channels, out;
    bool read, also_read, copied, add, relu, half_x, half_also, half_y;
};

/** All arrays of one way. */
struct way {
    void *sum, *y, *dx, *dcopy, *dy;
    float *dw, *prepared, *work;
    double sums[2][1024], moments[1024];
};

static struct ps_nn_read read_of(const float *factors, int64_t c)
{
    return (struct ps_nn_read){factors, factors + c, factors + 2 * c, PS_NN_LINEAR};
}

static struct ps_nn_conv conv_of(const struct joined_case *v)
{
    const bool half = v->k->half_images;
    return (struct ps_nn_conv){.at = {1, v->places, v->channels, 1, v->places, 1, 1, 0},
                               .out = v->out,
                               .data = true,
                               .plain = true,
                               .half_x = v->half_y,
                               .half_y = half};
}

/** Forward and backward, the sum within the convolution or apart from it. */
static void go(const struct joined_case *v, bool within, struct way *w)
{
    const int64_t c = v->channels, n = N * v->places * c, outs = N * v->places * v->out;
    const bool half = v->k->half_images;
    const struct ps_nn_conv l = conv_of(v);
    const struct ps_nn_sum s = {v->places,    c,        v->relu ? PS_NN_RELU : PS_NN_LINEAR, v->half_x,
                                v->half_also, v->half_y};
    const struct ps_nn_size size = v->k->conv_size(&l, N);
    void *x = make(n, 1, v->half_x), *also = make(n, 2, v->half_also);
    float *weights = make(size.weights, 3, false), *f = make(3 * c, 4, false), *g = make(3 * c, 5, false);
    w->sum = make(n, 6, v->half_y), w->y = make(outs, 7, half), w->dx = make(n, 8, v->half_y);
    w->dcopy = make(n, 9, v->half_x), w->dy = make(outs, 10, half), w->dw = make(size.weights, 11, false);
    w->prepared = make(size.prepared + 1, 12, false), w->work = make(size.work + 1, 13, false);
    struct ps_nn_pass sum = {.n = N, .x = x, .also = also, .y = w->sum};
    if (v->read) sum.read = read_of(f, c), sum.sums = w->sums[0];
    if (v->also_read) sum.also_read = read_of(g, c), sum.also_sums = w->sums[1];
    const struct ps_nn_joined joined = {&s, &sum};
    struct ps_nn_pass p = {.n = N,
                           .x = w->sum,
                           .y = w->y,
                           .w = weights,
                           .prepared = w->prepared,
                           .work = w->work,
                           .moments = w->moments,
                           .joined = within ? &joined : NULL};
    v->k->conv_prepare(&l, weights, w->prepared, 0, 1);
    if (!within) v->k->sum_forward(&s, &sum);
    v->k->conv_forward(&l, &p);
    p.dy = w->dy, p.dx = sum.dy = w->dx, p.dw = w->dw, p.dx_add = p.dw_add = v->add, p.moments = NULL;
    if (v->copied) sum.dx = w->dcopy, sum.dx_add = v->add;
    v->k->conv_backward(&l, &p);
    if (!within) v->k->sum_backward(&s, &sum);
    free(x), free(also), free(weights), free(f), free(g);
}

static void drop(struct way *w)
{
    free(w->sum), free(w->y), free(w->dx), free(w->dcopy), free(w->dy), free(w->dw), free(w->prepared);
    free(w->work);
}

/** Sums in single precision of up to 32 rows: off by 2^-24 of each partial sum, whose size is at most 32. */
static void near(const double *a, const double *b, int64_t n, int64_t rows)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabs(a[i] - b[i]) <= (double)rows * 32 * 0x1p-22, "sum %lld: %.9g, not %.9g",
                      (long long)i, a[i], b[i]);
}

static void check(const struct joined_case *v)
{
    const int64_t n = N * v->places * v->channels, outs = N * v->places * v->out;
    const struct ps_nn_conv l = conv_of(v);
    const bool half = v->k->half_images;
    static struct way a, b;
    ck_assert(v->k->conv_joins(&l));
    go(v, false, &a);
    go(v, true, &b);
    equal("sum", b.sum, a.sum, n, v->half_y);
    equal("output", b.y, a.y, outs, half);
    equal("gradient of the sum", b.dx, a.dx, n, v->half_y);
    if (v->copied) equal("copied gradient", b.dcopy, a.dcopy, n, v->half_x);
    equal("gradient of weights", b.dw, a.dw, v->k->conv_size(&l, N).weights, false);
    if (v->read) near(b.sums[0], a.sums[0], 2 * v->channels, N * v->places);
    if (v->also_read) near(b.sums[1], a.sums[1], 2 * v->channels, N * v->places);
    drop(&a), drop(&b);
}

/* Blocks of places: one, and several with a smaller last one. */
START_TEST(kernels)
{
    for (int i = 0; i < 32; i++) {
        const bool read = i & 1, also = i & 2, copied = i & 4, add = i & 8, relu = i & 16;
        check(&(struct joined_case){&ps_nn_cpu, 7, 64, 128, read, also, copied, add, relu, false, false,
                                    false});
        check(&(struct joined_case){&ps_nn_cpu_bf16, 7, 20, 9, read, also, copied, add, relu, true, true,
                                    true});
    }
    for (int half = 0; half < 8; half++)
        check(&(struct joined_case){&ps_nn_cpu_bf16, 30, 33, 18, true, true, true, true, true, half & 1,
                                    half & 2, half & 4});
    check(&(struct joined_case){&ps_nn_cpu, 201, 256, 64, .read = true, .add = true, .relu = true});
    check(&(struct joined_case){&ps_nn_cpu_bf16, 301, 256, 64, .read = true, .add = true, .relu = true,
                                .half_x = true, .half_also = true, .half_y = true});
}
END_TEST

static bool never(const struct ps_nn_conv *l)
{
    (void)l;
    return false;
}

static int unit(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride,
                enum ps_nn_act act)
{
    const int conv = ps_net_conv_plain(net, from, name, out, kernel, stride, kernel / 2);
    return ps_net_batch_norm(net, conv, name, 1e-5, 0.1, act);
}

/** Three blocks, whose second has a convolution as shortcut, and whose convolutions join the sums before. */
static void build(struct ps_net *net, const struct ps_nn_kernels *k)
{
    static const char *const names[3][4] = {
        {"a1", "a2", "a3", ""}, {"b1", "b2", "b3", "b4"}, {"c1", "c2", "c3", ""}};
    ps_net_begin(net, k, (struct ps_shape){8, 8, 3, false}, PS_INIT_HE, 5);
    int a = unit(net, 0, "stem", 64, 3, 1, PS_NN_RELU);
    a = ps_net_pool(net, a, false, 3, 1, 1);
    for (int i = 0; i < 3; i++) {
        int b = unit(net, a, names[i][0], 64, 1, 1, PS_NN_RELU);
        b = unit(net, b, names[i][1], 64, 3, i == 1 ? 2 : 1, PS_NN_RELU);
        b = unit(net, b, names[i][2], i == 0 ? 64 : 128, 1, 1, PS_NN_LINEAR);
        if (i == 1) a = unit(net, a, names[i][3], 128, 1, 2, PS_NN_LINEAR);
        a = ps_net_sum_act(net, b, a, PS_NN_RELU);
    }
    ps_net_dense(net, ps_net_pool(net, a, true, 4, 1, 0), "fc", 5, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/** Outputs in training and in evaluation, and gradients. */
struct outcome {
    float *dw, y[N * 5], later[N * 5];
    int64_t weights;
    int joined;
};

static struct outcome outcome_of(const struct ps_nn_kernels *k)
{
    struct outcome o = {0};
    struct ps_net net;
    struct ps_net_work work;
    build(&net, k);
    o.weights = net.weights + net.buffers;
    for (int i = 0; i < net.nodes; i++) o.joined += net.node[i].joined;
    float *x = make(N * ps_shape_size(net.node[0].out), 1, false), *w = make(o.weights, 2, false);
    float *prepared = make(net.prepared, 3, false);
    struct ps_net_batch batch = {.n = N, .x = x, .sample = samples, .training = true};
    o.dw = make(o.weights, 4, false);
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&net, N, true, &work) == PS_OK);
    memcpy(o.y, ps_net_forward(&work, &batch, w, prepared), sizeof o.y);
    for (int i = 0; i < N * 5; i++) ((float *)ps_net_output_gradient(&work))[i] = (float)number(5, i);
    ps_net_backward(&work, &batch, w, prepared, &(struct ps_net_gradient){.dw = o.dw});
    ps_net_work_free(&work);
    batch.training = false;
    ck_assert(ps_net_work_make(&net, N, false, &work) == PS_OK);
    memcpy(o.later, ps_net_forward(&work, &batch, w, prepared), sizeof o.later);
    ps_net_work_free(&work);
    ps_net_free(&net);
    free(x), free(w), free(prepared);
    return o;
}

/* Whole nets, with their plans of memory: forwards the same bits. Backwards sums of batch norms differ in the
 * last digits; in bf16 these turn a rounding here and there, 2^-9 of a number. */
START_TEST(nets)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_cpu, &ps_nn_cpu_bf16};
    for (int t = 0; t < 2; t++) {
        struct ps_nn_kernels apart = *tables[t];
        apart.conv_joins = never;
        const struct outcome a = outcome_of(&apart), b = outcome_of(tables[t]);
        double off = 0, length = 0;
        ck_assert_int_eq(a.joined, 0);
        ck_assert_int_eq(b.joined, 2); /* the last one is pooled */
        equal("output", b.y, a.y, N * 5, false);
        equal("output in evaluation", b.later, a.later, N * 5, false);
        for (int64_t i = 0; i < a.weights; i++) {
            const double d = (double)b.dw[i] - (double)a.dw[i];
            off += d * d;
            length += (double)a.dw[i] * (double)a.dw[i];
        }
        ck_assert_msg(length > 0 && sqrt(off / length) < (t == 0 ? 1e-5 : 1e-2), "gradients off by %g",
                      sqrt(off / length));
        free(a.dw), free(b.dw);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {kernels, nets, NULL};
    return mck_main(argc, argv, "nn_joined", tests);
}
