/* Normalisations that are never written out, and batch norms. */
#include "cucheck.h"

/** Shapes: single rows and channels, channels for all widths of vectors and none, more than a block has
 * beside each other, rows that fill no block, several rows of a thread. */
static const struct shape {
    int64_t rows, channels;
} shapes[] = {{1, 1},     {1, 64},   {77, 1},  {7, 3},   {131, 5},   {300, 64},
              {65, 2048}, {513, 24}, {40, 12}, {9, 300}, {260, 2049}};

static float act_of(enum ps_nn_act act, double z)
{
    return (float)(act == PS_NN_RELU ? z < 0 ? 0 : z : z);
}

/* A product, a sum and what is stored: at most 3 roundings, of terms of up to 6. */
static double stored(bool half)
{
    return 8 * SINGLE + (half ? HALF : 0);
}

static void one_read(const struct shape &s, bool half, enum ps_nn_act act, bool in_place)
{
    const int64_t n = s.rows * s.channels;
    const numbers x = random_numbers(n, 1, -2, 2, half), a = random_numbers(s.channels, 2, -2, 2),
                  b = random_numbers(s.channels, 3, -1, 1);
    numbers want(x.size());
    run r(cuda);
    void *const from = r.give(x, half), *const to = in_place ? from : r.poisoned(n, half);
    const struct ps_nn_read read = {r.give(a), r.give(b), NULL, act};
    ps_nn_read_cu(&read, s.rows, s.channels, half, from, to);
    for (size_t i = 0; i < x.size(); i++) want[i] = act_of(act, a[i % a.size()] * x[i] + b[i % a.size()]);
    close_to("read", "the formula", {"z", r.take(to), stored(half)}, want);
}

static void one_gradient_read(const struct shape &s, bool half, bool in_place)
{
    const int64_t n = s.rows * s.channels;
    const numbers dy = random_numbers(n, 1, -2, 2, half), y = random_numbers(n, 2, -2, 2, half),
                  f = random_numbers(3 * s.channels, 3, -1, 1);
    numbers want(dy.size());
    run r(cuda);
    void *const from = r.give(dy, half), *const to = in_place ? from : r.poisoned(n, half);
    const float *const at = (const float *)r.give(f);
    const struct ps_nn_gradient_read read = {at, at + s.channels, at + 2 * s.channels};
    ps_nn_gradient_read_cu(&read, s.rows, s.channels, half, from, r.give(y, half), to);
    for (size_t i = 0; i < dy.size(); i++) {
        const size_t k = i % (size_t)s.channels, c = (size_t)s.channels;
        want[i] = f[k] * dy[i] + f[c + k] * y[i] + f[2 * c + k];
    }
    close_to("gradient read", "the formula", {"z", r.take(to), stored(half)}, want);
}

static void reads()
{
    for (const struct shape &s : shapes)
        for (const bool half : {false, true})
            for (const bool in_place : {false, true}) {
                one_read(s, half, in_place ? PS_NN_LINEAR : PS_NN_RELU, in_place);
                one_gradient_read(s, half, in_place);
            }
}

/* Far from zero, where sums of squares would lose all digits. Differences from the first row are up to 2,
 * their squares up to 12 times the variance, and sums of up to 128 of them are in single precision. */
static void one_moments(const struct shape &s, bool half)
{
    const numbers y = random_numbers(s.rows * s.channels, 1, half ? 8 : 1000, half ? 10 : 1002, half);
    const size_t c = (size_t)s.channels;
    const double rows = (double)s.rows;
    numbers mean(c), squares(c);
    run r(cuda);
    double *const out = r.doubles(2 * s.channels);
    double *const work = r.doubles(ps_nn_moments_work_cu(s.rows, s.channels));
    ps_nn_moments_cu(s.rows, s.channels, half, r.give(y, half), out, work);
    for (size_t i = 0; i < y.size(); i++) mean[i % c] += y[i] / rows;
    for (size_t i = 0; i < y.size(); i++) squares[i % c] += pow(y[i] - mean[i % c], 2);
    const numbers got = r.take(out);
    close_to("moments", "the formula",
             {"mean", {got.begin(), got.begin() + s.channels}, 2 * 128 * SINGLE / (half ? 8 : 1000)}, mean);
    close_to("moments", "the formula", {"squares", {got.begin() + s.channels, got.end()}, 4 * 1216 * SINGLE},
             squares);
}

/* dx is a copy or 0. */
static void one_read_back(const struct shape &s, bool half, enum ps_nn_act act)
{
    const int64_t n = s.rows * s.channels;
    const size_t c = (size_t)s.channels;
    const numbers x = random_numbers(n, 1, -2, 2, half), dx = random_numbers(n, 2, -1, 1, half),
                  f = random_numbers(3 * s.channels, 3, -1, 1);
    numbers want = dx, sums(2 * c);
    run r(cuda);
    const float *const at = (const float *)r.give(f);
    const struct ps_nn_read read = {at, at + c, at + 2 * c, act};
    double *const out = r.doubles(2 * s.channels);
    double *const work = r.doubles(ps_nn_moments_work_cu(s.rows, s.channels));
    void *const to = r.give(dx, half);
    ps_nn_read_back_cu(&read, s.rows, s.channels, half, r.give(x, half), to, out, work);
    for (size_t i = 0; i < x.size(); i++) {
        const size_t k = i % c;
        if (act == PS_NN_RELU && !(f[k] * x[i] + f[c + k] > 0)) want[i] = 0;
        sums[k] += want[i];
        sums[c + k] += want[i] * (x[i] - f[2 * c + k]);
    }
    close_to("read back", "the formula", {"dx", r.take(to), 0}, want);
    close_to("read back", "the formula", {"sums", r.take(out), summed(s.rows)}, sums);
}

static void sums()
{
    for (const struct shape &s : shapes)
        for (const bool half : {false, true}) {
            one_moments(s, half);
            one_read_back(s, half, PS_NN_RELU);
            one_read_back(s, half, PS_NN_LINEAR);
        }
}

/* Outputs: x scale + offset, with x up to 3 deviations, and acts that do not grow errors. Gradients of
 * weights are sums over rows; those of inputs subtract two means from a gradient. */
static void batch_norm(const struct shape &s, enum ps_nn_act act, bool add, bool data)
{
    const int64_t n = s.rows * s.channels, c = s.channels;
    const struct ps_nn_batch_norm l = {.places = 1, .channels = c, .eps = 1e-3, .act = act};
    char what[100];
    snprintf(what, sizeof what, "batch norm of %lld x %lld, act %d", (long long)s.rows, (long long)c,
             (int)act);
    agree(what, [&](run &r) {
        struct ps_nn_pass p = {};
        p.n = s.rows;
        p.x = r.give(random_numbers(n, 1, -1, 2));
        p.w = r.give(random_numbers(2 * c, 2, 0.5, 1.5));
        p.y = r.poisoned(n);
        p.kept = r.poisoned(2 * c);
        p.work = r.columns_work(s.rows, c);
        r.k->batch_norm_forward(&l, &p);
        p.dy = r.give(random_numbers(n, 3, -1, 1));
        p.dx = !data ? NULL : add ? r.give(random_numbers(n, 4, -1, 1)) : r.poisoned(n);
        p.dw = add ? r.give(random_numbers(2 * c, 5, -1, 1)) : r.poisoned(2 * c);
        p.dx_add = p.dw_add = add;
        r.k->batch_norm_backward(&l, &p);
        const double steep = s.rows < 8 ? 30 : 1;
        std::vector<output> out = {{"y", r.take(p.y), steep * 32 * SINGLE},
                                   {"kept", r.take(p.kept), 32 * SINGLE},
                                   {"dw", r.take(p.dw), steep * summed(s.rows)}};
        if (data) out.push_back({"dx", r.take(p.dx), steep * 300 * SINGLE});
        p.y = r.poisoned(n);
        r.k->batch_norm_evaluate(&l, &p, r.give(random_numbers(c, 6, -1, 1)),
                                 r.give(random_numbers(c, 7, 0.5, 2)));
        out.push_back({"y in evaluation", r.take(p.y), 32 * SINGLE});
        return out;
    });
}

static void batch_norms()
{
    for (const struct shape &s : shapes)
        for (const enum ps_nn_act act : {PS_NN_LINEAR, PS_NN_RELU, PS_NN_TANH, PS_NN_SIGMOID})
            if (act <= PS_NN_RELU || s.rows * s.channels < 200000)
                batch_norm(s, act, act % 2 == 1, act != PS_NN_TANH);
}

/* In parts, as where statistics are of several micro-batches. Moments err as one_moments has it, of rows that
 * are within 1.5 of the first; gradients of given factors by some roundings of terms up to 6. */
static void in_parts(const struct shape &s, enum ps_nn_act act, bool add)
{
    const int64_t n = s.rows * s.channels, c = s.channels;
    const struct ps_nn_batch_norm l = {.places = 1, .channels = c, .eps = 1e-3, .act = act};
    char what[100];
    snprintf(what, sizeof what, "batch norm in parts, %lld x %lld, act %d", (long long)s.rows, (long long)c,
             (int)act);
    agree(what, [&](run &r) {
        struct ps_nn_pass p = {};
        p.n = s.rows;
        p.x = r.give(random_numbers(n, 1, -1, 2));
        p.y = r.give(random_numbers(n, 2, -1, 1));
        p.kept = r.give(random_numbers(2 * c, 3, 0, 1));
        p.work = r.columns_work(s.rows, c);
        p.moments = r.doubles(2 * c);
        p.sums = r.doubles(2 * c);
        p.dy = r.give(random_numbers(n, 4, -1, 1));
        p.dx = add ? r.give(random_numbers(n, 5, -1, 1)) : r.poisoned(n);
        p.dx_add = add;
        const numbers f = random_numbers(c, 6, -1, 1);
        p.dy_read = {r.give(f), r.give(random_numbers(c, 7, -1, 1)), r.give(random_numbers(c, 8, -1, 1))};
        struct ps_nn_norm m = {};
        m.real = r.k->real;
        m.channels = c;
        m.rows = (double)s.rows;
        m.sums = p.moments;
        void *const variance = r.poisoned(c);
        r.k->batch_norm_moments(&l, &p);
        r.k->norm_variance(&m, variance);
        r.k->batch_norm_sums(&l, &p);
        r.k->batch_norm_gradient(&l, &p);
        return std::vector<output>{{"moments", r.take(p.moments), 4 * 1216 * SINGLE},
                                   {"variance", r.take(variance), 4 * 1216 * SINGLE},
                                   {"dy", r.take(p.dy), 8 * SINGLE},
                                   {"sums", r.take(p.sums), summed(s.rows)},
                                   {"dx", r.take(p.dx), 16 * SINGLE}};
    });
}

static void parts()
{
    for (const struct shape &s : shapes)
        for (const enum ps_nn_act act : {PS_NN_LINEAR, PS_NN_RELU, PS_NN_TANH, PS_NN_SIGMOID})
            if (act <= PS_NN_RELU || s.rows * s.channels < 200000) in_parts(s, act, act % 2 == 1);
}

/* The numbers of one that is never written out: per channel some products in double precision. */
static void factors_of(int64_t c, bool given, bool add)
{
    agree("numbers of a batch norm", [&](run &r) {
        const numbers sums = random_numbers(2 * c, 1, 1, 3);
        const numbers begin = random_numbers(2 * c, 2, -1, 1);
        struct ps_nn_norm m = {};
        m.real = r.k->real;
        m.channels = c;
        m.eps = 1e-5;
        m.rows = 17;
        m.w = r.give(random_numbers(2 * c, 3, -1, 1));
        m.mean = r.poisoned(c), m.scale = r.poisoned(c), m.a = r.poisoned(c), m.b = r.poisoned(c);
        m.s = r.poisoned(c), m.p = r.poisoned(c), m.q = r.poisoned(c);
        m.sums = (double *)r.bytes(sums.size(), sizeof(double), sums.data());
        void *const dw = add ? r.give(begin) : r.poisoned(2 * c);
        void *const buffers = add ? r.give(begin) : r.poisoned(2 * c);
        const void *const mean = r.give(random_numbers(c, 4, -1, 1));
        const void *const variance = r.give(random_numbers(c, 5, 0.1, 1));
        r.k->norm_factors(&m, given ? mean : NULL, given ? variance : NULL);
        r.k->norm_gradients(&m);
        r.k->norm_weights(&m, dw, add);
        r.k->norm_buffers(&m, buffers, add);
        return std::vector<output>{
            {"mean", r.take(m.mean), 16 * SINGLE},    {"scale", r.take(m.scale), 16 * SINGLE},
            {"a", r.take(m.a), 16 * SINGLE},          {"b", r.take(m.b), 16 * SINGLE},
            {"s", r.take(m.s), 16 * SINGLE},          {"p", r.take(m.p), 16 * SINGLE},
            {"q", r.take(m.q), 16 * SINGLE},          {"dw", r.take(dw), 16 * SINGLE},
            {"buffers", r.take(buffers), 16 * SINGLE}};
    });
}

static void factors()
{
    for (const int64_t c : {1, 3, 256, 700})
        for (const bool given : {false, true}) factors_of(c, given, !given);
}

int main()
{
    return cu_main("norms", {reads, sums, batch_norms, parts, factors});
}
