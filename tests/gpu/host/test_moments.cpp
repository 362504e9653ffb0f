/* Moments that an engine makes with its product, where there is one and it may be used, and those of a pass:
 * of channels whose mean is far from 0, where sums of squares lose digits. */
#include <cudnn_on_host.h>
#include "cuda_host_parts.h"
#include "product_check.h"

static struct ps_nn_conv layer(int64_t channels, int64_t out)
{
    struct ps_nn_conv l = {};
    l.at = {9, 10, channels, 9, 10, 1, 1, 0};
    l.out = out;
    l.plain = l.half_x = l.half_y = true;
    return l;
}

/** Mean and sum of squared differences of each channel, with bounds from how they are added up. */
struct wanted {
    numbers moments, most;
};

/** Sums of y and of its squares, each of so many additions in single precision one after the other, err by a
 * rounding of 2^-24 for each; of the squares for the product too. */
static struct wanted by_sums(const numbers &y, size_t c)
{
    const double rows = (double)(y.size() / c);
    struct wanted w = {numbers(2 * c), numbers(2 * c)};
    numbers sum(c), sizes(c), squares(c);
    for (size_t i = 0; i < y.size(); i++) {
        sum[i % c] += y[i];
        sizes[i % c] += fabs(y[i]);
        squares[i % c] += y[i] * y[i];
    }
    for (size_t k = 0; k < c; k++) {
        const double off = rows * SINGLE * sizes[k];
        w.moments[k] = sum[k] / rows;
        w.most[k] = off / rows;
        w.most[c + k] = (rows + 1) * SINGLE * squares[k] + (2 * fabs(sum[k]) + off) * off / rows;
    }
    for (size_t i = 0; i < y.size(); i++) w.moments[c + i % c] += pow(y[i] - w.moments[i % c], 2);
    return w;
}

/** Sums of differences d from the first element, at most 128 of them in single precision: those of d err by
 * 128 roundings of sum |d|, those of squares by 129 of sum d^2, and (sum |d|)^2 <= rows sum d^2. */
static struct wanted by_pass(const numbers &y, size_t c)
{
    const double rows = (double)(y.size() / c);
    struct wanted w = by_sums(y, c);
    numbers sizes(c), squares(c);
    for (size_t i = 0; i < y.size(); i++) {
        sizes[i % c] += fabs(y[i] - y[i % c]);
        squares[i % c] += pow(y[i] - y[i % c], 2);
    }
    for (size_t k = 0; k < c; k++) {
        w.most[k] = 128 * SINGLE * sizes[k] / rows + 1e-12 * fabs(w.moments[k]);
        w.most[c + k] = (129 + 2 * 128 + 1) * SINGLE * squares[k];
    }
    return w;
}

/** A layer whose outputs are far from 0. */
static void forward(const char *what, const struct ps_nn_kernels *k, const struct ps_nn_conv *l,
                    int64_t planned, int64_t n, bool engine)
{
    run r(k);
    struct ps_nn_pass p = {};
    const struct ps_nn_size size = k->conv_size(l, planned);
    const int64_t rows = n * l->at.rows * l->at.cols, weights = l->out * l->at.channels;
    numbers w = random_numbers(weights, 2, 0.5, 1);
    if (!l->plain) w.resize(w.size() + (size_t)l->out, 0.25);
    p.n = n;
    p.x = r.give(random_numbers(rows * l->at.channels, 1, 0.5, 1, l->half_x), l->half_x);
    p.y = r.poisoned(rows * l->out, l->half_y);
    p.w = r.give(w);
    p.prepared = r.poisoned(size.prepared);
    p.work = work_of(r, size);
    p.moments = r.doubles(2 * l->out);
    k->conv_prepare(l, p.w, (void *)p.prepared, 0, 1);
    const int64_t before = ps_host_dnn_statistics();
    k->conv_forward(l, &p);
    const numbers y = r.take(p.y);
    const int64_t made = ps_host_dnn_statistics() - before;
    const struct wanted want = engine ? by_sums(y, (size_t)l->out) : by_pass(y, (size_t)l->out);
    expect(made == engine, "%s: %ld engines made moments", what, (long)made);
    within(what, "moments", r.take(p.moments), want.moments, want.most);
}

static void moments()
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    const bool any = !ps_cuda_exact(); /* else engines are not chosen by time */
    const struct ps_nn_conv l = layer(16, 24), odd = layer(12, 10);
    struct ps_nn_conv biased = l, floats = l;
    biased.plain = false;
    floats.half_y = false;
    forward("channels in eights", plugin->nn_bf16, &l, 6, 6, any);
    forward("no engine", plugin->nn_bf16, &odd, 6, 6, false);
    forward("biases", plugin->nn_bf16, &biased, 6, 6, false);
    forward("floats", plugin->nn_bf16, &floats, 6, 6, false);
    forward("fewer samples than were planned for", plugin->nn_bf16, &l, 6, 5, false);
    floats.half_x = false;
    forward("TF32", plugin->nn_tf32, &floats, 6, 6, false);
}

/* An engine that takes more time than one without moments and a pass: it is tried, and left alone. */
static void slower()
{
    const struct ps_nn_conv l = layer(24, 16); /* plans are kept: this one is new */
    const int64_t before = ps_host_dnn_statistics();
    ps_host_first_is_fastest(true);
    forward("a slow engine", ps_cuda_plugin()->nn_bf16, &l, 6, 6, false);
    ps_host_first_is_fastest(false);
    const int64_t tried = ps_host_dnn_statistics() - before;
    expect((tried > 0) == !ps_cuda_exact(), "a slow engine: tried %ld times", (long)tried);
}

/* A channel that is the same everywhere: its mean is that number, and no difference is left that a large
 * factor would make large. */
static void constant()
{
    const struct ps_nn_conv l = layer(8, 8);
    const struct ps_nn_kernels *k = ps_cuda_plugin()->nn_bf16;
    run r(k);
    struct ps_nn_pass p = {};
    const struct ps_nn_size size = k->conv_size(&l, 4);
    const size_t rows = 4 * 90;
    p.n = 4;
    p.x = r.give(numbers(rows * 8, 0.8125), true);
    p.y = r.poisoned((int64_t)rows * 8, true);
    p.w = r.give(random_numbers(64, 2, 0.5, 1));
    p.prepared = r.poisoned(size.prepared);
    p.work = work_of(r, size);
    p.moments = r.doubles(16);
    k->conv_prepare(&l, p.w, (void *)p.prepared, 0, 1);
    k->conv_forward(&l, &p);
    const numbers y = r.take(p.y), got = r.take(p.moments);
    for (size_t j = 0; j < 8; j++) {
        /* the mean of 360 additions, and a variance of which no more is left than roundings */
        expect(fabs(got[j] - y[j]) <= 360 * SINGLE * y[j], "channel %zu: mean %g, not %g", j, got[j], y[j]);
        expect(got[8 + j] >= 0 && got[8 + j] <= 4 * 360 * SINGLE * 360 * y[j] * y[j],
               "channel %zu: squared differences %g", j, got[8 + j]);
    }
}

int main()
{
    return product_main("moments", {moments, slower, constant});
}
