/* Pools, sums, upsampling, layer norms and small layers. */
#include "cucheck.h"

static struct ps_nn_read read_of(run &r, int64_t c, uint32_t stream, enum ps_nn_act act)
{
    return {r.give(random_numbers(c, stream, 0.5, 1.5)), r.give(random_numbers(c, stream + 1, -0.5, 0.5)),
            r.give(random_numbers(c, stream + 2, -1, 1)), act};
}

/** How a pool is passed through. */
struct pooling {
    int64_t n, height, width, channels;
    int kernel, stride, pad;
};
struct how {
    bool mean, half_x, half_y, reads, add;
};

static struct ps_nn_window window_of(const struct pooling &s)
{
    const int64_t rows = (s.height + 2 * s.pad - s.kernel) / s.stride + 1,
                  cols = (s.width + 2 * s.pad - s.kernel) / s.stride + 1;
    return {s.height, s.width, s.channels, rows, cols, s.kernel, s.stride, s.pad};
}

/* Inputs are multiples of 1/8, which stay numbers of bf16 where they are read through a normalisation:
 * windows have several largest elements, and the references find the same ones. */
static void one_pool(const struct pooling &s, const struct how &h)
{
    const struct ps_nn_pool l = {window_of(s), h.mean, h.half_x, h.half_y};
    const int64_t in = s.n * s.height * s.width * s.channels, out = s.n * l.at.rows * l.at.cols * s.channels;
    const double bound = 16 * SINGLE + (h.half_x || h.half_y ? 2 * HALF : 0);
    char what[100];
    snprintf(what, sizeof what, "pool of %lldx%lldx%lld, %d/%d/%d, mean %d, bf16 %d %d, reads %d, add %d",
             (long long)s.height, (long long)s.width, (long long)s.channels, s.kernel, s.stride, s.pad,
             h.mean, h.half_x, h.half_y, h.reads, h.add);
    agree(what, [&](run &r) {
        struct ps_nn_pass p = {};
        numbers x = random_numbers(in, 1, -2, 2);
        for (double &v : x) v = round(8 * v) / 8;
        p.n = s.n;
        p.x = r.give(x, h.half_x);
        p.y = r.poisoned(out, h.half_y);
        if (h.reads) {
            p.read = {r.give(numbers((size_t)s.channels, 0.5)), r.give(numbers((size_t)s.channels, 0.25)),
                      r.give(random_numbers(s.channels, 4, -1, 1)), PS_NN_RELU};
        }
        p.work = r.columns_work(s.n * s.height * s.width, s.channels);
        p.sums = h.reads ? r.doubles(2 * s.channels) : NULL;
        r.k->pool_forward(&l, &p);
        p.dy = r.give(random_numbers(out, 2, -1, 1, true), h.half_y);
        p.dx = h.add ? r.give(random_numbers(in, 3, -1, 1, true), h.half_x) : r.poisoned(in, h.half_x);
        p.dx_add = h.add;
        r.k->pool_backward(&l, &p);
        std::vector<output> all = {{"y", r.take(p.y), bound}, {"dx", r.take(p.dx), bound}};
        if (h.reads) all.push_back({"sums", r.take(p.sums), summed(s.n * s.height * s.width, h.half_x)});
        return all;
    });
}

static void pools()
{
    static const struct pooling shapes[] = {{2, 7, 9, 64, 3, 2, 1}, {3, 6, 6, 3, 2, 2, 0},
                                            {1, 5, 4, 1, 3, 1, 1},  {2, 7, 7, 40, 7, 7, 0},
                                            {2, 8, 5, 12, 2, 3, 0}, {1, 3, 3, 300, 2, 1, 0}};
    static const struct how hows[] = {{false, false, false, false, false}, {true, false, false, false, true},
                                      {false, true, true, false, true},    {false, true, true, true, false},
                                      {true, true, false, true, false},    {false, false, true, false, false},
                                      {true, true, true, true, true},      {false, false, false, true, true},
                                      {false, true, false, true, false}};
    for (const struct pooling &s : shapes)
        for (const struct how &h : hows) one_pool(s, h);
}

/** Which inputs of a sum are read through a normalisation, and where its gradient goes. */
struct adding {
    bool half_x, half_also, half_y, reads_x, reads_also, dx, dalso, add;
};

static void one_sum(int64_t n, int64_t places, int64_t c, enum ps_nn_act act, const struct adding &h)
{
    const struct ps_nn_sum l = {places, c, act, h.half_x, h.half_also, h.half_y};
    const int64_t all = n * places * c;
    const bool half = h.half_x || h.half_also || h.half_y;
    const double bound = 16 * SINGLE + (half ? 2 * HALF : 0);
    char what[100];
    snprintf(what, sizeof what, "sum of %lldx%lldx%lld, bf16 %d %d %d, reads %d %d, gives %d %d, add %d",
             (long long)n, (long long)places, (long long)c, h.half_x, h.half_also, h.half_y, h.reads_x,
             h.reads_also, h.dx, h.dalso, h.add);
    agree(what, [&](run &r) {
        struct ps_nn_pass p = {};
        p.n = n;
        p.x = r.give(random_numbers(all, 1, -1, 1, true), h.half_x);
        p.also = r.give(random_numbers(all, 2, -1, 1, true), h.half_also);
        if (h.reads_x) p.read = read_of(r, c, 20, PS_NN_LINEAR);
        if (h.reads_also) p.also_read = read_of(r, c, 30, PS_NN_LINEAR);
        p.y = r.poisoned(all, h.half_y);
        p.work = r.columns_work(n * places, c);
        p.sums = h.reads_x ? r.doubles(2 * c) : NULL;
        p.also_sums = h.reads_also ? r.doubles(2 * c) : NULL;
        r.k->sum_forward(&l, &p);
        p.dy = r.give(random_numbers(all, 3, -1, 1, true), h.half_y);
        p.dx_add = p.dalso_add = h.add;
        if (h.dx)
            p.dx = h.add ? r.give(random_numbers(all, 4, -1, 1, true), h.half_x) : r.poisoned(all, h.half_x);
        if (h.dalso)
            p.dalso = h.add ? r.give(random_numbers(all, 5, -1, 1, true), h.half_also)
                            : r.poisoned(all, h.half_also);
        r.k->sum_backward(&l, &p);
        const double sums = summed(n * places);
        std::vector<output> out = {{"y", r.take(p.y), bound}, {"dy", r.take(p.dy), 0}};
        if (h.dx) out.push_back({"dx", r.take(p.dx), bound});
        if (h.dalso) out.push_back({"dalso", r.take(p.dalso), bound});
        if (h.reads_x) out.push_back({"sums", r.take(p.sums), sums});
        if (h.reads_also) out.push_back({"also_sums", r.take(p.also_sums), sums});
        return out;
    });
}

static void sums()
{
    static const struct adding hows[] = {{false, false, false, false, false, true, true, false},
                                         {true, true, true, true, true, true, true, true},
                                         {true, true, true, true, false, false, true, false},
                                         {true, false, true, false, true, true, true, true},
                                         {false, true, false, false, false, true, false, true},
                                         {false, false, false, true, true, false, false, false},
                                         {true, true, true, false, false, false, false, false}};
    static const int64_t shapes[][3] = {{1, 1, 1},    {2, 9, 64},  {3, 7, 3},
                                        {5, 1, 2048}, {2, 33, 20}, {4, 700, 8}};
    for (const int64_t *s : shapes)
        for (const struct adding &h : hows)
            for (const enum ps_nn_act act : {PS_NN_LINEAR, PS_NN_RELU}) one_sum(s[0], s[1], s[2], act, h);
}

static void one_upsample(const struct ps_nn_upsample &l, int64_t n, bool add)
{
    const int64_t in = n * l.height * l.width * l.channels, out = n * l.rows * l.cols * l.channels;
    agree("upsampling", [&](run &r) {
        struct ps_nn_pass p = {};
        p.n = n;
        p.x = r.give(random_numbers(in, 1, -1, 1));
        p.y = r.poisoned(out);
        p.dy = r.give(random_numbers(out, 2, -1, 1));
        p.dx = add ? r.give(random_numbers(in, 3, -1, 1)) : r.poisoned(in);
        p.dx_add = add;
        r.k->upsample_forward(&l, &p);
        r.k->upsample_backward(&l, &p);
        return std::vector<output>{{"y", r.take(p.y), 0}, {"dx", r.take(p.dx), 16 * SINGLE}};
    });
}

static void upsamplings()
{
    for (const bool add : {false, true})
        for (const int64_t c : {1, 3, 8, 36}) {
            one_upsample({3, 4, c, 6, 8}, 2, add);
            one_upsample({5, 3, c, 7, 11}, 3, add);
            one_upsample({1, 1, c, 4, 3}, 1, add);
        }
}

/* Rows of a warp, and of a block. Sums of rows are in double precision; a row of one or two features is
 * nearly constant, and 1 / sqrt(eps) = 30 times as steep. */
static void one_layer_norm(int64_t n, int64_t places, int64_t c, bool add, bool data)
{
    const struct ps_nn_layer_norm l = {places, c, 1e-3};
    const int64_t rows = n * places, all = rows * c;
    char what[100];
    snprintf(what, sizeof what, "layer norm of %lld x %lld", (long long)rows, (long long)c);
    agree(what, [&](run &r) {
        struct ps_nn_pass p = {};
        const double steep = c < 4 ? 30 : 1;
        p.n = n;
        p.x = r.give(random_numbers(all, 1, -1, 2));
        p.w = r.give(random_numbers(2 * c, 2, 0.5, 1.5));
        p.y = r.poisoned(all);
        p.kept = r.poisoned(2 * rows);
        p.work = r.columns_work(rows, c);
        p.dy = r.give(random_numbers(all, 3, -1, 1));
        p.dx = !data ? NULL : add ? r.give(random_numbers(all, 4, -1, 1)) : r.poisoned(all);
        p.dw = add ? r.give(random_numbers(2 * c, 5, -1, 1)) : r.poisoned(2 * c);
        p.dx_add = p.dw_add = add;
        r.k->layer_norm_forward(&l, &p);
        r.k->layer_norm_backward(&l, &p);
        std::vector<output> out = {{"y", r.take(p.y), steep * 32 * SINGLE},
                                   {"kept", r.take(p.kept), 32 * SINGLE},
                                   {"dw", r.take(p.dw), steep * summed(rows)}};
        if (data) out.push_back({"dx", r.take(p.dx), steep * 64 * SINGLE});
        return out;
    });
}

static void layer_norms()
{
    for (const bool add : {false, true}) {
        one_layer_norm(1, 1, 1, add, true);
        one_layer_norm(3, 5, 2, add, true);
        one_layer_norm(4, 7, 33, add, !add);
        one_layer_norm(50, 3, 64, add, true);
        one_layer_norm(3, 1, 1030, add, true);
        one_layer_norm(2, 1, 4100, add, true);
    }
}

static void one_small(int64_t n, int64_t steps, int64_t features, bool add)
{
    agree("last step", [&](run &r) {
        const struct ps_nn_last_step l = {steps, features, r.k->real};
        struct ps_nn_pass p = {};
        p.n = n;
        p.x = r.give(random_numbers(n * steps * features, 1, -1, 1));
        p.y = r.poisoned(n * features);
        p.dy = r.give(random_numbers(n * features, 2, -1, 1));
        p.dx =
            add ? r.give(random_numbers(n * steps * features, 3, -1, 1)) : r.poisoned(n * steps * features);
        p.dx_add = add;
        r.k->last_step_forward(&l, &p);
        r.k->last_step_backward(&l, &p);
        return std::vector<output>{{"y", r.take(p.y), 0}, {"dx", r.take(p.dx), 2 * SINGLE}};
    });
    agree("gate", [&](run &r) {
        const struct ps_nn_gate l = {steps, features, r.k->real};
        struct ps_nn_pass p = {};
        p.n = n;
        p.x = r.give(random_numbers(n * features, 1, -1, 1));
        numbers also = random_numbers(n * steps, 4, -1, 1);
        also[0] = NAN;
        p.also = r.give(also);
        p.w = r.give(
            numbers((size_t)steps, (float)pow(0.5, 1 / (double)steps))); /* half of the samples are within */
        p.y = r.poisoned(n * features);
        p.dy = r.give(random_numbers(n * features, 2, -1, 1));
        p.dx = add ? r.give(random_numbers(n * features, 3, -1, 1)) : r.poisoned(n * features);
        p.dx_add = p.dalso_add = add;
        p.dalso = add ? r.give(random_numbers(n * steps, 5, -1, 1)) : r.poisoned(n * steps);
        p.dw = r.poisoned(steps);
        r.k->gate_forward(&l, &p);
        r.k->gate_backward(&l, &p);
        return std::vector<output>{{"y", r.take(p.y), 0},
                                   {"dx", r.take(p.dx), 2 * SINGLE},
                                   {"dalso", r.take(p.dalso), 0},
                                   {"dw", r.take(p.dw), 0}};
    });
}

static void small()
{
    for (const bool add : {false, true}) {
        one_small(1, 1, 1, add);
        one_small(9, 5, 7, add);
        one_small(40, 300, 128, add);
    }
}

/* Bits are those of the host: dropped are the same elements. */
static void dropouts()
{
    const struct ps_nn_step step = {.step = 123456789012, .rate = 0};
    cuda->device->set_step(&step);
    for (const int64_t features : {1, 5, 8, 301})
        for (const double rate : {0.0, 0.3, 0.999}) {
            const struct ps_nn_dropout l = {features, rate, 0x123456789abcdef0, 0x0d07};
            const int64_t n = 50, sample[] = {7, -1, 1ll << 40, 3, 12};
            agree("dropout", [&](run &r) {
                std::vector<int64_t> samples;
                for (int64_t i = 0; i < n; i++) samples.push_back(sample[i % 5] + i / 5);
                const int64_t *const there =
                    (const int64_t *)r.bytes((size_t)n, sizeof(int64_t), samples.data());
                void *const x = r.give(random_numbers(n * features, 1, -1, 1));
                r.k->dropout(&l, n, there, step.step, x);
                return std::vector<output>{{"x", r.take(x), 2 * SINGLE}};
            });
        }
}

static void one_bias(int64_t rows, int64_t out, enum ps_nn_act act, bool half, bool bias, bool add)
{
    const numbers z = random_numbers(rows * out, 1, -2, 2, half), b = random_numbers(out, 2, -1, 1),
                  dy = random_numbers(rows * out, 3, -1, 1, half), db = random_numbers(out, 4, -1, 1);
    const double bound = 16 * SINGLE + (half ? 2 * HALF : 0);
    numbers y(z.size()), dz(z.size()), sums = add ? db : numbers(db.size());
    run r(cuda);
    void *const to = r.give(z, half), *const gradient = r.give(dy, half);
    float *const sum = bias ? (float *)(add ? r.give(db) : r.poisoned(out)) : NULL;
    ps_nn_bias_act_cu(rows, out, act, half, bias ? (const float *)r.give(b) : NULL, to);
    const numbers got = r.take(to);
    ps_nn_bias_act_back_cu(rows, out, act, half, to, gradient, sum, add,
                           r.doubles(ps_nn_moments_work_cu(rows, out)));
    for (size_t i = 0; i < z.size(); i++) {
        const size_t k = i % (size_t)out;
        const double v = z[i] + (bias ? b[k] : 0);
        y[i] = act == PS_NN_RELU ? fmax(v, 0) : act == PS_NN_TANH ? tanh(v) : act ? 1 / (1 + exp(-v)) : v;
        const double slope = act == PS_NN_RELU   ? got[i] > 0
                             : act == PS_NN_TANH ? 1 - got[i] * got[i]
                             : act               ? got[i] * (1 - got[i])
                                                 : 1;
        dz[i] = dy[i] * slope;
        sums[k] += dz[i];
    }
    close_to("bias and act", "the formula", {"y", got, bound}, y);
    close_to("bias and act", "the formula", {"dz", r.take(gradient), bound}, dz);
    if (bias) close_to("bias and act", "the formula", {"db", r.take(sum), summed(rows, half)}, sums);
}

static void biases()
{
    static const int64_t shapes[][2] = {{1, 1}, {300, 7}, {64, 10}, {33, 512}, {1000, 24}};
    for (const int64_t *s : shapes)
        for (const enum ps_nn_act act : {PS_NN_LINEAR, PS_NN_RELU, PS_NN_TANH, PS_NN_SIGMOID})
            for (const bool half : {false, true}) {
                one_bias(s[0], s[1], act, half, true, half);
                one_bias(s[0], s[1], act, half, act == PS_NN_TANH, false);
            }
}

/* Arrays may begin anywhere: after `skip` floats. */
static void one_vector(int64_t n, size_t skip)
{
    const numbers a = random_numbers(n, 1, -1, 1), b = random_numbers(n + (int64_t)skip, 2, -1, 1);
    const numbers half = random_numbers(n, 3, -1, 1, true);
    numbers sum = b, followed = b, rounded(a.size());
    run r(cuda);
    float *const to = (float *)r.give(b), *const mean = (float *)r.give(b), *const added = (float *)r.give(b);
    void *const bits = r.poisoned(n, true), *const copy = r.poisoned(n), *const cleared = r.give(a);
    const void *const from = r.give(a);
    r.k->add(n, from, to + skip);
    r.k->device->follow(n, 0.25, 3, from, mean + skip);
    r.k->copy(n * (int64_t)sizeof(float), from, copy);
    r.k->clear((n - 1) * (int64_t)sizeof(float), cleared);
    ps_nn_to_half_cu(n, (const float *)from, (ps_half *)bits);
    ps_nn_from_half_cu(n, (const ps_half *)r.give(half, true), added + skip, skip > 0);
    numbers want = b, zeros(a.size());
    zeros.back() = a.back();
    for (size_t i = 0; i < a.size(); i++) {
        sum[i + skip] += a[i];
        followed[i + skip] += 0.25 * (a[i] / 3 - b[i + skip]);
        rounded[i] = ps_half_get(ps_half_of((float)a[i]));
        want[i + skip] = half[i] + (skip > 0 ? b[i + skip] : 0);
    }
    close_to("add", "the formula", {"sum", r.take(to), SINGLE}, sum);
    close_to("follow", "the formula", {"mean", r.take(mean), 4 * SINGLE}, followed);
    close_to("copy", "its input", {"copy", r.take(copy), 0}, a);
    close_to("clear", "zeros", {"zeros", r.take(cleared), 0}, zeros);
    close_to("to half", "rounded", {"bits", r.take(bits), 0}, rounded);
    close_to("from half", "the formula", {"sum", r.take(added), SINGLE}, want);
}

static void vectors()
{
    for (const int64_t n : {1, 5, 1023, 1024, 4099}) {
        one_vector(n, 0);
        one_vector(n, 3);
    }
}

int main()
{
    return cu_main("layers", {pools, sums, upsamplings, layer_norms, small, dropouts, biases, vectors});
}
