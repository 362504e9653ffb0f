#include <math.h>
#include "kernels/lanes.h"
#include "kernels/nn/cpu.h"

/** Factors of an update in single precision. */
struct factors {
    float rate, scale, decay, momentum, beta1, beta2, rest1, rest2, eps, correct1, correct2, keep, own;
};

static struct factors factors_of(const struct ps_nn_update *u)
{
    return (struct factors){.rate = (float)u->rate,
                            .scale = (float)u->scale,
                            .decay = (float)u->decay,
                            .momentum = (float)u->momentum,
                            .beta1 = (float)u->beta1,
                            .beta2 = (float)u->beta2,
                            .rest1 = (float)(1 - u->beta1),
                            .rest2 = (float)(1 - u->beta2),
                            .eps = (float)u->eps,
                            .correct1 = (float)(1 / (1 - pow(u->beta1, (double)u->step))),
                            .correct2 = (float)(1 / (1 - pow(u->beta2, (double)u->step))),
                            .keep = (float)(1 - u->rate * u->decay),
                            .own = (float)(u->rate * u->trust)};
}

/** Vectors of n elements: i is where one begins, count how many elements it has. */
#define EACH_VECTOR(n) \
    for (int64_t i = 0, count = 0; count = (n)-i < PS_LANES ? (n)-i : PS_LANES, i < (n); i += PS_LANES)

static inline ps_vf get(const float *p, int64_t i, int64_t count)
{
    return ps_vf_load_part(p + i, (int)count);
}

static inline void put(float *p, int64_t i, int64_t count, ps_vf v)
{
    ps_vf_store_part(p + i, v, (int)count);
}

/** A number in all lanes. */
static inline ps_vf all(float x)
{
    return ps_vf_all(x);
}

/** Adam's quotient, and its means brought up to date. */
static inline ps_vf adam(const struct factors *f, ps_vf g, float *mean, float *square, int64_t i,
                         int64_t count)
{
    const ps_vf m = all(f->beta1) * get(mean, i, count) + all(f->rest1) * g;
    const ps_vf v = all(f->beta2) * get(square, i, count) + all(f->rest2) * g * g;
    put(mean, i, count, m);
    put(square, i, count, v);
    return m * all(f->correct1) / (ps_vf_sqrt(v * all(f->correct2)) + all(f->eps));
}

static void sgd(const struct factors *f, bool nesterov, int64_t n, float *w, const float *gradient, float *a)
{
    EACH_VECTOR(n)
    {
        const ps_vf was = get(w, i, count), g = all(f->scale) * get(gradient, i, count) + all(f->decay) * was;
        ps_vf step = g;
        if (a) {
            const ps_vf m = all(f->momentum) * get(a, i, count) + g;
            put(a, i, count, m);
            step = nesterov ? g + all(f->momentum) * m : m;
        }
        put(w, i, count, was - all(f->rate) * step);
    }
}

static void rmsprop(const struct factors *f, int64_t n, float *w, const float *gradient, float *a, float *b)
{
    EACH_VECTOR(n)
    {
        const ps_vf was = get(w, i, count), g = all(f->scale) * get(gradient, i, count) + all(f->decay) * was;
        const ps_vf square = all(f->beta2) * get(a, i, count) + all(f->rest2) * g * g;
        ps_vf step = g / (ps_vf_sqrt(square) + all(f->eps));
        put(a, i, count, square);
        if (b) {
            step = all(f->momentum) * get(b, i, count) + step;
            put(b, i, count, step);
        }
        put(w, i, count, was - all(f->rate) * step);
    }
}

/** Adam: decay is part of the gradient, or else (AdamW) shrinks the weight apart from it. */
static void adams(const struct factors *f, bool apart, int64_t n, float *w, const float *gradient, float *a,
                  float *b)
{
    const ps_vf keep = all(apart ? f->keep : 1), decay = all(apart ? 0 : f->decay);
    EACH_VECTOR(n)
    {
        const ps_vf was = get(w, i, count), g = all(f->scale) * get(gradient, i, count) + decay * was;
        put(w, i, count, keep * was - all(f->rate) * adam(f, g, a, b, i, count));
    }
}

static void lars(const struct factors *f, int64_t n, float *w, const float *gradient, float *a)
{
    EACH_VECTOR(n)
    {
        const ps_vf was = get(w, i, count), g = all(f->scale) * get(gradient, i, count) + all(f->decay) * was;
        const ps_vf step = all(f->momentum) * get(a, i, count) + all(f->own) * g;
        put(a, i, count, step);
        put(w, i, count, was - step);
    }
}

void ps_nn_direction_cpu(const struct ps_nn_update *u, int64_t n, const void *weights, void *gradient,
                         void *state1, void *state2)
{
    const struct factors f = factors_of(u);
    EACH_VECTOR(n)
    {
        const ps_vf g = all(f.scale) * get(gradient, i, count);
        put(gradient, i, count,
            adam(&f, g, state1, state2, i, count) + all(f.decay) * get(weights, i, count));
    }
}

void ps_nn_update_cpu(const struct ps_nn_update *u, int64_t n, void *weights, const void *gradient,
                      void *state1, void *state2)
{
    const struct factors f = factors_of(u);
    switch (u->rule) {
    case PS_NN_SGD:
        sgd(&f, u->nesterov, n, weights, gradient, u->momentum > 0 ? state1 : NULL);
        break;
    case PS_NN_ADAM:
    case PS_NN_ADAMW:
        adams(&f, u->rule == PS_NN_ADAMW, n, weights, gradient, state1, state2);
        break;
    case PS_NN_RMSPROP:
        rmsprop(&f, n, weights, gradient, state1, u->momentum > 0 ? state2 : NULL);
        break;
    case PS_NN_LARS:
        lars(&f, n, weights, gradient, state1);
        break;
    case PS_NN_LAMB: /* the gradient is the direction */
        EACH_VECTOR(n)
        {
            const ps_vf step = all(f.own) * get(gradient, i, count);
            put(weights, i, count, get(weights, i, count) - step);
        }
        break;
    }
}

double ps_nn_squares_cpu(int64_t n, const void *x)
{
    enum { BLOCK = 256 };
    const float *v = x;
    double all = 0;
    for (int64_t lo = 0; lo < n; lo += BLOCK) {
        const int64_t hi = lo + BLOCK < n ? lo + BLOCK : n;
        ps_vf sum = ps_vf_all(0);
        for (int64_t i = lo; i < hi; i += PS_LANES) {
            const ps_vf y = ps_vf_load_part(v + i, hi - i < PS_LANES ? (int)(hi - i) : PS_LANES);
            sum = ps_vf_fma(y, y, sum);
        }
        for (int lane = 0; lane < PS_LANES; lane++) all += sum[lane];
    }
    return all;
}
