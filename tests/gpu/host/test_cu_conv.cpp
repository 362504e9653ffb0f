/* Convolutions: all products and types of images, alone and between normalisations that are never written
 * out. */
#include "product_check.h"

/** Sides, channels, window, outputs, samples. */
static const struct shape {
    int64_t height, width, channels;
    int kernel, stride, pad;
    int64_t out, n;
} shapes[] = {{5, 4, 8, 1, 1, 0, 16, 3}, {7, 6, 8, 3, 2, 1, 8, 2},   {11, 9, 3, 7, 2, 3, 8, 2},
              {4, 5, 5, 3, 1, 1, 7, 1},  {6, 6, 16, 1, 2, 0, 24, 2}, {8, 7, 1, 5, 1, 2, 4, 2},
              {5, 5, 12, 3, 1, 0, 8, 2}};

struct hooks {
    bool read, dy_read, moments, add;
    bool plain;
    enum ps_nn_act act; /* of the read, or of a layer that is not plain */
};

static const struct hooks all_hooks[] = {
    {false, false, false, false, true, PS_NN_LINEAR}, {false, false, false, true, true, PS_NN_LINEAR},
    {true, true, true, false, true, PS_NN_RELU},      {true, true, true, true, true, PS_NN_LINEAR},
    {false, true, true, true, true, PS_NN_LINEAR},    {false, false, false, false, false, PS_NN_RELU},
    {false, false, false, true, false, PS_NN_TANH},   {false, false, false, true, false, PS_NN_LINEAR}};

static struct ps_nn_conv layer(const struct shape &s)
{
    struct ps_nn_conv l = {};
    l.at = {s.height,
            s.width,
            s.channels,
            (s.height + 2 * s.pad - s.kernel) / s.stride + 1,
            (s.width + 2 * s.pad - s.kernel) / s.stride + 1,
            s.kernel,
            s.stride,
            s.pad};
    l.out = s.out;
    l.plain = true;
    l.data = true;
    return l;
}

/** The products alone, by the reference in double precision. */
struct products {
    numbers y, dx, dw;
};

static struct products oracle(const struct shape &s, const numbers &x, const numbers &w, const numbers &dy)
{
    const struct ps_nn_conv l = layer(s);
    run r(&ps_nn_ref64);
    struct ps_nn_pass p = {};
    p.n = s.n;
    p.x = r.give(x);
    p.w = p.prepared = r.give(w);
    p.y = r.poisoned((int64_t)dy.size());
    p.dy = r.give(dy);
    p.dx = r.poisoned((int64_t)x.size());
    p.dw = r.poisoned((int64_t)w.size());
    r.k->conv_forward(&l, &p);
    r.k->conv_backward(&l, &p);
    return {r.take(p.y), r.take(p.dx), r.take(p.dw)};
}

/** One layer between its neighbours, on the device. */
struct check {
    const form &f;
    const struct shape &s;
    const struct hooks &h;
    struct ps_nn_conv l;
    char what[200];
    run r;
    struct ps_nn_pass p;
    numbers x, z, w, b, dy, dx, dw, a_in, b_in, mean, gs, gp, gq; /* z: x as it is read */
    void *w_at, *dw_at;

    check(const form &form, const struct shape &shape, const struct hooks &hooks, bool half_x, bool half_y)
        : f(form), s(shape), h(hooks), l(layer(shape)), r(form.k), p{}
    {
        l.plain = h.plain;
        l.act = h.plain ? PS_NN_LINEAR : h.act;
        l.half_x = half_x;
        l.half_y = half_y;
        l.reads = h.read;
        snprintf(what, sizeof what,
                 "%s %c%c %ldx%ldx%ld kernel %d/%d pad %d to %ld, n %ld, read %d %d moments %d add %d act %d",
                 f.k->name, half_x ? 'h' : 'f', half_y ? 'h' : 'f', (long)s.height, (long)s.width,
                 (long)s.channels, s.kernel, s.stride, s.pad, (long)s.out, (long)s.n, h.read, h.dy_read,
                 h.moments, h.add, (int)h.act);
    }

    void fill()
    {
        const int64_t in = s.n * s.height * s.width * s.channels, out = s.n * l.at.rows * l.at.cols * s.out;
        const int64_t weights = s.out * s.kernel * s.kernel * s.channels;
        x = random_numbers(in, 1, -1, 1, l.half_x), w = random_numbers(weights, 2, -0.5, 0.5);
        b = random_numbers(s.out, 3, -0.5, 0.5), dy = random_numbers(out, 4, -1, 1, l.half_y);
        dx = random_numbers(in, 5, -1, 1, l.half_x),
        dw = random_numbers(weights + (l.plain ? 0 : s.out), 6, -1, 1);
        a_in = random_numbers(s.channels, 7, 0.5, 1.5), b_in = random_numbers(s.channels, 8, -0.5, 0.5);
        mean = random_numbers(s.channels, 9, -0.2, 0.2), gs = random_numbers(s.out, 10, 0.5, 1.5);
        gp = random_numbers(s.out, 11, -0.1, 0.1), gq = random_numbers(s.out, 12, -0.1, 0.1);
        z = x;
        for (size_t i = 0; i < x.size() && h.read; i++) {
            const size_t k = i % a_in.size();
            if (fabs(a_in[k] * x[i] + b_in[k]) < 0.01)
                x[i] = x[i] > 0 ? 0.75 : -0.75; /* away from the kink */
            z[i] = act_of(h.act, a_in[k] * x[i] + b_in[k]);
        }
    }

    /** An array of floats that begins at no multiple of anything. */
    void *give_odd(const numbers &v, void **begins)
    {
        numbers shifted(1, NAN);
        shifted.insert(shifted.end(), v.begin(), v.end());
        *begins = r.give(shifted);
        return (float *)*begins + 1;
    }

    void begin()
    {
        const struct ps_nn_size size = r.k->conv_size(&l, s.n);
        numbers all = w;
        if (!l.plain) all.insert(all.end(), b.begin(), b.end());
        expect(size.weights == (int64_t)all.size(), "%s: %ld weights", what, (long)size.weights);
        p.n = s.n;
        p.x = r.give(x, l.half_x);
        p.y = r.poisoned((int64_t)dy.size(), l.half_y);
        p.w = give_odd(all, &w_at);
        p.prepared = r.poisoned(size.prepared);
        p.kept = r.poisoned(size.kept);
        p.work = work_of(r, size);
        p.dy = r.give(dy, l.half_y);
        p.dx = h.add ? r.give(dx, l.half_x) : r.poisoned((int64_t)dx.size(), l.half_x);
        p.dw = give_odd(h.add ? dw : numbers(dw.size(), NAN), &dw_at);
        p.dx_add = p.dw_add = h.add;
        if (h.read) p.read = {r.give(a_in), r.give(b_in), r.give(mean), h.act};
        if (h.read) p.sums = r.doubles(2 * s.channels);
        if (h.moments) p.moments = r.doubles(2 * s.out);
        r.k->conv_prepare(&l, p.w, (void *)p.prepared, 0, 1);
    }

    double stored(bool half) const
    {
        return half ? HALF : 0;
    }

    /** Terms of a window. */
    double window() const
    {
        return (double)(s.kernel * s.kernel * s.channels);
    }

    numbers forward()
    {
        r.k->conv_forward(&l, &p);
        const numbers y = r.take(p.y);
        const struct products want = oracle(s, z, w, dy), sums = oracle(s, absolute(z), absolute(w), dy);
        numbers will = want.y, most = bounds(f, window(), sums.y, want.y, stored(l.half_y));
        for (size_t i = 0; i < will.size() && !l.plain; i++) { /* written, then read, and written again */
            will[i] = act_of(l.act, will[i] + b[i % b.size()]);
            most[i] += stored(l.half_y) * fabs(will[i]) + 4 * SINGLE;
        }
        within(what, "y", y, will, most);
        if (h.moments) moments(y);
        return y;
    }

    /** Of what was written; sums of at most 128 rows in single precision. */
    void moments(const numbers &y)
    {
        const size_t c = (size_t)s.out, rows = y.size() / c;
        numbers want(2 * c), most(2 * c), sizes(c);
        for (size_t i = 0; i < y.size(); i++) want[i % c] += y[i] / (double)rows, sizes[i % c] += fabs(y[i]);
        for (size_t i = 0; i < y.size(); i++) want[c + i % c] += pow(y[i] - want[i % c], 2);
        for (size_t k = 0; k < c; k++) {
            most[k] = 128 * SINGLE * sizes[k] / (double)rows;
            most[c + k] = 256 * SINGLE * (want[c + k] + sizes[k] * sizes[k] / (double)rows);
        }
        within(what, "moments", r.take(p.moments), want, most);
    }

    void backward(const numbers &y)
    {
        const size_t c = (size_t)s.out;
        if (h.dy_read) p.dy_read = {r.give(gs), r.give(gp), r.give(gq)};
        r.k->conv_backward(&l, &p);
        numbers d = dy;
        for (size_t i = 0; i < d.size(); i++)
            d[i] =
                h.dy_read ? gs[i % c] * dy[i] + gp[i % c] * y[i] + gq[i % c] : dy[i] * slope_of(l.act, y[i]);
        if (r.k->conv_keeps(&l)) within(what, "dy, which is kept", r.take(p.dy), dy, numbers(dy.size(), 0));
        const struct products want = oracle(s, z, w, d),
                              sums = oracle(s, absolute(z), absolute(w), absolute(d));
        weights(want.dw, sums.dw, d);
        data(want.dx, sums.dx);
    }

    void weights(const numbers &want, const numbers &sums, const numbers &d)
    {
        const double places = (double)(s.n * l.at.rows * l.at.cols);
        const numbers got = r.take(dw_at);
        numbers will = want, most = bounds(f, places, sums, want, stored(l.half_y));
        for (size_t i = 0; i < will.size() && h.add; i++) will[i] += dw[i], most[i] += 4 * SINGLE;
        within(what, "dw", part(got, 1, want.size()), will, most);
        if (l.plain) return;
        numbers biases(b.size()), bias_most(b.size());
        for (size_t i = 0; i < d.size(); i++) {
            biases[i % b.size()] += d[i];
            bias_most[i % b.size()] += (stored(l.half_y) + (places + 4) * SINGLE) * fabs(d[i]);
        }
        for (size_t k = 0; k < b.size() && h.add; k++) biases[k] += dw[want.size() + k];
        for (double &v : bias_most) v += 4 * SINGLE;
        within(what, "db", part(got, 1 + want.size(), b.size()), biases, bias_most);
    }

    void data(const numbers &want, const numbers &sums)
    {
        const numbers got = r.take(p.dx);
        numbers will = want,
                most = bounds(f, (double)(s.kernel * s.kernel * s.out), sums, want, stored(l.half_y));
        for (size_t i = 0; i < will.size(); i++) {
            if (h.add) will[i] += dx[i];
            if (h.read) will[i] *= slope_of(h.act, z[i]);
            most[i] += (stored(l.half_x) + 4 * SINGLE) * (fabs(will[i]) + 1) + stored(l.half_x) * most[i];
        }
        within(what, "dx", got, will, most);
        if (!h.read) return;
        const size_t c = mean.size();
        numbers total(2 * c), total_most(2 * c);
        for (size_t i = 0; i < got.size(); i++) {
            const double term[] = {got[i], got[i] * (x[i] - mean[i % c])};
            for (size_t k = 0; k < 2; k++) {
                total[k * c + i % c] += term[k];
                total_most[k * c + i % c] += 128 * SINGLE * (fabs(term[k]) + 1e-3);
            }
        }
        within(what, "sums", r.take(p.sums), total, total_most);
    }
};

static void one(const form &f, const struct shape &s, const struct hooks &h, bool half_x, bool half_y)
{
    check c(f, s, h, half_x, half_y);
    c.fill();
    c.begin();
    const numbers y = c.forward();
    c.backward(y);
}

static void layers()
{
    for (const form &f : forms())
        for (const struct shape &s : shapes)
            for (const struct hooks &h : all_hooks)
                for (int half = 0; half < (f.k->half_images ? 4 : 1); half++)
                    one(f, s, h, half & 1, half & 2);
}

/* A layer that is the first of a net has no gradient of its input. */
static void first_layer()
{
    for (const form &f : forms()) {
        check c(f, shapes[2], all_hooks[0], false, f.k->half_images);
        c.l.data = false;
        c.fill();
        c.begin();
        c.p.dx = NULL;
        const numbers y = c.forward();
        const struct products want = oracle(c.s, c.z, c.w, c.dy),
                              sums = oracle(c.s, absolute(c.z), absolute(c.w), absolute(c.dy));
        c.r.k->conv_backward(&c.l, &c.p);
        c.weights(want.dw, sums.dw, c.dy);
    }
}

int main()
{
    return product_main("convolutions", {layers, first_layer});
}
