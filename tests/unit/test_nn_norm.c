/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/cpu.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/rng.h"

/* Sums and pooling that read through normalisations, of images in single precision and in bf16, beside the
 * reference in double precision. */

enum { N = 3 };

/** An array in both precisions; float ones hold what bf16 holds, where they are to. */
struct array {
    int64_t n;
    bool half;
    double *wide;
    void *own; /* float or uint16_t */
};

static struct array make(int64_t n, uint32_t stream, bool half)
{
    struct array a = {n, half, calloc((size_t)n, sizeof(double)),
                      aligned_alloc(64, (size_t)(n * 4 + 127) / 64 * 64)};
    for (int64_t i = 0; i < n; i++) {
        const float x = (float)(2 * ps_rng_uniform((struct ps_rng){5, stream}, i, 0) - 1);
        const uint16_t h = ps_round_half(x);
        a.wide[i] = half ? ps_half_value(h) : x;
        if (half)
            ((uint16_t *)a.own)[i] = h;
        else
            ((float *)a.own)[i] = x;
    }
    return a;
}

static void drop(struct array *a)
{
    free(a->wide), free(a->own);
}

/* What is in bf16 was rounded once, by at most 2^-9 of itself; sums of a few numbers in single precision. */
static void compare(const struct array *a, const char *what)
{
    for (int64_t i = 0; i < a->n; i++) {
        const double got = a->half ? ps_half_value(((uint16_t *)a->own)[i]) : ((float *)a->own)[i];
        const double bound = (a->half ? 0x1p-8 : 0) * fabs(a->wide[i]) + 1e-6;
        ck_assert_msg(fabs(got - a->wide[i]) <= bound, "%s, element %lld: %.9g, not %.9g", what, (long long)i,
                      got, a->wide[i]);
    }
}

/** Factors, offsets and means of channels. */
struct factors {
    struct array a, b, mean;
};

static struct factors make_factors(int64_t c, uint32_t stream)
{
    return (struct factors){make(c, stream, false), make(c, stream + 1, false), make(c, stream + 2, false)};
}

static void drop_factors(struct factors *f)
{
    drop(&f->a), drop(&f->b), drop(&f->mean);
}

static struct ps_nn_read read_of(const struct factors *f, bool wide, enum ps_nn_act act)
{
    if (wide) return (struct ps_nn_read){f->a.wide, f->b.wide, f->mean.wide, act};
    return (struct ps_nn_read){f->a.own, f->b.own, f->mean.own, act};
}

/* ReLU has its kink where rounding cannot reach. */
static void avoid_kink(const struct factors *f, struct array *x, int64_t c)
{
    for (int64_t i = 0; i < x->n; i++) {
        const double a = f->a.wide[i % c], b = f->b.wide[i % c];
        if (fabs(a * x->wide[i] + b) >= 1e-3) continue;
        x->wide[i] = 0.5;
        if (x->half)
            ((uint16_t *)x->own)[i] = ps_round_half(0.5f);
        else
            ((float *)x->own)[i] = 0.5f;
    }
}

/* Sums over all rows; those of images in bf16 are of rounded gradients, each off by 2^-9. */
static void compare_sums(const double *got, const double *want, int64_t c, int64_t rows, bool half,
                         const char *what)
{
    const double bound = (double)rows * 1e-6 + (half ? sqrt((double)rows) * 4 * 0x1p-9 : 0);
    for (int64_t k = 0; k < 2 * c; k++)
        ck_assert_msg(fabs(got[k] - want[k]) <= bound, "%s, sum %lld: %.9g, not %.9g", what, (long long)k,
                      got[k], want[k]);
}

/** A sum of two inputs: which are normalised, and which gradients go to arrays of their own. */
struct sum_case {
    bool read, also_read, dx, dalso, add, relu;
    bool half_x, half_also, half_y;
};

static void check_sum(int64_t places, int64_t c, const struct sum_case *v)
{
    const int64_t n = N * places * c;
    struct array x = make(n, 1, v->half_x), also = make(n, 2, v->half_also), y = make(n, 3, v->half_y);
    struct array dy = make(n, 4, v->half_y), dx = make(n, 5, v->half_x), dalso = make(n, 6, v->half_also);
    struct factors f = make_factors(c, 10), g = make_factors(c, 20);
    double sums[2][4][256];
    memset(sums, 0xff, sizeof sums);
    const struct ps_nn_sum l = {places,       c,        v->relu ? PS_NN_RELU : PS_NN_LINEAR, v->half_x,
                                v->half_also, v->half_y};
    for (int wide = 0; wide < 2; wide++) {
        struct ps_nn_pass p = {.n = N, .dx_add = v->add, .dalso_add = v->add};
        p.x = wide ? (void *)x.wide : x.own, p.also = wide ? (void *)also.wide : also.own;
        p.y = wide ? (void *)y.wide : y.own, p.dy = wide ? (void *)dy.wide : dy.own;
        if (v->dx) p.dx = wide ? (void *)dx.wide : dx.own;
        if (v->dalso) p.dalso = wide ? (void *)dalso.wide : dalso.own;
        if (v->read) p.read = read_of(&f, wide, PS_NN_LINEAR), p.sums = sums[wide][0];
        if (v->also_read) p.also_read = read_of(&g, wide, PS_NN_LINEAR), p.also_sums = sums[wide][2];
        (wide ? &ps_nn_ref64 : &ps_nn_cpu)->sum_forward(&l, &p);
        if (wide) compare(&y, "sum");
        for (int64_t i = 0; i < n && wide; i++) /* on the same side of the kink */
            y.wide[i] = v->half_y ? ps_half_value(((uint16_t *)y.own)[i]) : ((float *)y.own)[i];
        (wide ? &ps_nn_ref64 : &ps_nn_cpu)->sum_backward(&l, &p);
    }
    compare(&dy, "gradient of sum");
    if (v->dx) compare(&dx, "gradient of first input");
    if (v->dalso) compare(&dalso, "gradient of second input");
    if (v->read) compare_sums(sums[0][0], sums[1][0], c, N * places, false, "first input");
    if (v->also_read) compare_sums(sums[0][2], sums[1][2], c, N * places, false, "second input");
    drop(&x), drop(&also), drop(&y), drop(&dy), drop(&dx), drop(&dalso);
    drop_factors(&f), drop_factors(&g);
}

START_TEST(sums)
{
    for (int i = 0; i < 512; i++) {
        const struct sum_case v = {i & 1, i & 2, i & 4, i & 8, i & 16, i & 32, i & 64, i & 128, i & 256};
        check_sum(14, 20, &v);
    }
    check_sum(49, 64, &(struct sum_case){.read = true, .dalso = true, .relu = true});
    check_sum(1, 1, &(struct sum_case){.read = true, .also_read = true, .dalso = true});
}
END_TEST

static struct ps_nn_window window(int64_t height, int64_t width, int64_t c, int kernel, int stride, int pad)
{
    return (struct ps_nn_window){.height = height,
                                 .width = width,
                                 .channels = c,
                                 .rows = (height + 2 * pad - kernel) / stride + 1,
                                 .cols = (width + 2 * pad - kernel) / stride + 1,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = pad};
}

static void check_pool(const struct ps_nn_pool *l, bool read, enum ps_nn_act act)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t c = at->channels, rows = N * at->height * at->width, out = N * at->rows * at->cols * c;
    struct array x = make(rows * c, 1, l->half_x), dx = make(rows * c, 2, l->half_x);
    struct array y = make(out, 3, l->half_y), dy = make(out, 4, l->half_y);
    struct factors f = make_factors(c, 10);
    double sums[2][256];
    if (read) avoid_kink(&f, &x, c);
    memset(sums, 0xff, sizeof sums);
    for (int wide = 0; wide < 2; wide++) {
        struct ps_nn_pass p = {.n = N, .sums = sums[wide]};
        p.x = wide ? (void *)x.wide : x.own, p.dx = wide ? (void *)dx.wide : dx.own;
        p.y = wide ? (void *)y.wide : y.own, p.dy = wide ? (void *)dy.wide : dy.own;
        if (read) p.read = read_of(&f, wide, act);
        (wide ? &ps_nn_ref64 : &ps_nn_cpu)->pool_forward(l, &p);
        (wide ? &ps_nn_ref64 : &ps_nn_cpu)->pool_backward(l, &p);
    }
    compare(&y, "pooling");
    /* in bf16 several gradients meet in one number, each rounded; of values that are rounded to equal ones
     * another may be the first */
    if (!l->half_x && !l->half_y) compare(&dx, "gradient of pooling's input");
    if (read) compare_sums(sums[0], sums[1], c, rows, l->half_x || l->half_y, "pooling");
    drop(&x), drop(&dx), drop(&y), drop(&dy);
    drop_factors(&f);
}

START_TEST(pooling)
{
    const struct ps_nn_window windows[] = {window(13, 12, 20, 3, 2, 1), window(8, 8, 64, 2, 2, 0),
                                           window(9, 11, 5, 2, 3, 0), window(5, 4, 33, 3, 1, 1)};
    for (int w = 0; w < 4; w++)
        for (int i = 0; i < 8; i++) {
            const bool mean = i & 1, half_x = i & 2, half_y = i & 4;
            const struct ps_nn_pool l = {windows[w], mean, half_x, half_y};
            check_pool(&l, false, PS_NN_LINEAR);
            if (!mean && (half_x || half_y)) continue; /* rounding may make another the largest */
            check_pool(&l, true, PS_NN_LINEAR);
            check_pool(&l, true, PS_NN_RELU);
        }
}
END_TEST

/* Where several values are rounded to one in bf16, the first of them gets the whole gradient, once. */
START_TEST(rounded)
{
    const struct ps_nn_pool l = {.at = window(2, 2, 1, 2, 2, 0), .half_x = true, .half_y = true};
    const float a[16] = {1.001f}, b[16] = {0.0004f}, mean[16] = {0};
    uint16_t x[4] = {ps_round_half(0.5f), ps_round_half(1), ps_round_half(1), 0}, y[1], dx[4];
    uint16_t dy[1] = {ps_round_half(3)};
    double sums[2];
    const struct ps_nn_pass p = {
        .n = 1, .x = x, .y = y, .dy = dy, .dx = dx, .read = {a, b, mean, PS_NN_RELU}, .sums = sums};
    ps_nn_cpu.pool_forward(&l, &p);
    ps_nn_cpu.pool_backward(&l, &p);
    ck_assert(ps_half_value(y[0]) == 1);
    ck_assert(dx[0] == 0 && ps_half_value(dx[1]) == 3 && dx[2] == 0 && dx[3] == 0);
    ck_assert(sums[0] == 3 && sums[1] == 3);
}
END_TEST

/* Convolutions that say they leave the gradient of y as it is do so, read through a normalisation or not;
 * those of single places between images in bf16, and without a stride in single precision, say it. */
START_TEST(kept)
{
    static const struct {
        int kernel, stride;
        int64_t in, out, side;
    } convs[] = {
        {1, 1, 64, 128, 7}, {1, 2, 32, 64, 9}, {3, 1, 64, 64, 14}, {3, 2, 16, 20, 9}, {1, 1, 5, 3, 6}};
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu, &ps_nn_cpu_bf16};
    for (int i = 0; i < 30; i++) {
        const struct ps_nn_kernels *k = tables[i / 10];
        const bool half = k->half_images, normal = i & 1;
        const int c = i / 2 % 5, kernel = convs[c].kernel;
        const struct ps_nn_conv l = {
            .at = window(convs[c].side, convs[c].side, convs[c].in, kernel, convs[c].stride, kernel / 2),
            .out = convs[c].out,
            .data = true,
            .plain = true,
            .half_x = half,
            .half_y = half};
        const struct ps_nn_size size = k->conv_size(&l, N);
        const int64_t in = N * l.at.height * l.at.width * l.at.channels,
                      out = N * l.at.rows * l.at.cols * l.out;
        struct array x = make(in, 1, half), y = make(out, 2, half), dy = make(out, 3, half);
        struct array was = make(out, 3, half), dx = make(in, 4, half), w = make(size.weights, 5, false);
        struct array dw = make(size.weights, 6, false), prepared = make(size.prepared + 1, 7, false);
        struct array work = make(size.work + 1, 8, false);
        struct factors f = make_factors(l.out, 10);
        struct ps_nn_pass p = {.n = N, .x = x.own, .y = y.own, .w = w.own, .prepared = prepared.own};
        p.work = work.own, p.dy = dy.own, p.dx = dx.own, p.dw = dw.own;
        if (normal) p.dy_read = (struct ps_nn_gradient_read){f.a.own, f.b.own, f.mean.own};
        k->conv_prepare(&l, w.own, prepared.own, 0, 1);
        k->conv_backward(&l, &p);
        const bool says = k->conv_keeps(&l);
        ck_assert_msg(says || (k == &ps_nn_cpu && c != 0), "%s: convolution %d", k->name, c);
        if (says)
            ck_assert_msg(memcmp(dy.own, was.own, (size_t)out * (half ? 2 : 4)) == 0, "%s: convolution %d",
                          k->name, c);
        drop(&x), drop(&y), drop(&dy), drop(&was), drop(&dx), drop(&w), drop(&dw);
        drop(&prepared), drop(&work), drop_factors(&f);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {sums, pooling, rounded, kept, NULL};
    return mck_main(argc, argv, "nn_norm", tests);
}
