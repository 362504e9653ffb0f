/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "kernels/nn/half_conv.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_winograd.h"
#include "kernels/rng.h"

/* What a pass asks for. */
struct hooks {
    bool read, relu, dy_read, moments, sums, add, no_data;
};

/* A convolution with all its arrays. Images are in bf16, of which values are kept as well. */
struct sample {
    const struct ps_nn_conv *l;
    struct hooks with;
    int64_t n, in, out, weights;
    float *x, *w, *y, *dy, *dx; /* values; dx: what is there before */
    float *a, *b, *mean, *s, *p, *q;
    struct ps_nn_pass pass;
    char name[120];
    void *held[40];
    int count;
};

static void *hold(struct sample *s, void *p)
{
    ck_assert(s->count < (int)(sizeof s->held / sizeof *s->held));
    return s->held[s->count++] = p;
}

/* n numbers that are not there yet: any use shows. */
static void *unset(struct sample *s, int64_t n, size_t size)
{
    void *p = aligned_alloc(64, ((size_t)n * size + 63) / 64 * 64 + 64);
    memset(p, 0xff, (size_t)n * size);
    return hold(s, p);
}

/* How numbers are made. */
enum numbers { WHOLE, NORMAL };

/* Whole numbers in [from, to], or normal ones of that mean and deviation. */
static float *numbers(struct sample *s, enum numbers kind, int64_t n, uint32_t stream, double from, double to)
{
    const struct ps_rng rng = {11, stream};
    float *x = unset(s, n, sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        const double u = ps_rng_uniform(rng, i, 0), v = ps_rng_uniform(rng, i, 1);
        x[i] = (float)(kind == WHOLE ? from + floor(u * (to - from + 1))
                                     : from + to * sqrt(-2 * log(u + 1e-300)) * cos(2 * M_PI * v));
    }
    return x;
}

/* The same in bf16, exactly as long as it must be; x becomes what it holds. */
static uint16_t *halves(struct sample *s, int64_t n, float *x)
{
    uint16_t *h = hold(s, malloc((size_t)n * sizeof *h));
    for (int64_t i = 0; i < n; i++) {
        h[i] = ps_round_half(x[i]);
        x[i] = ps_half_value(h[i]);
    }
    return h;
}

static float *values(struct sample *s, int64_t n, const uint16_t *h)
{
    float *x = unset(s, n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = ps_half_value(h[i]);
    return x;
}

static struct ps_nn_conv layer(int64_t height, int64_t width, int64_t in, int64_t out)
{
    return (struct ps_nn_conv){.at = {height, width, in, height, width, 3, 1, 1},
                               .out = out,
                               .data = true,
                               .plain = true,
                               .half_x = true,
                               .half_y = true};
}

/* Whole numbers are such that all transforms are exact in bf16: of x and dy they are sums of four of up to 2
 * or 5, of w sums of nine of up to 1 (quarters of multiples of 4). */
static void begin(struct sample *s, const struct ps_nn_conv *l, int64_t n, enum numbers kind, struct hooks h)
{
    const int64_t c = l->at.channels, places = n * l->at.height * l->at.width;
    const struct ps_nn_size size = ps_half_winograd_size(l, n);
    const bool whole = kind == WHOLE;
    *s = (struct sample){.l = l, .with = h, .n = n, .in = places * c, .out = places * l->out};
    s->weights = l->out * 9 * c;
    ck_assert_int_eq(size.weights, s->weights);
    snprintf(s->name, sizeof s->name, "%lldx%lldx%lld to %lld, %lld images%s%s%s%s%s%s",
             (long long)l->at.height, (long long)l->at.width, (long long)c, (long long)l->out, (long long)n,
             h.read ? ", read" : "", h.relu ? " by ReLU" : "", h.dy_read ? ", dy read" : "",
             h.moments ? ", moments" : "", h.sums ? ", sums" : "", h.add ? ", added" : "");
    s->x = numbers(s, kind, s->in, 1, whole ? -2 : 0.1, whole ? 2 : 1);
    s->w = numbers(s, kind, s->weights, 2, whole ? -1 : 0, whole ? 1 : sqrt(2 / (9. * (double)c)));
    for (int64_t i = 0; whole && i < s->weights; i++) s->w[i] *= 4;
    s->dy = numbers(s, kind, s->out, 3, whole ? -2 : 0, whole ? 2 : 1);
    s->y = numbers(s, kind, s->out, 4, whole ? -2 : 0, whole ? 2 : 1);
    s->dx = numbers(s, kind, s->in, 5, whole ? -9 : 0, whole ? 9 : 1);
    s->a = numbers(s, kind, c, 6, 1, whole ? 2 : 0.2),
    s->b = numbers(s, kind, c, 7, whole ? -1 : 0, whole ? 1 : 0.3);
    s->mean = numbers(s, kind, c, 8, 0, 1);
    s->s = numbers(s, kind, l->out, 9, 1, whole ? 1 : 0.2),
    s->p = numbers(s, kind, l->out, 10, whole ? -1 : 0, whole ? 1 : 0.1);
    s->q = numbers(s, kind, l->out, 11, whole ? -1 : 0, whole ? 1 : 0.1);
    s->pass =
        (struct ps_nn_pass){.n = n, .x = halves(s, s->in, s->x), .w = s->w, .dy = halves(s, s->out, s->dy)};
    struct ps_nn_pass *p = &s->pass;
    p->y = unset(s, s->out, 2), p->dx = halves(s, s->in, s->dx);
    p->dw = h.add ? numbers(s, kind, s->weights, 12, whole ? -9 : 0, whole ? 9 : 1) : unset(s, s->weights, 4);
    if (!h.add) memset(p->dx, 0xff, (size_t)s->in * 2);
    p->prepared = unset(s, size.prepared, 4), p->work = unset(s, size.work, 4);
    if (h.read) p->read = (struct ps_nn_read){s->a, s->b, s->mean, h.relu ? PS_NN_RELU : PS_NN_LINEAR};
    if (h.dy_read) p->dy_read = (struct ps_nn_gradient_read){s->s, s->p, s->q};
    p->dx_add = p->dw_add = h.add;
    if (h.moments) memset(p->moments = unset(s, 2 * l->out, 8), 0, (size_t)(2 * l->out) * 8);
    if (h.sums) memset(p->sums = unset(s, 2 * c, 8), 0, (size_t)(2 * c) * 8);
    if (h.no_data) p->dx = NULL;
}

static void end(struct sample *s)
{
    for (int i = 0; i < s->count; i++) free(s->held[i]);
}

static double rounded(double x)
{
    return ps_half_value(ps_round_half((float)x));
}

/* x and dy as they are read. */
static void as_read(const struct sample *s, bool half, double *x, double *d)
{
    const int64_t c = s->l->at.channels, o = s->l->out;
    for (int64_t i = 0; i < s->in; i++) {
        const float z = s->with.read ? ps_fma(s->a[i % c], s->x[i], s->b[i % c]) : s->x[i];
        x[i] = s->with.relu && z < 0 ? 0 : z;
        if (half) x[i] = rounded(x[i]);
    }
    for (int64_t i = 0; i < s->out; i++) {
        const float y = s->with.dy_read ? ps_fma(s->p[i % o], s->y[i], s->q[i % o]) : 0;
        d[i] = s->with.dy_read ? ps_fma(s->s[i % o], s->dy[i], y) : s->dy[i];
        if (half) d[i] = rounded(d[i]);
    }
}

/* Results in double precision; operands rounded to bf16 where `half`. */
struct results {
    double *y, *dx, *dw;
};

static struct results exact(struct sample *s, bool half)
{
    const struct ps_nn_conv *l = s->l;
    double *x = unset(s, s->in, 8), *d = unset(s, s->out, 8), *w = unset(s, s->weights, 8);
    struct results r = {unset(s, s->out, 8), unset(s, s->in, 8), unset(s, s->weights, 8)};
    as_read(s, half, x, d);
    for (int64_t i = 0; i < s->weights; i++) w[i] = half ? rounded(s->w[i]) : s->w[i];
    struct ps_nn_pass p = {
        .n = s->n, .x = x, .y = r.y, .w = w, .prepared = w, .dy = d, .dx = r.dx, .dw = r.dw};
    ps_nn_ref64.conv_forward(l, &p);
    ps_nn_ref64.conv_backward(l, &p);
    const int64_t c = l->at.channels;
    for (int64_t i = 0; i < s->in; i++) {
        if (s->with.add) r.dx[i] += s->dx[i];
        if (s->with.relu && ps_fma(s->a[i % c], s->x[i], s->b[i % c]) <= 0) r.dx[i] = 0;
    }
    return r;
}

static void run(struct sample *s)
{
    const struct ps_nn_conv *l = s->l;
    struct ps_nn_pass *p = &s->pass;
    for (int part = 0; part < 3; part++) ps_half_winograd_prepare(l, p->w, (void *)p->prepared, part, 3);
    ps_half_winograd_forward(l, p);
}

static void back(struct sample *s)
{
    struct ps_nn_pass *p = &s->pass;
    memset(p->work, 0xff, (size_t)ps_half_winograd_size(s->l, s->n).work * 4);
    p->y = halves(s, s->out, s->y);
    ps_half_winograd_backward(s->l, p);
}

/* Sums are of what was written: up to 16 terms, each product rounded, are added in single precision. */
static void sums_close(const struct sample *s, const char *what, int64_t k, double have, double want,
                       double size)
{
    ck_assert_msg(fabs(have - want) <= 18 * 0x1p-24 * size, "%s[%lld] of %s: %g, not %g", what, (long long)k,
                  s->name, have, want);
}

static void check_moments(const struct sample *s, const float *y)
{
    const int64_t c = s->l->out;
    for (int64_t k = 0; k < c; k++) {
        double sum = 0, squares = 0, size = 0;
        for (int64_t i = k; i < s->out; i += c) {
            const double d = (double)y[i] - y[k];
            sum += d, size += fabs(d), squares += d * d;
        }
        sums_close(s, "moment", k, s->pass.moments[k], sum, size);
        sums_close(s, "square", k, s->pass.moments[c + k], squares, squares);
    }
}

static void check_sums(const struct sample *s, const float *dx)
{
    const int64_t c = s->l->at.channels;
    for (int64_t k = 0; k < c; k++) {
        double sum = 0, product = 0, size = 0, sizes = 0;
        for (int64_t i = k; i < s->in; i += c) {
            const double d = dx[i] * ((double)s->x[i] - s->mean[k]);
            sum += dx[i], size += fabs(dx[i]), product += d, sizes += fabs(d);
        }
        sums_close(s, "sum", k, s->pass.sums[k], sum, size);
        sums_close(s, "product", k, s->pass.sums[c + k], product, sizes);
    }
}

/* Of whole numbers results are exact, and rounded once. */
static void check_whole(const struct ps_nn_conv *l, int64_t n, struct hooks h)
{
    struct sample s;
    begin(&s, l, n, WHOLE, h);
    const struct results want = exact(&s, false);
    const float *was = h.add ? memcpy(unset(&s, s.weights, 4), s.pass.dw, (size_t)s.weights * 4) : NULL;
    run(&s);
    const float *y = values(&s, s.out, s.pass.y), *dw = s.pass.dw;
    for (int64_t i = 0; i < s.out; i++)
        ck_assert_msg(y[i] == rounded(want.y[i]), "y[%lld] of %s: %g, not %g", (long long)i, s.name, y[i],
                      want.y[i]);
    if (h.moments) check_moments(&s, y);
    back(&s);
    for (int64_t i = 0; i < s.weights; i++) {
        const double z = want.dw[i] + (was ? was[i] : 0);
        ck_assert_msg(dw[i] == z, "dw[%lld] of %s: %g, not %g", (long long)i, s.name, dw[i], z);
    }
    const float *dx = h.no_data ? NULL : values(&s, s.in, s.pass.dx);
    for (int64_t i = 0; dx && i < s.in; i++)
        ck_assert_msg(dx[i] == rounded(want.dx[i]), "dx[%lld] of %s: %g, not %g", (long long)i, s.name, dx[i],
                      want.dx[i]);
    if (h.sums) check_sums(&s, dx);
    end(&s);
}

/* Neighbours of all kinds; images that tiles do not fill, or fill by less than one; channels that vectors and
 * panels do not fill. */
START_TEST(every_neighbour)
{
    static const int64_t shapes[][4] = {{8, 8, 16, 16},  {7, 7, 20, 33},   {1, 1, 16, 16},   {1, 9, 70, 65},
                                        {9, 2, 65, 130}, {13, 15, 3, 5},   {14, 14, 64, 64}, {5, 6, 129, 1},
                                        {4, 3, 1, 100},  {10, 11, 48, 80}, {28, 29, 17, 31}, {2, 2, 40, 96}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct ps_nn_conv l = layer(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
        check_whole(
            &l, 3,
            (struct hooks){.read = true, .relu = true, .dy_read = true, .moments = true, .sums = true});
        check_whole(&l, 2, (struct hooks){.read = true, .dy_read = true, .sums = true});
        check_whole(&l, 1, (struct hooks){.read = true, .relu = true, .add = true});
        check_whole(&l, 5, (struct hooks){.dy_read = true, .moments = true, .add = true});
        check_whole(&l, 2, (struct hooks){.moments = true, .no_data = true});
        l.data = false;
        check_whole(&l, 1, (struct hooks){.no_data = true});
    }
}
END_TEST

/* More tiles than go through products at once, and more than weights' gradients are summed over at once. */
START_TEST(many_tiles)
{
    static const struct hooks all = {
        .read = true, .relu = true, .dy_read = true, .moments = true, .sums = true};
    const struct ps_nn_conv flat = layer(101, 130, 16, 17), deep = layer(33, 31, 600, 8),
                            wide = layer(33, 31, 8, 600), both = layer(41, 40, 130, 131);
    check_whole(&flat, 2, all);
    check_whole(&deep, 2, all);
    check_whole(&wide, 2, all);
    check_whole(&both, 2, all);
}
END_TEST

/* Errors, and those of rounding operands alone, as roots of the mean square. */
static void errors(const struct sample *s, const char *what, int64_t n, const float *got, const double *want,
                   const double *half)
{
    double own = 0, rounding = 0;
    for (int64_t i = 0; i < n; i++) {
        own += pow(got[i] - want[i], 2) / (double)n;
        rounding += pow(half[i] - want[i], 2) / (double)n;
    }
    ck_assert_msg(own <= 4 * rounding, "%s of %s: errors are %g times those of rounding", what, s->name,
                  sqrt(own / rounding));
}

/* Data as in residual nets: with 5/3 of the errors of rounding operands, and results rounded, errors are at
 * most twice those of operands that are rounded to bf16 and results that are not. */
START_TEST(residual_nets)
{
    static const int64_t shapes[][3] = {{28, 64, 1}, {14, 256, 1}, {7, 512, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct ps_nn_conv l = layer(shapes[i][0], shapes[i][0], shapes[i][1], shapes[i][1]);
        struct sample s;
        begin(&s, &l, shapes[i][2], NORMAL, (struct hooks){.read = true, .relu = true, .dy_read = true});
        run(&s);
        const float *y = values(&s, s.out, s.pass.y);
        back(&s);
        const struct results want = exact(&s, false), half = exact(&s, true);
        errors(&s, "output", s.out, y, want.y, half.y);
        errors(&s, "gradient of data", s.in, values(&s, s.in, s.pass.dx), want.dx, half.dx);
        errors(&s, "gradient of weights", s.weights, s.pass.dw, want.dw, half.dw);
        end(&s);
    }
}
END_TEST

/* Whoever prepares which part, the bits are the same. */
START_TEST(parts)
{
    const struct ps_nn_conv l = layer(8, 8, 70, 150);
    const int64_t n = ps_half_winograd_size(&l, 1).prepared;
    struct sample s = {.l = &l};
    float *w = numbers(&s, NORMAL, 150 * 70 * 9, 1, 0, 1), *one = unset(&s, n, 4), *many = unset(&s, n, 4);
    ps_half_winograd_prepare(&l, w, one, 0, 1);
    for (int part = 12; part >= 0; part--) ps_half_winograd_prepare(&l, w, many, part, 13);
    ck_assert(memcmp(one, many, (size_t)n * 4) == 0);
    for (int64_t i = 0; i < n; i++) ck_assert_msg(isfinite(one[i]), "element %lld is not set", (long long)i);
    end(&s);
}
END_TEST

/* Scratch for some samples is enough for fewer. */
START_TEST(scratch)
{
    static const int64_t shapes[][2] = {{56, 64}, {28, 128}, {14, 256}, {7, 512}, {5, 17}, {1, 700}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct ps_nn_conv l = layer(shapes[i][0], shapes[i][0], shapes[i][1], shapes[i][1]);
        for (int64_t n = 1; n < 100; n++)
            ck_assert_int_ge(ps_half_winograd_size(&l, n + 1).work, ps_half_winograd_size(&l, n).work);
    }
    const struct ps_nn_conv l =
        layer(6, 7, 300, 290); /* blocks of one sample are larger than those of many */
    const struct hooks all = {.read = true, .relu = true, .dy_read = true, .moments = true, .sums = true};
    for (int64_t n = 1; n < 5; n += 3) check_whole(&l, n, all);
}
END_TEST

START_TEST(which)
{
    struct ps_nn_conv l = layer(56, 56, 64, 64);
    ck_assert(ps_half_winograd_fits(&l));
    l.half_x = false;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.half_y = false;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.act = PS_NN_RELU;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.plain = false;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(7, 7, 512, 512);
    ck_assert(ps_half_winograd_fits(&l));
    l = layer(1, 1, 512, 512); /* a quarter of a tile */
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 3, 64);
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.at.stride = 2, l.at.rows = l.at.cols = 28;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.at.kernel = 1, l.at.pad = 0;
    ck_assert(!ps_half_winograd_fits(&l));
    l = layer(56, 56, 64, 64), l.at.pad = 0, l.at.rows = l.at.cols = 54;
    ck_assert(!ps_half_winograd_fits(&l));
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_neighbour, many_tiles, residual_nets, parts, scratch, which, NULL};
    return mck_main(argc, argv, "nn_half_winograd", tests);
}
