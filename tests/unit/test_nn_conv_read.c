/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "kernels/nn/nn_kernels.h"
#include "kernels/rng.h"

/* Convolutions between normalisations that are never written out, against their definition in double
 * precision with every array written out. */

static float *numbers(int64_t n, uint32_t stream, double from, double to)
{
    float *x = aligned_alloc(64, (size_t)((n + 16) * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n + 16; i++)
        x[i] = (float)(from + (to - from) * ps_rng_uniform((struct ps_rng){5, stream}, i, 0));
    return x;
}

static void *poisoned(int64_t bytes)
{
    char *p = aligned_alloc(64, (size_t)(bytes + 127) / 64 * 64);
    memset(p, 0xff, (size_t)(bytes + 127) / 64 * 64);
    return p;
}

/* What lies beyond an array that was poisoned is as it was. */
static bool untouched(const void *array, int64_t bytes)
{
    const unsigned char *p = array;
    for (int64_t i = bytes; i < bytes + 64; i++)
        if (p[i] != 0xff) return false;
    return true;
}

struct hooks {
    bool read, relu, dy_read, moments, sums, add;
};

/* Everything of one pass, and what it should give. */
struct run {
    struct ps_nn_conv l;
    int64_t n, in, out, weights;
    float *x, *w, *dy, *dy_was, *y, *dx, *dw, *prepared, *work;
    float *a, *b, *mean, *s, *p, *q;
    double *moments, *sums;
    double *want_y, *want_dx, *want_dw;
};

static struct run begin(const struct ps_nn_conv *l, int64_t n, const struct hooks *h)
{
    const struct ps_nn_size size = ps_nn_cpu.conv_size(l, n);
    const int64_t c = l->at.channels;
    struct run r = {.l = *l,
                    .n = n,
                    .in = n * l->at.height * l->at.width * c,
                    .out = n * l->at.rows * l->at.cols * l->out,
                    .weights = l->out * l->at.kernel * l->at.kernel * c};
    ck_assert_int_eq(size.weights, r.weights + (l->plain ? 0 : l->out));
    r.a = numbers(c, 1, 0.5, 1.5), r.b = numbers(c, 2, -0.5, 0.5), r.mean = numbers(c, 3, -0.2, 0.2);
    r.s = numbers(l->out, 4, 0.5, 1.5), r.p = numbers(l->out, 5, -0.1, 0.1);
    r.q = numbers(l->out, 6, -0.1, 0.1);
    r.x = numbers(r.in, 7, -1, 1), r.w = numbers(size.weights, 8, -0.5, 0.5);
    r.dy = numbers(r.out, 9, -1, 1), r.dy_was = numbers(r.out, 9, -1, 1);
    r.dx = numbers(r.in, 10, -1, 1), r.dw = numbers(size.weights, 11, -1, 1);
    for (int64_t i = 0; i < r.in; i++) /* the slope at the kink would hang on rounding */
        if (fabsf(r.a[i % c] * r.x[i] + r.b[i % c]) < 1e-4f) r.x[i] += 0.01f;
    if (!h->add) memset(r.dw, 0xff, (size_t)size.weights * 4);
    if (!h->add || h->read) memset(r.dx, 0xff, (size_t)r.in * 4);
    r.y = poisoned(r.out * 4), r.prepared = poisoned(size.prepared * 4), r.work = poisoned(size.work * 4);
    r.moments = poisoned(2 * l->out * 8), r.sums = poisoned(2 * c * 8);
    r.want_y = calloc((size_t)r.out, 8);
    r.want_dx = calloc((size_t)r.in, 8), r.want_dw = calloc((size_t)r.weights, 8);
    return r;
}

static void end(struct run *r)
{
    free(r->x), free(r->w), free(r->dy), free(r->dy_was), free(r->y), free(r->dx), free(r->dw);
    free(r->prepared), free(r->work), free(r->moments), free(r->sums);
    free(r->a), free(r->b), free(r->mean), free(r->s), free(r->p), free(r->q);
    free(r->want_y), free(r->want_dx), free(r->want_dw);
}

/* Calls `each` for every triple of input (or -1), weight and output that belong together. */
static void triples(struct run *r, void (*each)(struct run *, int64_t, int64_t, int64_t, const void *),
                    const void *with)
{
    const struct ps_nn_window *at = &r->l.at;
    int64_t place = 0;
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, place++)
                for (int v = 0; v < at->kernel; v++)
                    for (int u = 0; u < at->kernel; u++) {
                        const int64_t y = row * at->stride - at->pad + v, x = col * at->stride - at->pad + u;
                        if (y < 0 || y >= at->height || x < 0 || x >= at->width) continue;
                        for (int64_t o = 0; o < r->l.out; o++)
                            for (int64_t k = 0; k < at->channels; k++)
                                each(r, ((i * at->height + y) * at->width + x) * at->channels + k,
                                     ((o * at->kernel + v) * at->kernel + u) * at->channels + k,
                                     place * r->l.out + o, with);
                    }
}

static double read_of(const struct run *r, int64_t i, const struct hooks *h)
{
    const int64_t k = i % r->l.at.channels;
    const double z = (double)r->a[k] * r->x[i] + r->b[k];
    return !h->read ? r->x[i] : h->relu ? fmax(z, 0) : z;
}

static void forward_each(struct run *r, int64_t x, int64_t w, int64_t y, const void *with)
{
    r->want_y[y] += read_of(r, x, with) * r->w[w];
}

/* y is what forward gave, so that its errors are not counted twice. */
static void backward_each(struct run *r, int64_t x, int64_t w, int64_t y, const void *with)
{
    const struct hooks *h = with;
    const int64_t o = y % r->l.out;
    const double d =
        h->dy_read ? (double)r->s[o] * r->dy_was[y] + (double)r->p[o] * r->y[y] + r->q[o] : r->dy_was[y];
    r->want_dw[w] += d * read_of(r, x, h);
    r->want_dx[x] += d * r->w[w];
}

/* A sum of K terms of moderate size errs by 2^-24 of a partial sum with each term, as a rule no larger than
 * the largest elements, and in both directions: sqrt(K) 2^-24 is typical, K here is below 10,000. Reading
 * rounds each operand twice more. Four times that. */
static const double CLOSE = 4 * 2 * 100 * 0x1p-24;

static void close_to(int64_t n, const double *want, const float *got, const char *name, const char *what)
{
    double worst = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(want[i] - got[i]) <= worst)) worst = fabs(want[i] - got[i]);
        most = fmax(most, fabs(want[i]));
    }
    ck_assert_msg(worst <= CLOSE * most, "%s, %s: off by %g of %g", name, what, worst, most);
}

/* Moments and sums are of the floats that were written, so only their own roundings count: differences in
 * single precision are off by 2^-24 of the largest number, sums of some of them by as much again. */
static void moments_close(const struct run *r, const char *name)
{
    const int64_t c = r->l.out, rows = r->out / c;
    for (int64_t k = 0; k < c; k++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < rows; i++) mean += r->y[i * c + k] / (double)rows;
        for (int64_t i = 0; i < rows; i++) squares += pow(r->y[i * c + k] - mean, 2);
        ck_assert_msg(fabs(mean - r->moments[k]) <= 1e-5 * sqrt(squares / (double)rows) + 1e-6 * fabs(mean),
                      "%s: mean %lld is %g, not %g", name, (long long)k, r->moments[k], mean);
        ck_assert_msg(fabs(squares - r->moments[c + k]) <= 1e-5 * squares + 1e-9,
                      "%s: squares %lld are %g, not %g", name, (long long)k, r->moments[c + k], squares);
    }
}

static void sums_close(const struct run *r, const char *name)
{
    const int64_t c = r->l.at.channels;
    for (int64_t k = 0; k < c; k++) {
        double sum = 0, product = 0, most = 0;
        for (int64_t i = k; i < r->in; i += c) {
            sum += r->dx[i];
            product += r->dx[i] * ((double)r->x[i] - r->mean[k]);
            most += fabs(r->dx[i]);
        }
        ck_assert_msg(fabs(sum - r->sums[k]) <= 1e-6 * most, "%s: sum %lld is %g, not %g", name, (long long)k,
                      r->sums[k], sum);
        ck_assert_msg(fabs(product - r->sums[c + k]) <= 2e-6 * most, "%s: product %lld is %g, not %g", name,
                      (long long)k, r->sums[c + k], product);
    }
}

static void check(const struct ps_nn_conv *l, int64_t n, struct hooks h)
{
    struct run r = begin(l, n, &h);
    char name[128];
    snprintf(name, sizeof name, "%lldx%lldx%lld to %lld by %d/%d/%d, %lld samples%s%s%s%s",
             (long long)l->at.height, (long long)l->at.width, (long long)l->at.channels, (long long)l->out,
             l->at.kernel, l->at.stride, l->at.pad, (long long)n, h.read ? ", read" : "",
             h.dy_read ? ", dy read" : "", h.moments ? ", moments" : "", h.sums ? ", sums" : "");
    struct ps_nn_pass p = {.n = n, .x = r.x, .y = r.y, .w = r.w, .prepared = r.prepared, .work = r.work};
    if (h.read) p.read = (struct ps_nn_read){r.a, r.b, r.mean, h.relu ? PS_NN_RELU : PS_NN_LINEAR};
    if (h.moments) p.moments = r.moments;
    for (int part = 0; part < 3; part++) ps_nn_cpu.conv_prepare(l, r.w, r.prepared, part, 3);
    ps_nn_cpu.conv_forward(l, &p);
    for (int64_t i = 0; i < r.out; i++) r.want_y[i] = l->plain ? 0 : r.w[r.weights + i % l->out];
    triples(&r, forward_each, &h);
    close_to(r.out, r.want_y, r.y, name, "output");
    if (h.moments) moments_close(&r, name);

    for (int64_t i = 0; h.add && i < r.weights; i++) r.want_dw[i] = r.dw[i];
    for (int64_t i = 0; h.add && !h.read && i < r.in; i++) r.want_dx[i] = r.dx[i];
    memset(r.work, 0xff, (size_t)ps_nn_cpu.conv_size(l, n).work * 4);
    p.moments = NULL;
    p.dy = r.dy, p.dx = l->data ? r.dx : NULL, p.dw = r.dw, p.dw_add = h.add, p.dx_add = h.add && !h.read;
    if (h.dy_read) p.dy_read = (struct ps_nn_gradient_read){r.s, r.p, r.q};
    if (h.sums) p.sums = r.sums;
    ps_nn_cpu.conv_backward(l, &p);
    triples(&r, backward_each, &h);
    close_to(r.weights, r.want_dw, r.dw, name, "gradient of weights");
    if (l->data) {
        for (int64_t i = 0; h.read && h.relu && i < r.in; i++)
            if (read_of(&r, i, &h) <= 0) r.want_dx[i] = 0;
        close_to(r.in, r.want_dx, r.dx, name, "gradient of input");
        if (h.sums) sums_close(&r, name);
    }
    const struct ps_nn_size size = ps_nn_cpu.conv_size(l, n);
    ck_assert_msg(untouched(r.work, size.work * 4) && untouched(r.prepared, size.prepared * 4) &&
                      untouched(r.y, r.out * 4),
                  "%s: wrote beyond an array", name);
    end(&r);
}

/* As layers of residual nets have them: normalised before and after, or only on one side, or on none. */
static void check_all(int64_t height, int64_t width, int64_t channels, int64_t out, int kernel, int stride,
                      int pad)
{
    struct ps_nn_conv l = {.at = {.height = height,
                                  .width = width,
                                  .channels = channels,
                                  .rows = (height + 2 * pad - kernel) / stride + 1,
                                  .cols = (width + 2 * pad - kernel) / stride + 1,
                                  .kernel = kernel,
                                  .stride = stride,
                                  .pad = pad},
                           .out = out,
                           .data = true,
                           .plain = true};
    check(&l, 3, (struct hooks){true, true, true, true, true, true});
    check(&l, 3, (struct hooks){true, false, true, true, true, false});
    check(&l, 2, (struct hooks){.dy_read = true, .moments = true, .add = true});
    check(&l, 9, (struct hooks){.dy_read = true, .moments = true});
    check(&l, 1, (struct hooks){.read = true, .relu = true, .sums = true});
    check(&l, 1, (struct hooks){.read = true, .relu = true, .dy_read = true});
    check(&l, 5, (struct hooks){.add = true});
    l.data = false;
    check(&l, 2, (struct hooks){.dy_read = true, .moments = true});
    l.plain = false, l.data = true;
    check(&l, 2, (struct hooks){.read = true, .relu = true, .sums = true});
}

START_TEST(single)
{
    check_all(1, 1, 1, 1, 1, 1, 0);
    check_all(7, 7, 33, 20, 1, 1, 0);
    check_all(5, 9, 16, 70, 1, 1, 0);
    check_all(14, 13, 64, 64, 1, 1, 0);
    check_all(30, 31, 70, 17, 1, 1, 0);
}
END_TEST

START_TEST(single_strided)
{
    check_all(7, 7, 20, 33, 1, 2, 0);
    check_all(8, 6, 64, 66, 1, 2, 0);
    check_all(9, 14, 3, 5, 1, 3, 0);
    check_all(6, 5, 16, 8, 1, 2, 1);
}
END_TEST

START_TEST(windows)
{
    check_all(7, 7, 20, 33, 3, 1, 1);
    check_all(8, 9, 64, 16, 3, 1, 1);
    check_all(5, 12, 65, 70, 3, 1, 0);
    check_all(17, 15, 3, 9, 5, 1, 2);
    check_all(3, 3, 16, 64, 3, 1, 1);
}
END_TEST

/* Channels in whole panels, which are gathered in blocks. */
START_TEST(panels)
{
    check_all(7, 9, 64, 128, 1, 1, 0);
    check_all(9, 8, 128, 64, 1, 2, 0);
    check_all(8, 7, 64, 64, 1, 3, 1);
    check_all(6, 7, 64, 64, 3, 2, 1);
    check_all(7, 5, 128, 64, 3, 1, 0);
    check_all(6, 6, 64, 64, 2, 3, 0);
}
END_TEST

START_TEST(windows_strided)
{
    check_all(7, 7, 20, 33, 3, 2, 1);
    check_all(8, 10, 64, 16, 3, 2, 1);
    check_all(23, 20, 3, 64, 7, 2, 3);
    check_all(11, 11, 5, 6, 2, 2, 0);
    check_all(12, 9, 4, 7, 3, 3, 1);
}
END_TEST

/* Sizes as in residual nets, where blocks are cut. */
START_TEST(large)
{
    static const struct hooks all = {true, true, true, true, true, false};
    static const struct {
        int64_t size, channels, out, n;
        int kernel, stride;
    } shapes[] = {{56, 32, 130, 1, 1, 1}, {28, 130, 64, 2, 1, 1}, {14, 256, 512, 2, 1, 1},
                  {28, 96, 130, 1, 1, 2}, {7, 512, 128, 5, 3, 1}, {56, 24, 40, 1, 3, 1},
                  {28, 64, 128, 2, 3, 2}, {56, 64, 64, 1, 1, 1},  {28, 64, 192, 2, 1, 2},
                  {7, 1088, 64, 9, 1, 1}, {64, 3, 64, 1, 7, 2}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int k = shapes[i].kernel, s = shapes[i].stride, pad = k / 2;
        const int64_t size = shapes[i].size, rows = (size + 2 * pad - k) / s + 1;
        check(&(struct ps_nn_conv){.at = {size, size, shapes[i].channels, rows, rows, k, s, pad},
                                   .out = shapes[i].out,
                                   .data = true,
                                   .plain = true},
              shapes[i].n, all);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {single, single_strided, windows, windows_strided, panels, large, NULL};
    return mck_main(argc, argv, "nn_conv_read", tests);
}
