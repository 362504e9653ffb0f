/* LSTM: all products, with and without states before and after, alone and added to what is there. */
#include "product_check.h"

static const struct shape {
    int64_t n, steps, in, hidden;
} shapes[] = {{1, 1, 1, 1}, {3, 5, 4, 6}, {2, 4, 3, 16}, {1, 6, 2, 9}, {5, 2, 1, 8}};

struct arrays {
    numbers x, w, begin, dy, dx, dw;
};

struct results {
    numbers y, end, dx, dw;
};

/** @param room samples that there is room for */
static struct results go(const struct ps_nn_kernels *k, const struct shape &s, int64_t room,
                         const struct arrays &a, bool state, bool add, bool odd)
{
    struct ps_nn_lstm l = {};
    l.steps = s.steps;
    l.in = s.in;
    l.hidden = s.hidden;
    l.data = true;
    run r(k);
    r.k->lstm_size(&l, 1); /* as nets do */
    const struct ps_nn_size size = r.k->lstm_size(&l, room);
    const size_t at = odd ? 1 : 0;
    numbers w(at, NAN), dw(at, NAN), begin(at, NAN);
    w.insert(w.end(), a.w.begin(), a.w.end());
    dw.insert(dw.end(), a.dw.begin(), a.dw.end());
    begin.insert(begin.end(), a.begin.begin(), a.begin.end());
    if (!add) dw.assign(dw.size(), NAN);
    char *const w_at = (char *)r.give(w), *const dw_at = (char *)r.give(dw),
                *const begin_at = (char *)r.give(begin),
                *const end_at = (char *)r.poisoned((int64_t)begin.size());
    struct ps_nn_pass p = {};
    p.n = s.n;
    p.x = r.give(a.x);
    p.y = r.poisoned((int64_t)a.dy.size());
    p.w = w_at + at * k->real;
    p.prepared = r.poisoned(size.prepared);
    p.kept = r.poisoned(size.kept);
    p.work = r.poisoned(size.work);
    p.dy = r.give(a.dy);
    p.dx = add ? r.give(a.dx) : r.poisoned((int64_t)a.dx.size());
    p.dw = dw_at + at * k->real;
    p.dx_add = p.dw_add = add;
    p.begin = state ? begin_at + at * k->real : NULL;
    p.end = state ? end_at + at * k->real : NULL;
    r.k->lstm_prepare(&l, p.w, (void *)p.prepared, 0, 1);
    r.k->lstm_forward(&l, &p);
    r.k->lstm_backward(&l, &p);
    struct results out = {r.take(p.y), r.take(end_at), r.take(p.dx), r.take(dw_at)};
    out.end = state ? part(out.end, at, a.begin.size()) : numbers();
    out.dw = part(out.dw, at, a.w.size());
    return out;
}

/* An operand's error of e moves a sum of K products of weights up to W by some sqrt(K) W e, the state that is
 * carried on by up to that with each step; arrays in bf16 are stored with as much, the state more often.
 * Gradients see it twice. */
static double bound(const form &f, const struct shape &s, double w)
{
    const double operand = f.operand > 0 ? f.operand : 4 * SINGLE;
    return 4 * operand * (1 + sqrt((double)(s.in + s.hidden)) * w) * (double)s.steps;
}

static void one(const form &f, const struct shape &s, int64_t room, bool state, bool add, bool odd)
{
    const int64_t rows = s.n * s.steps, weights = 4 * s.hidden * (s.in + s.hidden + 2);
    const double most = 0.5;
    const struct arrays a = {
        random_numbers(rows * s.in, 1, -1, 1),        random_numbers(weights, 2, -most, most),
        random_numbers(s.n * 2 * s.hidden, 3, -1, 1), random_numbers(rows * s.hidden, 4, -1, 1),
        random_numbers(rows * s.in, 5, -1, 1),        random_numbers(weights, 6, -1, 1)};
    char what[100];
    snprintf(what, sizeof what, "%s LSTM %ldx%ldx%ld to %ld, state %d, add %d", f.k->name, (long)s.n,
             (long)s.steps, (long)s.in, (long)s.hidden, state, add);
    const struct results got = go(f.k, s, room, a, state, add, odd),
                         want = go(&ps_nn_ref64, s, room, a, state, add, odd);
    const double may = bound(f, s, most);
    close_to(what, "ref", {"y", got.y, may}, want.y);
    close_to(what, "ref", {"end", got.end, may}, want.end);
    close_to(what, "ref", {"dx", got.dx, may}, want.dx);
    close_to(what, "ref", {"dw", got.dw, may}, want.dw);
}

static void layers()
{
    for (const form &f : forms())
        for (const struct shape &s : shapes)
            for (const bool state : {false, true})
                for (const bool add : {false, true}) one(f, s, s.n, state, add, add);
}

/* Fewer samples than there is room for, as at the end of a data set, of which no plan was made. */
static void fewer_samples()
{
    for (const form &f : forms()) one(f, {4, 3, 4, 6}, 6, true, false, false);
}

int main()
{
    return product_main("LSTM", {layers, fewer_samples});
}
