/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "kernels/nn/winograd.h"
#include "kernels/rng.h"

/* Convolutions by F(4 x 4, 3 x 3) against the reference in double precision. */

/* Relative errors, of the root of the mean square of a result. Roundings are independent as a rule, so that
 * errors add up in squares. A product at point (i, j) is as large as the squares of row i and row j of the
 * transforms say, and comes to a result by those of A or G'. With a, b, g the sums of squares of rows of A, B
 * and G, the largest result of filtering has sum_i A_i3^2 b_i g_i = 21.4 in each direction, where exact
 * products have 3: the roundings of the products count (21.4 / 3)^(2/2) = 7.1 times. Gradients of weights
 * have sum_i G_ik^2 a_i b_i = 23.4 for 4: 5.8 times. There are `depth` roundings of a sum, and 24 of
 * transforms and of reading. 5 standard deviations are seen once in 10^6 results, and largest results have
 * more. */
static double bound(double factor, int64_t depth)
{
    return 5 * factor * sqrt((double)depth + 24) * 0x1p-24;
}
static const double FILTERING = 7.1, GRADIENT = 5.8;

static size_t bytes(int64_t n, size_t each)
{
    return ((size_t)(n > 0 ? n : 1) * each + 63) / 64 * 64;
}

/* What is not written is seen: all bits are NaN's. */
static void *unset(int64_t n, size_t each)
{
    return memset(aligned_alloc(64, bytes(n, each)), 0xff, bytes(n, each));
}

/* Numbers of a normal distribution. */
static float *normal(int64_t n, uint32_t stream, double mean, double deviation)
{
    float *x = unset(n, sizeof *x);
    const struct ps_rng r = {11, stream};
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(mean + deviation * sqrt(-2 * log1p(-ps_rng_uniform(r, i, 0))) *
                                  cos(6.283185307179586 * ps_rng_uniform(r, i, 1)));
    return x;
}

static double *doubled(int64_t n, const float *x)
{
    double *y = unset(n, sizeof *y);
    for (int64_t i = 0; i < n; i++) y[i] = x[i];
    return y;
}

struct hooks {
    bool read, relu, dy_read, moments, sums, add, no_data;
};

/* One layer and its micro-batch, in single and in double precision. */
struct sample {
    const struct ps_nn_conv *l;
    struct hooks with;
    int64_t n, in, out, weights, tiles;
    struct ps_nn_pass p, q;
    void *held[64];
    int count;
    char name[160];
};

static void *hold(struct sample *s, void *p)
{
    return s->held[s->count++] = p;
}

/* An array of n floats and the same of doubles. */
#define PAIR(member, n, values)                                          \
    do {                                                                 \
        float *const single = hold(s, values);                           \
        s->p.member = single, s->q.member = hold(s, doubled(n, single)); \
    } while (0)

static void begin(struct sample *s, const struct ps_nn_conv *l, int64_t n, struct hooks h)
{
    const int64_t c = l->at.channels, places = n * l->at.height * l->at.width;
    const struct ps_nn_size size = ps_winograd_size(l, n);
    *s = (struct sample){.l = l, .with = h, .n = n, .in = places * c, .out = places * l->out};
    s->weights = l->out * (9 * c + !l->plain);
    s->tiles = n * ((l->at.height + 3) / 4) * ((l->at.width + 3) / 4);
    ck_assert_int_eq(size.weights, s->weights);
    snprintf(s->name, sizeof s->name, "%lldx%lldx%lld to %lld, %lld images%s%s%s%s%s%s%s",
             (long long)l->at.height, (long long)l->at.width, (long long)c, (long long)l->out, (long long)n,
             l->plain ? "" : ", bias", h.read ? ", read" : "", h.relu ? " by ReLU" : "",
             h.dy_read ? ", dy read" : "", h.moments ? ", moments" : "", h.sums ? ", sums" : "",
             h.add ? ", added" : "");
    s->p.n = s->q.n = n;
    PAIR(x, s->in, normal(s->in, 1, 0.1, 1));
    PAIR(w, s->weights, normal(s->weights, 2, 0, sqrt(2 / (9. * (double)c)))); /* He's */
    PAIR(dy, s->out, normal(s->out, 3, 0, 1));
    PAIR(dx, s->in, h.add ? normal(s->in, 4, 0, 1) : unset(s->in, 4));
    PAIR(dw, s->weights, h.add ? normal(s->weights, 5, 0, 1) : unset(s->weights, 4));
    if (h.read) {
        PAIR(read.a, c, normal(c, 6, 1, 0.2));
        PAIR(read.b, c, normal(c, 7, 0, 0.3));
        PAIR(read.mean, c, normal(c, 8, 0.1, 0.1));
        s->p.read.act = s->q.read.act = h.relu ? PS_NN_RELU : PS_NN_LINEAR;
        float *x = s->held[0];
        const float *a = s->p.read.a, *b = s->p.read.b;
        for (int64_t i = 0; i < s->in; i++) /* near the kink the slope would hang on rounding */
            if (fabsf(a[i % c] * x[i] + b[i % c]) < 1e-5F) ((double *)s->held[1])[i] = x[i] += 0.01F;
    }
    if (h.dy_read) {
        PAIR(dy_read.s, l->out, normal(l->out, 9, 1, 0.2));
        PAIR(dy_read.p, l->out, normal(l->out, 10, 0, 0.1));
        PAIR(dy_read.q, l->out, normal(l->out, 11, 0, 0.1));
    }
    s->p.y = hold(s, unset(s->out, 4)), s->q.y = hold(s, unset(s->out, 8));
    s->p.work = hold(s, unset(size.work, 4));
    s->p.prepared = hold(s, unset(size.prepared, 4)), s->q.prepared = s->q.w;
    s->p.dx_add = s->q.dx_add = s->p.dw_add = s->q.dw_add = h.add;
    if (h.moments) s->p.moments = hold(s, unset(2 * l->out, 8));
    if (h.sums) s->p.sums = hold(s, unset(2 * c, 8));
    s->q.sums = hold(s, unset(2 * c, 8));
    if (h.no_data) s->p.dx = s->q.dx = NULL;
}

static void end(struct sample *s)
{
    for (int i = 0; i < s->count; i++) free(s->held[i]);
}

/* Largest error, in units of the root of the mean square or of the largest of what is wanted. */
static void close_to(const struct sample *s, const char *what, int64_t n, const float *got,
                     const double *want, double relative, double of_most)
{
    double worst = 0, squares = 0, most = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(want[i] - got[i]) <= worst)) worst = fabs(want[i] - got[i]);
        squares += want[i] * want[i];
        most = fmax(most, fabs(want[i]));
    }
    const double size = sqrt(squares / (double)(n > 0 ? n : 1));
    ck_assert_msg(worst <= relative * size, "%s of %s: off by %g of %g (bound %g)", what, s->name,
                  worst / size, size, relative);
    ck_assert_msg(worst <= of_most * most, "%s of %s: off by %g of the largest", what, s->name, worst / most);
}

/* Moments are of what was written. Differences from a number near the mean err by 2^-24 of themselves and of
 * the numbers; sums of 16 in single precision by as much for each. */
static void moments_close(const struct sample *s)
{
    const int64_t c = s->l->out, rows = s->out / c;
    const float *y = s->p.y;
    for (int64_t k = 0; k < c; k++) {
        double mean = 0, squares = 0, most = 0;
        for (int64_t i = 0; i < rows; i++) mean += y[i * c + k] / (double)rows;
        for (int64_t i = 0; i < rows; i++) squares += pow(y[i * c + k] - mean, 2);
        for (int64_t i = 0; i < rows; i++) most = fmax(most, fabsf(y[i * c + k]));
        ck_assert_msg(fabs(mean - s->p.moments[k]) <= 20 * 0x1p-24 * most, "%s: mean %g, not %g", s->name,
                      s->p.moments[k], mean);
        ck_assert_msg(fabs(squares - s->p.moments[c + k]) <= 40 * 0x1p-24 * (squares + most * most),
                      "%s: squares %g, not %g", s->name, s->p.moments[c + k], squares);
    }
}

/* Sums, too, are of what was written. */
static void sums_close(const struct sample *s)
{
    const int64_t c = s->l->at.channels;
    const float *dx = s->p.dx, *x = s->p.x, *mean = s->p.read.mean;
    for (int64_t k = 0; k < c; k++) {
        double sum = 0, product = 0, all = 0, products = 0;
        for (int64_t i = k; i < s->in; i += c) {
            const double d = dx[i] * ((double)x[i] - mean[k]);
            sum += dx[i], all += fabsf(dx[i]);
            product += d, products += fabs(d);
        }
        ck_assert_msg(fabs(sum - s->p.sums[k]) <= 20 * 0x1p-24 * all, "%s: sum %g, not %g", s->name,
                      s->p.sums[k], sum);
        ck_assert_msg(fabs(product - s->p.sums[c + k]) <= 20 * 0x1p-24 * (products + all),
                      "%s: product %g, not %g", s->name, s->p.sums[c + k], product);
    }
}

/* @param of_most largest errors, of the largest of all results */
static void check(const struct ps_nn_conv *l, int64_t n, struct hooks h, double of_most)
{
    struct sample s;
    begin(&s, l, n, h);
    for (int part = 0; part < 3; part++) ps_winograd_prepare(l, s.p.w, (void *)s.p.prepared, part, 3);
    ps_winograd_forward(l, &s.p);
    ps_nn_ref64.conv_forward(l, &s.q);
    close_to(&s, "output", s.out, s.p.y, s.q.y, bound(FILTERING, l->at.channels), of_most);
    if (h.moments) moments_close(&s);
    for (int64_t i = 0; i < s.out; i++) ((double *)s.q.y)[i] = ((float *)s.p.y)[i]; /* errors count once */
    memset(s.p.work, 0xff, (size_t)ps_winograd_size(l, n).work * 4);
    ps_winograd_backward(l, &s.p);
    ps_nn_ref64.conv_backward(l, &s.q);
    close_to(&s, "gradient of weights", s.weights, s.p.dw, s.q.dw, bound(GRADIENT, s.tiles), of_most);
    if (!h.no_data) close_to(&s, "gradient of data", s.in, s.p.dx, s.q.dx, bound(FILTERING, l->out), of_most);
    if (h.sums) sums_close(&s);
    end(&s);
}

static struct ps_nn_conv layer(int64_t height, int64_t width, int64_t in, int64_t out)
{
    return (struct ps_nn_conv){
        .at = {height, width, in, height, width, 3, 1, 1}, .out = out, .data = true, .plain = true};
}

/* Neighbours of all kinds; images that tiles do not fill, or fill by less than one; channels that vectors and
 * panels do not fill. */
START_TEST(every_neighbour)
{
    static const int64_t shapes[][4] = {{8, 8, 16, 16},  {7, 7, 20, 33},   {1, 1, 16, 16},   {1, 9, 70, 65},
                                        {9, 2, 65, 130}, {13, 15, 3, 5},   {14, 14, 64, 64}, {5, 6, 129, 1},
                                        {4, 3, 1, 100},  {10, 11, 48, 80}, {28, 29, 17, 31}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct ps_nn_conv l = layer(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
        check(&l, 3, (struct hooks){true, true, true, true, true, false, false}, 1);
        check(&l, 2, (struct hooks){.read = true, .dy_read = true, .sums = true}, 1);
        check(&l, 1, (struct hooks){.read = true, .relu = true}, 1);
        check(&l, 5, (struct hooks){.dy_read = true, .moments = true, .add = true}, 1);
        check(&l, 2, (struct hooks){.moments = true, .no_data = true}, 1);
        l.plain = false;
        check(&l, 2, (struct hooks){.add = true}, 1);
        l.act = PS_NN_RELU;
        check(&l, 4, (struct hooks){.read = true, .relu = true, .sums = true}, 1);
        l.data = false;
        check(&l, 1, (struct hooks){.no_data = true}, 1);
    }
}
END_TEST

/* More tiles than go through products at once, and more than have room in a cache. */
START_TEST(many_tiles)
{
    static const struct hooks all = {true, true, true, true, true, false, false};
    const struct ps_nn_conv flat = layer(100, 130, 16, 17), deep = layer(53, 50, 600, 8),
                            wide = layer(53, 50, 8, 600);
    check(&flat, 2, all, 1);
    check(&deep, 2, all, 1);
    check(&wide, 2, all, 1);
}
END_TEST

/* Data as in residual nets: errors are at most 1e-5 of the largest value of a layer. */
START_TEST(residual_nets)
{
    static const struct hooks all = {true, true, true, true, true, false, false};
    static const int64_t shapes[][3] = {{56, 64, 1}, {28, 128, 1}, {14, 256, 1},
                                        {7, 512, 1}, {7, 512, 3},  {32, 16, 4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct ps_nn_conv l = layer(shapes[i][0], shapes[i][0], shapes[i][1], shapes[i][1]);
        check(&l, shapes[i][2], all, 1e-5);
    }
}
END_TEST

/* Whoever prepares which part, the bits are the same. */
START_TEST(parts)
{
    const struct ps_nn_conv l = layer(8, 8, 70, 150);
    const int64_t n = ps_winograd_size(&l, 1).prepared;
    float *w = normal(150 * 70 * 9, 1, 0, 1), *one = unset(n, 4), *many = unset(n, 4);
    ps_winograd_prepare(&l, w, one, 0, 1);
    for (int part = 12; part >= 0; part--) ps_winograd_prepare(&l, w, many, part, 13);
    ck_assert(memcmp(one, many, (size_t)n * 4) == 0);
    for (int64_t i = 0; i < n; i++) ck_assert_msg(isfinite(one[i]), "element %lld is not set", (long long)i);
    free(w), free(one), free(many);
}
END_TEST

/* Scratch for some samples is enough for fewer, of which blocks may be larger: 48 samples of one tile are one
 * block, 49 are two. */
START_TEST(scratch)
{
    static const int64_t shapes[][2] = {{56, 64}, {28, 128}, {14, 256}, {7, 512}, {4, 32}, {5, 17}, {1, 700}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct ps_nn_conv l = layer(shapes[i][0], shapes[i][0], shapes[i][1], shapes[i][1]);
        for (int64_t n = 1; n < 100; n++)
            ck_assert_int_ge(ps_winograd_size(&l, n + 1).work, ps_winograd_size(&l, n).work);
    }
}
END_TEST

START_TEST(which)
{
    struct ps_nn_conv l = layer(56, 56, 64, 64);
    ck_assert(ps_winograd_fits(&l));
    l.act = PS_NN_RELU;
    ck_assert(ps_winograd_fits(&l));
    l.act = PS_NN_TANH;
    ck_assert(!ps_winograd_fits(&l));
    l = layer(7, 7, 512, 512);
    ck_assert(ps_winograd_fits(&l));
    l.half_x = true;
    ck_assert(!ps_winograd_fits(&l));
    l = layer(2, 2, 512, 512); /* a quarter of a tile */
    ck_assert(!ps_winograd_fits(&l));
    l = layer(56, 56, 3, 64);
    ck_assert(!ps_winograd_fits(&l));
    l = layer(56, 56, 64, 64);
    l.at.stride = 2, l.at.rows = l.at.cols = 28;
    ck_assert(!ps_winograd_fits(&l));
    l = layer(56, 56, 64, 64);
    l.at.kernel = 1, l.at.pad = 0;
    ck_assert(!ps_winograd_fits(&l));
    l = layer(56, 56, 64, 64);
    l.at.pad = 0, l.at.rows = l.at.cols = 54;
    ck_assert(!ps_winograd_fits(&l));
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_neighbour, many_tiles, residual_nets, parts, scratch, which, NULL};
    return mck_main(argc, argv, "nn_winograd", tests);
}
