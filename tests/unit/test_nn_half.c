/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/half_conv.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/rng.h"

/* A convolution, and how it is passed through. */
struct shape {
    int64_t n, height, width, channels;
    int kernel, stride, pad;
    int64_t out;
};

struct how {
    bool half_x, half_y, plain, read, gradient_read, moments, add;
    enum ps_nn_act act;
};

static float *numbers(int64_t n, uint32_t stream, double from, double to)
{
    float *x = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(from + (to - from) * ps_rng_uniform((struct ps_rng){7, stream}, i, 0));
    return x;
}

static float rounded(float x)
{
    return ps_half_value(ps_round_half(x));
}

static float value(const void *x, bool half, int64_t i)
{
    return half ? ps_half_value(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

/* An array of its type, exactly as long as it must be; the numbers become what it holds. */
static void *packed(float *from, bool half, int64_t n)
{
    const size_t size = half ? 2 : 4;
    void *to = malloc((size_t)n * size);
    for (int64_t i = 0; i < n; i++) {
        const uint16_t h = ps_round_half(from[i]);
        if (half) {
            from[i] = ps_half_value(h);
            ((uint16_t *)to)[i] = h;
        } else {
            ((float *)to)[i] = from[i];
        }
    }
    return to;
}

static struct ps_nn_conv conv_of(const struct shape *s, const struct how *h)
{
    return (struct ps_nn_conv){.at = {.height = s->height,
                                      .width = s->width,
                                      .channels = s->channels,
                                      .rows = (s->height + 2 * s->pad - s->kernel) / s->stride + 1,
                                      .cols = (s->width + 2 * s->pad - s->kernel) / s->stride + 1,
                                      .kernel = s->kernel,
                                      .stride = s->stride,
                                      .pad = s->pad},
                               .out = s->out,
                               .act = h->act,
                               .data = true,
                               .plain = h->plain,
                               .half_x = h->half_x,
                               .half_y = h->half_y};
}

/* Products of a place in a window: of n numbers of x from one on, and as many weights, with one of y. */
typedef void visit(void *with, int64_t x, int64_t y, int64_t w, int64_t n);

static void each_product(const struct ps_nn_conv *l, int64_t n, visit *v, void *with)
{
    const struct ps_nn_window *at = &l->at;
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < at->rows; r++)
            for (int64_t q = 0; q < at->cols; q++)
                for (int ky = 0; ky < at->kernel; ky++)
                    for (int kx = 0; kx < at->kernel; kx++) {
                        const int64_t y = r * at->stride + ky - at->pad, x = q * at->stride + kx - at->pad;
                        if (y < 0 || y >= at->height || x < 0 || x >= at->width) continue;
                        for (int64_t o = 0; o < l->out; o++)
                            v(with, ((i * at->height + y) * at->width + x) * at->channels,
                              ((i * at->rows + r) * at->cols + q) * l->out + o,
                              ((o * at->kernel + ky) * at->kernel + kx) * at->channels, at->channels);
                    }
}

/* Operands as they are rounded; sums of products and of their sizes. */
struct reference {
    float *x, *w, *d;
    double *y, *dx, *dw, *ysize, *dxsize, *dwsize;
};

static void forward_product(void *with, int64_t x, int64_t y, int64_t w, int64_t n)
{
    const struct reference *r = with;
    for (int64_t c = 0; c < n; c++) {
        const double z = (double)r->x[x + c] * r->w[w + c];
        r->y[y] += z;
        r->ysize[y] += fabs(z);
    }
}

static void backward_product(void *with, int64_t x, int64_t y, int64_t w, int64_t n)
{
    const struct reference *r = with;
    for (int64_t c = 0; c < n; c++) {
        const double dx = (double)r->d[y] * r->w[w + c], dw = (double)r->d[y] * r->x[x + c];
        r->dx[x + c] += dx;
        r->dxsize[x + c] += fabs(dx);
        r->dw[w + c] += dw;
        r->dwsize[w + c] += fabs(dw);
    }
}

/* Unit roundoffs: bf16 has 8 digits, single precision 24. A sum of k products, which are exact, each addition
 * rounded once and the sizes of its terms adding up to s, is off by at most k 2^-24 s; two more roundings are
 * those of a bias and of what is added to. Numbers below 2^-126 may be lost. */
static double bound(double want, double depth, double size, bool half)
{
    return (half ? 0x1p-8 : 0) * (fabs(want) + (depth + 2) * 0x1p-24 * size) + (depth + 2) * 0x1p-24 * size +
           0x1p-120;
}

static void same(const char *what, int64_t i, double have, double want, double tolerance)
{
    ck_assert_msg(fabs(have - want) <= tolerance, "%s[%lld]: %.9g, not %.9g (within %g)", what, (long long)i,
                  have, want, tolerance);
}

static double act_of(enum ps_nn_act act, double z)
{
    return act == PS_NN_RELU ? fmax(z, 0) : act == PS_NN_TANH ? tanh(z) : z;
}

/* Moments or sums over all places of first and of second, against those in double precision of what was
 * written: six numbers are added in single precision, each product rounded. */
static void same_sums(const char *what, int64_t k, double have, double want, double size)
{
    same(what, k, have, want, 16 * 0x1p-24 * size + 0x1p-120);
}

static void check_moments(const struct ps_nn_conv *l, int64_t places, const void *y, const double *moments)
{
    for (int64_t k = 0; k < l->out; k++) {
        const double first = value(y, l->half_y, k);
        double mean = 0, size = 0, squares = 0, from_first = 0;
        for (int64_t i = 0; i < places; i++) {
            mean += value(y, l->half_y, i * l->out + k) / (double)places;
            size += fabs(value(y, l->half_y, i * l->out + k) - first) / (double)places;
        }
        for (int64_t i = 0; i < places; i++) {
            squares += pow(value(y, l->half_y, i * l->out + k) - mean, 2);
            from_first += pow(value(y, l->half_y, i * l->out + k) - first, 2);
        }
        same_sums("mean", k, moments[k], mean, size);
        same_sums("squares", k, moments[l->out + k], squares, 4 * from_first);
    }
}

static void check_dx(const struct ps_nn_conv *l, const struct how *h, const struct reference *r,
                     const float *x, const float *was, const struct ps_nn_pass *p, int64_t n)
{
    const int64_t c = l->at.channels;
    const float *a = p->read.a, *b = p->read.b, *mean = p->read.mean;
    double *sum = calloc((size_t)(4 * c), sizeof *sum), *size = sum + 2 * c;
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = i % c;
        const double have = value(p->dx, l->half_x, i);
        const bool stays = !h->read || ps_fma(a[k], x[i], b[k]) > 0;
        const double want = stays ? r->dx[i] + (h->add ? was[i] : 0) : 0;
        const double depth = (double)(l->out * l->at.kernel * l->at.kernel);
        same("dx", i, have, want,
             stays ? bound(want, depth, r->dxsize[i] + fabs(h->add ? was[i] : 0), l->half_x) : 0);
        if (!h->read) continue;
        sum[k] += have;
        sum[c + k] += have * (x[i] - mean[k]);
        size[k] += fabs(have);
        size[c + k] += fabs(have * (x[i] - mean[k]));
    }
    for (int64_t k = 0; h->read && k < 2 * c; k++) same_sums("sum", k, p->sums[k], sum[k], size[k]);
    free(sum);
}

static void check_dw(const struct ps_nn_conv *l, const struct how *h, const struct reference *r,
                     int64_t places, int64_t w, const float *was, const float *dw)
{
    for (int64_t i = 0; i < w; i++)
        same("dw", i, dw[i], r->dw[i] + (h->add ? was[i] : 0),
             bound(0, (double)places, r->dwsize[i] + fabs(h->add ? was[i] : 0), false));
    for (int64_t o = 0; !l->plain && o < l->out; o++) {
        double sum = h->add ? was[w + o] : 0, size = fabs(sum);
        for (int64_t i = 0; i < places; i++) {
            sum += r->d[i * l->out + o];
            size += fabs(r->d[i * l->out + o]);
        }
        same("db", o, dw[w + o], sum, bound(0, (double)places, size, false));
    }
}

static double *zeros(int64_t n)
{
    return calloc((size_t)n, sizeof(double));
}

/* What the gradient of y becomes before the products. */
static float gradient_of(const struct ps_nn_conv *l, const struct how *h,
                         const struct ps_nn_gradient_read *read, float dy, float y, int64_t o)
{
    if (h->gradient_read)
        return rounded(ps_fma(((const float *)read->s)[o], dy,
                              ps_fma(((const float *)read->p)[o], y, ((const float *)read->q)[o])));
    if (l->act == PS_NN_RELU) return y > 0 ? rounded(dy) : 0;
    if (l->act == PS_NN_TANH) return rounded(dy * (1 - y * y));
    return rounded(dy);
}

static void check(const struct shape *s, const struct how *h)
{
    const struct ps_nn_conv l = conv_of(s, h);
    const int64_t c = s->channels, x = s->n * s->height * s->width * c, places = s->n * l.at.rows * l.at.cols;
    const int64_t y = places * s->out, w = s->out * s->kernel * s->kernel * c;
    const struct ps_nn_size size = ps_half_conv_size(&l, s->n);
    ck_assert_int_eq(size.weights, w + (h->plain ? 0 : s->out));
    float *xv = numbers(x, 1, -1, 1), *wv = numbers(w + s->out, 2, -1, 1), *dyv = numbers(y, 3, -1, 1);
    float *dxv = numbers(x, 4, -1, 1), *dw = numbers(w + s->out, 5, -1, 1),
          *was = numbers(w + s->out, 5, -1, 1);
    float *a = numbers(c, 6, -2, 2), *b = numbers(c, 7, -1, 1), *mean = numbers(c, 8, -1, 1);
    float *gs = numbers(s->out, 9, -2, 2), *gp = numbers(s->out, 10, -1, 1), *gq = numbers(s->out, 11, -1, 1);
    float *prepared = numbers(size.prepared, 12, -1, 1), *work = numbers(size.work, 13, -1, 1);
    double *moments = zeros(2 * s->out), *sums = zeros(2 * c);
    void *xr = packed(xv, h->half_x, x), *dyr = packed(dyv, h->half_y, y), *dxr = packed(dxv, h->half_x, x);
    void *yr = malloc((size_t)y * (h->half_y ? 2 : 4));
    for (int part = 0; part < 3; part++) ps_half_conv_prepare(&l, wv, prepared, part, 3);
    struct ps_nn_pass p = {.n = s->n, .x = xr, .y = yr, .w = wv, .prepared = prepared, .work = work};
    if (h->read) p.read = (struct ps_nn_read){.a = a, .b = b, .mean = mean, .act = PS_NN_RELU};
    if (h->moments) p.moments = moments;
    ps_half_conv_forward(&l, &p);

    struct reference r = {.x = numbers(x, 1, -1, 1), .w = numbers(w, 2, -1, 1), .d = numbers(y, 3, -1, 1)};
    r.y = zeros(y), r.ysize = zeros(y), r.dx = zeros(x), r.dxsize = zeros(x), r.dw = zeros(w),
    r.dwsize = zeros(w);
    for (int64_t i = 0; i < x; i++)
        r.x[i] = rounded(h->read ? fmaxf(ps_fma(a[i % c], xv[i], b[i % c]), 0) : xv[i]);
    for (int64_t i = 0; i < w; i++) r.w[i] = rounded(wv[i]);
    each_product(&l, s->n, forward_product, &r);
    const double depth = (double)(s->kernel * s->kernel * c);
    for (int64_t i = 0; i < y; i++) {
        const double z = r.y[i] + (h->plain ? 0 : wv[w + i % s->out]);
        const double curve = h->act == PS_NN_TANH ? 4 * 0x1p-24 : 0; /* of tanh itself */
        same("y", i, value(yr, h->half_y, i), act_of(h->act, z),
             bound(act_of(h->act, z), depth, r.ysize[i] + 1, h->half_y) + curve);
    }
    if (h->moments) check_moments(&l, places, yr, moments);

    for (int64_t i = 0; i < y; i++) {
        const struct ps_nn_gradient_read read = {gs, gp, gq};
        r.d[i] = gradient_of(&l, h, &read, dyv[i], value(yr, h->half_y, i), i % s->out);
    }
    p.dy = dyr, p.dx = dxr, p.dw = dw, p.dx_add = p.dw_add = h->add, p.sums = h->read ? sums : NULL;
    if (h->gradient_read) p.dy_read = (struct ps_nn_gradient_read){gs, gp, gq};
    ps_half_conv_backward(&l, &p);
    each_product(&l, s->n, backward_product, &r);
    check_dx(&l, h, &r, xv, dxv, &p, x);
    check_dw(&l, h, &r, places, w, was, dw);
    free(xv), free(wv), free(dyv), free(dxv), free(dw), free(was), free(a), free(b), free(mean), free(gs),
        free(gp);
    free(gq), free(prepared), free(work), free(moments), free(sums), free(xr), free(dyr), free(dxr), free(yr);
    free(r.x), free(r.w), free(r.d), free(r.y), free(r.ysize), free(r.dx), free(r.dxsize), free(r.dw),
        free(r.dwsize);
}

static const struct how ways[] = {
    {.half_x = true, .half_y = true, .plain = true, .read = true, .gradient_read = true, .moments = true},
    {.half_x = true, .half_y = true, .plain = true, .gradient_read = true, .moments = true, .add = true},
    {.half_x = true, .half_y = true, .act = PS_NN_RELU},
    {.half_x = true, .half_y = true, .read = true, .add = true, .act = PS_NN_TANH},
    {.half_y = true, .plain = true, .gradient_read = true, .moments = true},
    {.half_y = true, .read = true, .act = PS_NN_RELU, .add = true},
    {.half_x = true, .plain = true, .read = true, .gradient_read = true, .moments = true},
    {.half_x = true, .act = PS_NN_TANH},
};

/* Shapes of ResNet-50 but for their sizes, odd ones, and those that go in several parts: of places, of
 * columns, of weights that no cache holds. */
static const struct shape shapes[] = {
    {.n = 3, .height = 9, .width = 7, .channels = 64, .kernel = 1, .stride = 1, .out = 128},
    {.n = 2, .height = 7, .width = 7, .channels = 96, .kernel = 1, .stride = 2, .out = 65},
    {.n = 2, .height = 7, .width = 9, .channels = 32, .kernel = 3, .stride = 1, .pad = 1, .out = 64},
    {.n = 3, .height = 8, .width = 6, .channels = 32, .kernel = 3, .stride = 2, .pad = 1, .out = 72},
    {.n = 2, .height = 19, .width = 18, .channels = 3, .kernel = 7, .stride = 2, .pad = 3, .out = 64},
    {.n = 2, .height = 6, .width = 7, .channels = 20, .kernel = 5, .stride = 1, .pad = 2, .out = 50},
    {.n = 5, .height = 5, .width = 6, .channels = 7, .kernel = 3, .stride = 3, .pad = 2, .out = 5},
    {.n = 1, .height = 4, .width = 5, .channels = 1, .kernel = 2, .stride = 3, .out = 1},
    {.n = 1, .height = 1, .width = 1, .channels = 33, .kernel = 1, .stride = 1, .out = 17},
    {.n = 2, .height = 23, .width = 17, .channels = 4, .kernel = 1, .stride = 1, .pad = 1, .out = 530},
    {.n = 2, .height = 20, .width = 21, .channels = 8, .kernel = 1, .stride = 1, .out = 10},
    {.n = 1, .height = 1, .width = 3, .channels = 600, .kernel = 1, .stride = 1, .out = 450},
    {.n = 1, .height = 2, .width = 1, .channels = 4100, .kernel = 1, .stride = 1, .out = 70},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, WAYS = sizeof ways / sizeof *ways };

START_TEST(every_shape)
{
    for (int s = 0; s < SHAPES; s++)
        for (int w = 0; w < WAYS; w++) check(&shapes[s], &ways[w]);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_shape, NULL};
    return mck_main(argc, argv, "nn_half", tests);
}
