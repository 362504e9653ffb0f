/** Layers of every kind in all back ends: what they must agree on, and gradients as differences. */
#ifndef LAYERCHECK_H
#define LAYERCHECK_H

#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/nn_kernels.h"
#include "kernels/rng.h"

/* A layer of any kind. */
struct layer {
    enum { DENSE, CONV, POOL, UPSAMPLE, LSTM, BATCH, LAYER } kind;
    union {
        struct ps_nn_dense dense;
        struct ps_nn_conv conv;
        struct ps_nn_pool pool;
        struct ps_nn_upsample upsample;
        struct ps_nn_lstm lstm;
        struct ps_nn_batch_norm batch;
        struct ps_nn_layer_norm layer;
    };
    const char *name;
    bool state; /* of LSTM: it does not begin at zero */
};

static inline struct ps_nn_window window(int64_t height, int64_t width, int64_t channels, int kernel,
                                         int stride, int pad)
{
    return (struct ps_nn_window){.height = height,
                                 .width = width,
                                 .channels = channels,
                                 .rows = (height + 2 * pad - kernel) / stride + 1,
                                 .cols = (width + 2 * pad - kernel) / stride + 1,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = pad};
}

static struct ps_nn_size size_of(const struct ps_nn_kernels *k, const struct layer *l, int64_t n)
{
    switch (l->kind) {
    case DENSE:
        return k->dense_size(&l->dense, n);
    case CONV:
        return k->conv_size(&l->conv, n);
    case LSTM:
        return k->lstm_size(&l->lstm, n);
    case BATCH:
        return (struct ps_nn_size){
            .weights = 2 * l->batch.channels, .kept = 2 * l->batch.channels, .work = 8 * l->batch.channels};
    case LAYER:
        return (struct ps_nn_size){.weights = 2 * l->layer.features, .kept = 2 * n * l->layer.places};
    default:
        return (struct ps_nn_size){0};
    }
}

static void prepare(const struct ps_nn_kernels *k, const struct layer *l, const void *w, void *prepared)
{
    enum { PARTS = 3 };
    for (int part = 0; part < PARTS; part++) {
        if (l->kind == DENSE) k->dense_prepare(&l->dense, w, prepared, part, PARTS);
        if (l->kind == CONV) k->conv_prepare(&l->conv, w, prepared, part, PARTS);
        if (l->kind == LSTM) k->lstm_prepare(&l->lstm, w, prepared, part, PARTS);
    }
}

static void forward(const struct ps_nn_kernels *k, const struct layer *l, const struct ps_nn_pass *p)
{
    if (l->kind == DENSE) k->dense_forward(&l->dense, p);
    if (l->kind == CONV) k->conv_forward(&l->conv, p);
    if (l->kind == POOL) k->pool_forward(&l->pool, p);
    if (l->kind == UPSAMPLE) k->upsample_forward(&l->upsample, p);
    if (l->kind == LSTM) k->lstm_forward(&l->lstm, p);
    if (l->kind == BATCH) k->batch_norm_forward(&l->batch, p);
    if (l->kind == LAYER) k->layer_norm_forward(&l->layer, p);
}

static void backward(const struct ps_nn_kernels *k, const struct layer *l, const struct ps_nn_pass *p)
{
    if (l->kind == DENSE) k->dense_backward(&l->dense, p);
    if (l->kind == CONV) k->conv_backward(&l->conv, p);
    if (l->kind == POOL) k->pool_backward(&l->pool, p);
    if (l->kind == UPSAMPLE) k->upsample_backward(&l->upsample, p);
    if (l->kind == LSTM) k->lstm_backward(&l->lstm, p);
    if (l->kind == BATCH) k->batch_norm_backward(&l->batch, p);
    if (l->kind == LAYER) k->layer_norm_backward(&l->layer, p);
}

/* Elements of a sample's input and output. */
static void lengths(const struct layer *l, int64_t *in, int64_t *out)
{
    switch (l->kind) {
    case DENSE:
        *in = l->dense.in, *out = l->dense.out;
        break;
    case UPSAMPLE:
        *in = l->upsample.height * l->upsample.width * l->upsample.channels;
        *out = l->upsample.rows * l->upsample.cols * l->upsample.channels;
        break;
    case LSTM:
        *in = l->lstm.steps * l->lstm.in, *out = l->lstm.steps * l->lstm.hidden;
        break;
    case BATCH:
        *in = *out = l->batch.places * l->batch.channels;
        break;
    case LAYER:
        *in = *out = l->layer.places * l->layer.features;
        break;
    default: {
        const struct ps_nn_window *at = l->kind == CONV ? &l->conv.at : &l->pool.at;
        *in = at->height * at->width * at->channels;
        *out = at->rows * at->cols * (l->kind == CONV ? l->conv.out : at->channels);
    }
    }
}

/* Arrays of one run, of the elements of a table. */
struct run {
    const struct ps_nn_kernels *k;
    int64_t in, out, weights; /* elements of all samples, and of the layer */
    struct ps_nn_pass pass;
    int64_t states; /* elements, of all samples */
    void *w, *prepared, *x, *y, *dy, *dx, *dw, *kept, *work, *begin, *end;
};

/* n elements, none of them a number. */
static void *poisoned(const struct ps_nn_kernels *k, int64_t n)
{
    char *p = aligned_alloc(64, ((size_t)(n + 16) * k->real + 63) / 64 * 64);
    memset(p, 0xff, (size_t)(n + 16) * k->real);
    return p;
}

static void set(const struct ps_nn_kernels *k, void *p, int64_t i, double v)
{
    if (k->real == sizeof(float))
        ((float *)p)[i] = (float)v;
    else
        ((double *)p)[i] = v;
}

static double get(const struct ps_nn_kernels *k, const void *p, int64_t i)
{
    return k->real == sizeof(float) ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

/* Numbers that both types hold alike. */
static void *numbers(const struct ps_nn_kernels *k, int64_t n, uint32_t stream, double scale)
{
    void *p = poisoned(k, n);
    for (int64_t i = 0; i < n; i++)
        set(k, p, i, (float)(scale * (2 * ps_rng_uniform((struct ps_rng){11, stream}, i, 0) - 1)));
    return p;
}

enum { X = 1, W, DY, DX, DW, STATE };

static struct run begin(const struct ps_nn_kernels *k, const struct layer *l, int64_t n)
{
    struct run r = {.k = k};
    const struct ps_nn_size size = size_of(k, l, n);
    lengths(l, &r.in, &r.out);
    r.in *= n, r.out *= n;
    r.weights = size.weights;
    r.x = numbers(k, r.in, X, 1);
    r.w = numbers(k, size.weights, W, 0.5);
    r.dy = numbers(k, r.out, DY, 1);
    r.dw = numbers(k, size.weights, DW, 1);
    r.dx = numbers(k, r.in, DX, 1);
    r.y = poisoned(k, r.out);
    r.prepared = poisoned(k, size.prepared);
    r.kept = poisoned(k, size.kept);
    r.work = poisoned(k, size.work);
    r.states = l->kind == LSTM ? n * 2 * l->lstm.hidden : 0;
    r.begin = l->state ? numbers(k, r.states, STATE, 0.5) : NULL;
    r.end = poisoned(k, r.states);
    r.pass = (struct ps_nn_pass){.n = n,
                                 .x = r.x,
                                 .y = r.y,
                                 .w = r.w,
                                 .prepared = r.prepared,
                                 .kept = r.kept,
                                 .work = r.work,
                                 .dy = r.dy,
                                 .dx = r.dx,
                                 .dw = r.dw,
                                 .dw_add = true,
                                 .begin = r.begin,
                                 .end = r.end};
    return r;
}

static void end(struct run *r)
{
    free(r->x), free(r->w), free(r->dy), free(r->dw), free(r->dx), free(r->y);
    free(r->prepared), free(r->kept), free(r->work), free(r->begin), free(r->end);
}

static void go(struct run *r, const struct layer *l)
{
    prepare(r->k, l, r->w, r->prepared);
    forward(r->k, l, &r->pass);
    backward(r->k, l, &r->pass);
}

/* Largest difference of two runs' arrays, beside the largest number. */
static void compare(const struct run *a, const struct run *b, const void *x, const void *y, int64_t n,
                    double bound, const char *layer, const char *what)
{
    double worst = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        const double p = get(a->k, x, i), q = get(b->k, y, i);
        if (!(fabs(p - q) <= worst)) worst = fabs(p - q);
        if (fabs(p) > most) most = fabs(p);
    }
    ck_assert_msg(worst <= bound * most, "%s, %s of %s: off by %g of %g", layer, what, b->k->name, worst,
                  most);
}

/* Sums of K terms of moderate size in single precision: each addition errs by 2^-24 of a partial sum, as a
 * rule no larger than the result's largest elements; errors are of both signs, so that sqrt(K) 2^-24 is
 * typical. Gradients go through two such sums. Four times that for K up to 10,000. */
static const double CLOSE = 4 * 2 * 100 * 0x1p-24;

/* Operands in bf16 are off by up to 2^-9 of themselves, products of two by up to 2^-8; errors are of both
 * signs, so that sums are off by less than 2^-8 of their largest. Gradients and series go through three
 * products and more: four times that. */
static const double CLOSE_HALF = 4 * 0x1p-8;

/* What gradients are: added to, or written over what is no number. */
static void target(struct run *r, bool data, bool add)
{
    r->pass.dx_add = r->pass.dw_add = add;
    if (!add) memset(r->dx, 0xff, (size_t)r->in * r->k->real);
    if (!add) memset(r->dw, 0xff, (size_t)r->weights * r->k->real);
    if (!data) r->pass.dx = NULL;
}

static void same(const struct layer *l, int64_t n, bool data, bool add)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu, &ps_nn_cpu_bf16};
    struct run want = begin(&ps_nn_ref64, l, n);
    target(&want, data, add);
    go(&want, l);
    for (int t = 0; t < 3; t++) {
        /* a sum that is off may change sides at the kink, and then its gradient is another */
        if (t == 2 && l->kind == DENSE && l->dense.act == PS_NN_RELU) continue;
        const double bound = t == 2 && (l->kind == DENSE || l->kind == LSTM) ? CLOSE_HALF : CLOSE;
        struct run r = begin(tables[t], l, n);
        target(&r, data, add);
        go(&r, l);
        compare(&want, &r, want.y, r.y, r.out, bound, l->name, "output");
        compare(&want, &r, want.end, r.end, r.states, bound, l->name, "state at the end");
        compare(&want, &r, want.dw, r.dw, r.weights, bound, l->name, "gradient of weights");
        if (data) compare(&want, &r, want.dx, r.dx, r.in, bound, l->name, "gradient of input");
        end(&r);
    }
    end(&want);
}

/* sum over outputs of dy y. */
static double objective(struct run *r, const struct layer *l)
{
    double sum = 0;
    prepare(r->k, l, r->w, r->prepared);
    forward(r->k, l, &r->pass);
    for (int64_t i = 0; i < r->out; i++) sum += get(r->k, r->dy, i) * get(r->k, r->y, i);
    return sum;
}

/* Gradients of the reference are differences of what they are gradients of: central ones over 2 h have an
 * error of h^2 times a third derivative, and of 2^-53 / h times the sum; h = 1e-5 balances them at some 1e-9.
 */
static void differences(const struct layer *l, int64_t n)
{
    enum { LOOKED_AT = 40 };
    const double h = 1e-5, bound = 1e-7;
    struct run r = begin(&ps_nn_ref64, l, n), d = begin(&ps_nn_ref64, l, n);
    const double here = objective(&r, l);
    int looked_at = 0, kinks = 0;
    target(&d, true, false);
    go(&d, l);
    for (int which = 0; which < 2; which++) {
        double *at = which ? r.w : r.x;
        const double *gradient = which ? d.dw : d.dx;
        const int64_t size = which ? r.weights : r.in;
        for (int i = 0; i < LOOKED_AT && size > 0; i++) {
            const int64_t e = ps_rng_below((struct ps_rng){3, (uint32_t)which}, i, 0, size);
            const double was = at[e];
            at[e] = was + h;
            const double up = objective(&r, l);
            at[e] = was - h;
            const double down = objective(&r, l);
            at[e] = was;
            const double want = (up - down) / (2 * h);
            looked_at++;
            if (fabs((up - here) - (here - down)) > 1e-3 * h * fmax(1, fabs(want))) {
                kinks++;
                continue;
            }
            ck_assert_msg(fabs(want - gradient[e]) <= bound * fmax(1, fabs(want)),
                          "%s: gradient of %s %lld is %.12g, not %.12g", l->name, which ? "weight" : "input",
                          (long long)e, gradient[e], want);
        }
    }
    ck_assert_msg(10 * kinks <= looked_at, "%s: %d kinks at %d places", l->name, kinks, looked_at);
    end(&r), end(&d);
}

static void check(const struct layer *l)
{
    static const int64_t samples[] = {1, 2, 5, 8, 27};
    differences(l, 3);
    for (int i = 0; i < 5; i++) {
        same(l, samples[i], true, true);
        same(l, samples[i], true, false);
    }
    same(l, 4, false, false);
}

#endif
