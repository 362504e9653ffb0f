/* ranks: 1 */
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

static struct ps_nn_window window(int64_t height, int64_t width, int64_t channels, int kernel, int stride,
                                  int pad)
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

START_TEST(dense)
{
    static const int64_t in[] = {1, 7, 64, 200}, out[] = {1, 10, 64, 129};
    for (int i = 0; i < 4; i++)
        for (int o = 0; o < 4; o++)
            check(&(struct layer){.kind = DENSE,
                                  .dense = {in[i], out[o], (enum ps_nn_act)((i + o) % 4), true},
                                  .name = "dense"});
    check(&(struct layer){.kind = DENSE, .dense = {784, 128, PS_NN_RELU, true}, .name = "dense"});
}
END_TEST

START_TEST(conv)
{
    const struct ps_nn_conv convs[] = {
        {.at = window(12, 12, 1, 5, 1, 0), .out = 20, .act = PS_NN_RELU, .data = true},
        {.at = window(12, 10, 20, 5, 1, 0), .out = 50, .act = PS_NN_LINEAR, .data = true},
        {.at = window(7, 9, 3, 3, 1, 1), .out = 17, .act = PS_NN_TANH, .data = true},
        {.at = window(9, 9, 4, 3, 2, 1), .out = 5, .act = PS_NN_SIGMOID, .data = true},
        {.at = window(8, 8, 16, 1, 1, 0), .out = 33, .act = PS_NN_RELU, .data = true},
        {.at = window(11, 11, 2, 7, 2, 3), .out = 64, .act = PS_NN_LINEAR, .data = true},
        {.at = window(5, 5, 70, 2, 2, 0), .out = 65, .act = PS_NN_RELU, .data = true},
    };
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        check(&(struct layer){.kind = CONV, .conv = convs[i], .name = "convolution"});
}
END_TEST

START_TEST(pool)
{
    for (int mean = 0; mean < 2; mean++) {
        check(&(struct layer){.kind = POOL, .pool = {window(8, 6, 20, 2, 2, 0), mean}, .name = "pooling"});
        check(&(struct layer){.kind = POOL, .pool = {window(9, 7, 70, 3, 2, 1), mean}, .name = "pooling"});
        check(&(struct layer){.kind = POOL, .pool = {window(4, 4, 3, 3, 1, 1), mean}, .name = "pooling"});
    }
}
END_TEST

START_TEST(upsample)
{
    static const struct ps_nn_upsample sizes[] = {
        {3, 4, 20, 6, 8}, {4, 1, 1, 7, 1}, {2, 5, 70, 3, 12}, {5, 3, 3, 2, 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check(&(struct layer){.kind = UPSAMPLE, .upsample = sizes[i], .name = "upsampling"});
}
END_TEST

START_TEST(lstm)
{
    static const struct ps_nn_lstm lstms[] = {
        {1, 3, 4, true}, {5, 1, 16, true}, {7, 11, 33, true}, {20, 40, 24, true}, {3, 130, 140, true}};
    for (size_t i = 0; i < sizeof lstms / sizeof *lstms; i++)
        for (int state = 0; state < 2; state++)
            check(&(struct layer){.kind = LSTM,
                                  .lstm = lstms[i],
                                  .state = state,
                                  .name = state ? "LSTM with a state" : "LSTM"});
}
END_TEST

/* A window in two parts, with the state in one array, gives every bit that the whole window gives. */
START_TEST(carried)
{
    enum { N = 5, IN = 7, HIDDEN = 20, STEPS = 8 };
    static const int64_t from[] = {0, 5, STEPS};
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_ref64, &ps_nn_cpu, &ps_nn_cpu_bf16};
    for (int t = 0; t < 4; t++) {
        const struct ps_nn_kernels *k = tables[t];
        const struct layer whole = {.kind = LSTM, .lstm = {STEPS, IN, HIDDEN, true}};
        struct run all = begin(k, &whole, N);
        void *state = poisoned(k, all.states);
        prepare(k, &whole, all.w, all.prepared);
        forward(k, &whole, &all.pass);
        for (int part = 0; part < 2; part++) {
            const int64_t steps = from[part + 1] - from[part];
            const struct layer piece = {.kind = LSTM, .lstm = {steps, IN, HIDDEN, true}};
            struct run r = begin(k, &piece, N);
            for (int64_t i = 0; i < N * steps * IN; i++)
                set(k, r.x, i,
                    get(k, all.x, (i / (steps * IN) * STEPS + from[part]) * IN + i % (steps * IN)));
            r.pass.begin = part ? state : NULL;
            r.pass.end = state;
            prepare(k, &piece, r.w, r.prepared);
            forward(k, &piece, &r.pass);
            for (int64_t i = 0; i < N * steps * HIDDEN; i++) {
                const int64_t at =
                    (i / (steps * HIDDEN) * STEPS + from[part]) * HIDDEN + i % (steps * HIDDEN);
                ck_assert_msg(get(k, r.y, i) == get(k, all.y, at), "%s: part %d, element %lld", k->name, part,
                              (long long)i);
            }
            end(&r);
        }
        for (int64_t i = 0; i < all.states; i++)
            ck_assert_msg(get(k, state, i) == get(k, all.end, i), "%s: state %lld", k->name, (long long)i);
        free(state);
        end(&all);
    }
}
END_TEST

START_TEST(norms)
{
    check(&(struct layer){.kind = BATCH, .batch = {49, 20, 1e-5, PS_NN_RELU}, .name = "batch norm"});
    check(&(struct layer){.kind = BATCH, .batch = {9, 65, 1e-5, PS_NN_LINEAR}, .name = "batch norm"});
    check(&(struct layer){.kind = LAYER, .layer = {1, 70, 1e-5}, .name = "layer norm"});
    check(&(struct layer){.kind = LAYER, .layer = {6, 17, 1e-5}, .name = "layer norm"});
}
END_TEST

/* With the mean and variance of the samples, evaluation gives what training gave. */
START_TEST(evaluation)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_ref64, &ps_nn_cpu};
    const struct layer l = {.kind = BATCH, .batch = {7, 33, 1e-3, PS_NN_RELU}, .name = "batch norm"};
    for (int t = 0; t < 3; t++) {
        const struct ps_nn_kernels *k = tables[t];
        struct run r = begin(k, &l, 9);
        void *mean = poisoned(k, 33), *variance = poisoned(k, 33), *y = poisoned(k, r.out);
        forward(k, &l, &r.pass);
        for (int c = 0; c < 33; c++) {
            const double scale = get(k, r.kept, 33 + c);
            set(k, mean, c, get(k, r.kept, c));
            set(k, variance, c, 1 / (scale * scale) - 1e-3);
        }
        struct ps_nn_pass p = r.pass;
        p.y = y;
        k->batch_norm_evaluate(&l.batch, &p, mean, variance);
        compare(&r, &r, r.y, y, r.out, CLOSE, l.name, "evaluation");
        free(mean), free(variance), free(y);
        end(&r);
    }
}
END_TEST

/* Of equal values in a window the first gets the gradient, in both back ends; a number that is none comes
 * out. */
START_TEST(ties)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    const struct ps_nn_pool l = {window(2, 4, 1, 2, 2, 0), false};
    for (int t = 0; t < 2; t++) {
        float x[8] = {1, 1, 0, NAN, 1, 1, 0, 0}, y[2], dy[2] = {3, 0}, dx[8];
        const struct ps_nn_pass p = {.n = 1, .x = x, .y = y, .dy = dy, .dx = dx};
        tables[t]->pool_forward(&l, &p);
        tables[t]->pool_backward(&l, &p);
        ck_assert_msg(y[0] == 1 && isnan(y[1]), "%s: %g %g", tables[t]->name, y[0], y[1]);
        ck_assert_msg(dx[0] == 3 && dx[1] == 0 && dx[4] == 0 && dx[5] == 0, "%s: %g %g %g %g",
                      tables[t]->name, dx[0], dx[1], dx[4], dx[5]);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {dense, conv, pool, upsample, lstm, carried, norms, evaluation, ties, NULL};
    return mck_main(argc, argv, "nn_layers", tests);
}
