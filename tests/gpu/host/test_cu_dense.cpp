/* Dense layers: all products, acts and sizes that fill no block. */
#include "product_check.h"

static const struct shape {
    int64_t n, in, out;
} shapes[] = {{1, 1, 1}, {5, 7, 10}, {33, 64, 24}, {1, 9, 3}, {4, 3, 1}, {2, 1, 6}};

static struct ps_nn_dense layer(const struct shape &s, enum ps_nn_act act)
{
    struct ps_nn_dense l = {};
    l.in = s.in;
    l.out = s.out;
    l.act = act;
    l.data = true;
    return l;
}

struct products {
    numbers y, dx, dw;
};

/** Sums of products, without biases and act, by the reference in double precision. */
static struct products oracle(const struct shape &s, const numbers &x, const numbers &w, const numbers &dy)
{
    const struct ps_nn_dense l = layer(s, PS_NN_LINEAR);
    numbers all = w;
    all.resize(w.size() + (size_t)s.out, 0);
    run r(&ps_nn_ref64);
    struct ps_nn_pass p = {};
    p.n = s.n;
    p.x = r.give(x);
    p.prepared = r.give(all);
    p.y = r.poisoned((int64_t)dy.size());
    p.dy = r.give(dy);
    p.dx = r.poisoned((int64_t)x.size());
    p.dw = r.poisoned((int64_t)all.size());
    r.k->dense_forward(&l, &p);
    r.k->dense_backward(&l, &p);
    return {r.take(p.y), r.take(p.dx), r.take(p.dw)};
}

static void forward(const char *what, const form &f, const struct shape &s, enum ps_nn_act act,
                    const numbers &got, const numbers &x, const numbers &w, const numbers &b)
{
    const numbers no_dy((size_t)(s.n * s.out), 0);
    numbers want = oracle(s, x, w, no_dy).y;
    const numbers sums = oracle(s, absolute(x), absolute(w), no_dy).y;
    numbers most = bounds(f, (double)s.in, sums, want, 0);
    for (size_t i = 0; i < want.size(); i++) {
        want[i] = act_of(act, want[i] + b[i % b.size()]);
        most[i] += 8 * SINGLE * (1 + fabs(want[i]));
    }
    within(what, "y", got, want, most);
}

/** What was there, and what is added to it. */
static void gradient(const char *what, const char *name, const numbers &got, const numbers &was, numbers want,
                     numbers most)
{
    for (size_t i = 0; i < want.size(); i++) {
        want[i] += was[i];
        most[i] += 8 * SINGLE * (1 + fabs(want[i]));
    }
    within(what, name, got, want, most);
}

static void one(const form &f, const struct shape &s, enum ps_nn_act act, bool add, bool odd)
{
    const struct ps_nn_dense l = layer(s, act);
    const size_t at = odd ? 1 : 0;
    const numbers x = random_numbers(s.n * s.in, 1, -1, 1), w = random_numbers(s.in * s.out, 2, -0.5, 0.5),
                  b = random_numbers(s.out, 3, -0.5, 0.5), dy = random_numbers(s.n * s.out, 4, -1, 1),
                  dx = random_numbers(s.n * s.in, 5, -1, 1),
                  dw = random_numbers((s.in + 1) * s.out, 6, -1, 1);
    char what[100];
    snprintf(what, sizeof what, "%s dense %ldx%ld to %ld, act %d, add %d", f.k->name, (long)s.n, (long)s.in,
             (long)s.out, (int)act, add);
    run r(f.k);
    const struct ps_nn_size size = r.k->dense_size(&l, s.n);
    expect(size.weights == (int64_t)dw.size(), "%s: %ld weights", what, (long)size.weights);
    numbers all(at, NAN), gradients(at, NAN);
    all.insert(all.end(), w.begin(), w.end());
    all.insert(all.end(), b.begin(), b.end());
    gradients.insert(gradients.end(), dw.begin(), dw.end());
    if (!add) gradients.assign(gradients.size(), NAN);
    float *const w_there = (float *)r.give(all), *const dw_there = (float *)r.give(gradients);
    struct ps_nn_pass p = {};
    p.n = s.n;
    p.x = r.give(x);
    p.y = r.poisoned((int64_t)dy.size());
    p.w = w_there + at;
    p.prepared = r.poisoned(size.prepared);
    p.work = work_of(r, size);
    p.dy = r.give(dy);
    p.dx = add ? r.give(dx) : r.poisoned((int64_t)dx.size());
    p.dw = dw_there + at;
    p.dx_add = p.dw_add = add;
    r.k->dense_prepare(&l, p.w, (void *)p.prepared, 0, 1);
    r.k->dense_forward(&l, &p);
    const numbers y = r.take(p.y);
    forward(what, f, s, act, y, x, w, b);
    r.k->dense_backward(&l, &p);
    numbers d = dy;
    for (size_t i = 0; i < d.size(); i++) d[i] *= slope_of(act, y[i]);
    const struct products want = oracle(s, x, w, d), sums = oracle(s, absolute(x), absolute(w), absolute(d));
    const numbers zero(dw.size() + dx.size(), 0);
    gradient(what, "dw", part(r.take(dw_there), at, dw.size()), add ? dw : zero, want.dw,
             bounds(f, (double)s.n, sums.dw, want.dw, 0));
    gradient(what, "dx", r.take(p.dx), add ? dx : zero, want.dx,
             bounds(f, (double)s.out, sums.dx, want.dx, 0));
}

static void layers()
{
    for (const form &f : forms())
        for (const struct shape &s : shapes) {
            one(f, s, PS_NN_LINEAR, false, false);
            one(f, s, PS_NN_RELU, true, true);
            one(f, s, PS_NN_RELU, false, false);
            one(f, s, PS_NN_TANH, true, false);
            one(f, s, PS_NN_SIGMOID, false, true);
        }
}

int main()
{
    return product_main("dense layers", {layers});
}
