#include <math.h>
#include "kernels/lanes_exp.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/dropout.h"

/** Sum of exp(x - most), with the terms in e. */
static double exponentials(int64_t n, const float *x, float most, float *e)
{
    ps_vf sum = ps_vf_all(0);
    for (int64_t k = 0; k < n; k += PS_LANES) {
        const int count = n - k < PS_LANES ? (int)(n - k) : PS_LANES;
        ps_vf_store_part(e + k, ps_vf_exp_falling(ps_vf_load_part(x + k, count) - ps_vf_all(most)), count);
        sum += ps_vf_load_part(e + k, count);
    }
    double all = 0;
    for (int lane = 0; lane < PS_LANES; lane++) all += sum[lane];
    return all;
}

double ps_nn_softmax_loss_cpu(const struct ps_nn_softmax *l, int64_t n, const void *logits,
                              const int32_t *label, double scale, void *gradient)
{
    enum { AT_ONCE = 1024 };
    const double other = l->smoothing / (double)l->classes;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *x = (const float *)logits + i * l->classes;
        float *dx = gradient ? (float *)gradient + i * l->classes : NULL, most = x[0], terms[AT_ONCE];
        double sum = 0, all = 0;
        for (int64_t k = 0; k < l->classes; k++) {
            most = x[k] > most || x[k] != x[k] ? x[k] : most;
            all += x[k];
        }
        if (dx)
            sum = exponentials(l->classes, x, most, dx);
        else
            for (int64_t k = 0; k < l->classes; k += AT_ONCE)
                sum += exponentials(l->classes - k < AT_ONCE ? l->classes - k : AT_ONCE, x + k, most, terms);
        const double total = most + log(sum);
        loss += total - (1 - l->smoothing) * x[label[i]] - other * all;
        if (!dx) continue;
        const float part = (float)(scale / sum), less = (float)(scale * other);
        for (int64_t k = 0; k < l->classes; k++) dx[k] = dx[k] * part - less;
        dx[label[i]] -= (float)(scale * (1 - l->smoothing));
    }
    return loss;
}

double ps_nn_shares_loss_cpu(const struct ps_nn_softmax *l, int64_t n, const void *logits, const void *target,
                             double scale, void *gradient)
{
    const double kept = 1 - l->smoothing, other = l->smoothing / (double)l->classes;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *x = (const float *)logits + i * l->classes, *t = (const float *)target + i * l->classes;
        float *dx = gradient ? (float *)gradient + i * l->classes : NULL, most = x[0];
        double sum = 0, shares = 0, reached = 0;
        for (int64_t k = 0; k < l->classes; k++) {
            const double share = kept * t[k] + other;
            most = x[k] > most || x[k] != x[k] ? x[k] : most;
            shares += share;
            reached += share * x[k];
        }
        for (int64_t k = 0; k < l->classes; k++) sum += expf(x[k] - most);
        loss += shares * (most + log(sum)) - reached;
        for (int64_t k = 0; dx && k < l->classes; k++)
            dx[k] = (float)(scale * (shares * expf(x[k] - most) / sum - kept * t[k] - other));
    }
    return loss;
}

double ps_nn_sigmoid_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    const float *z = x, *t = target;
    float *dx = gradient;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const double e = exp(-fabs((double)z[i])); /* does not overflow */
        loss += fmax(z[i], 0) - (double)z[i] * t[i] + log1p(e);
        if (dx) dx[i] = (float)(scale * ((z[i] < 0 ? e : 1) / (1 + e) - t[i]));
    }
    return loss;
}

double ps_nn_square_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    enum { BLOCK = 256 };
    const float *a = x, *b = target, twice = (float)(2 * scale);
    float *dx = gradient;
    double loss = 0;
    for (int64_t lo = 0; lo < n; lo += BLOCK) {
        const int64_t hi = lo + BLOCK < n ? lo + BLOCK : n;
        ps_vf sum = ps_vf_all(0);
        for (int64_t i = lo; i < hi; i += PS_LANES) {
            const int count = hi - i < PS_LANES ? (int)(hi - i) : PS_LANES;
            const ps_vf d = ps_vf_load_part(a + i, count) - ps_vf_load_part(b + i, count);
            sum = ps_vf_fma(d, d, sum);
            if (dx) ps_vf_store_part(dx + i, ps_vf_all(twice) * d, count);
        }
        for (int lane = 0; lane < PS_LANES; lane++) loss += sum[lane];
    }
    return loss;
}

double ps_nn_absolute_loss_cpu(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    const float *a = x, *b = target, plus = (float)scale;
    float *dx = gradient;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float d = a[i] - b[i];
        loss += fabsf(d);
        if (dx) dx[i] = d > 0 ? plus : d < 0 ? -plus : 0;
    }
    return loss;
}

void ps_nn_dropout_cpu(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step, void *x)
{
    const double limit = ps_nn_dropout_limit(l);
    const float grow = (float)(1 / (1 - l->rate));
    for (int64_t i = 0; i < n; i++) {
        float *v = (float *)x + i * l->features;
        for (int64_t k = 0; k < l->features; k += 4) {
            uint32_t bits[4];
            ps_nn_dropout_bits(l, sample[i], step, k / 4, bits);
            for (int j = 0; j < 4 && k + j < l->features; j++)
                v[k + j] = bits[j] < limit ? 0 : v[k + j] * grow;
        }
    }
}

void ps_nn_add_cpu(int64_t n, const void *from, void *to)
{
    const float *a = from;
    float *b = to;
    for (int64_t i = 0; i < n; i++) b[i] += a[i];
}
