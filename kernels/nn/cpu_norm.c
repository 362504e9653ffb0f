#include <math.h>
#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/normal.h"

/* Rows that are summed in single precision before they are added to sums in double precision. */
enum { BLOCK = 32 };

/** Sums over rows of two functions of what stands in a column: sum[k] of first, product[k] of first times
 * second. */
static void column_sums(int64_t rows, int64_t c, const float *first, const float *x, const float *kept,
                        double *sum, double *product, float *part)
{
    float *s = part, *q = part + c;
    for (int64_t k = 0; k < c; k++) sum[k] = product[k] = 0;
    for (int64_t lo = 0; lo < rows; lo += BLOCK) {
        const int64_t hi = lo + BLOCK < rows ? lo + BLOCK : rows;
        memset(part, 0, (size_t)(2 * c) * sizeof *part);
        for (int64_t r = lo; r < hi; r++)
            for (int64_t k = 0; k < c; k++) {
                const float v = first[r * c + k];
                s[k] += v;
                q[k] += v * (x[r * c + k] - kept[k]) * kept[c + k];
            }
        for (int64_t k = 0; k < c; k++) {
            sum[k] += s[k];
            product[k] += q[k];
        }
    }
}

/** Sums over rows of (x - from)^power, power 1 or 2. */
static void moments(int64_t rows, int64_t c, const float *x, const float *from, int power, double *sum,
                    float *part)
{
    for (int64_t k = 0; k < c; k++) sum[k] = 0;
    for (int64_t lo = 0; lo < rows; lo += BLOCK) {
        const int64_t hi = lo + BLOCK < rows ? lo + BLOCK : rows;
        memset(part, 0, (size_t)c * sizeof *part);
        for (int64_t r = lo; r < hi; r++)
            for (int64_t k = 0; k < c; k++) {
                const float d = x[r * c + k] - from[k];
                part[k] += power == 1 ? d : d * d;
            }
        for (int64_t k = 0; k < c; k++) sum[k] += part[k];
    }
}

/** y = act(a x + b) for factors and offsets of each channel. */
static void apply(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p, const float *a,
                  const float *b)
{
    const float *x = p->x;
    float *y = p->y;
    for (int64_t r = 0; r < p->n * l->places; r++)
        for (int64_t k = 0; k < l->channels; k++)
            y[r * l->channels + k] = a[k] * x[r * l->channels + k] + b[k];
    ps_nn_act_apply(l->act, p->n * l->places * l->channels, y);
}

void ps_nn_batch_norm_forward_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places, c = l->channels;
    const float *w = p->w, *x = p->x;
    float *kept = p->kept, *part = p->work, *a = part + c, *b = a + c;
    double *sum = (double *)(part + 4 * c);
    memcpy(kept, x, (size_t)c * sizeof *kept); /* near the mean: differences keep their digits */
    moments(rows, c, x, kept, 1, sum, part);
    for (int64_t k = 0; k < c; k++) kept[k] += (float)(sum[k] / (double)rows);
    moments(rows, c, x, kept, 2, sum, part);
    for (int64_t k = 0; k < c; k++) {
        kept[c + k] = (float)(1 / sqrt(sum[k] / (double)rows + l->eps));
        a[k] = w[k] * kept[c + k];
        b[k] = w[c + k] - a[k] * kept[k];
    }
    apply(l, p, a, b);
}

void ps_nn_batch_norm_evaluate_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                   const void *mean, const void *variance)
{
    const int64_t c = l->channels;
    const float *w = p->w, *m = mean, *v = variance;
    float *a = p->work, *b = a + c;
    for (int64_t k = 0; k < c; k++) {
        a[k] = (float)(w[k] / sqrt(v[k] + l->eps));
        b[k] = w[c + k] - a[k] * m[k];
    }
    apply(l, p, a, b);
}

/** dx = s dy + slope x + offset. */
static void input_gradient(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p, const float *s,
                           const float *slope, const float *offset)
{
    const int64_t c = l->channels;
    const float *x = p->x, *dy = p->dy;
    float *dx = p->dx;
    for (int64_t r = 0; r < p->n * l->places; r++)
        for (int64_t k = 0; k < c; k++) {
            const float d = s[k] * dy[r * c + k] + slope[k] * x[r * c + k] + offset[k];
            dx[r * c + k] = p->dx_add ? dx[r * c + k] + d : d;
        }
}

void ps_nn_batch_norm_backward_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places, c = l->channels;
    const float *x = p->x, *w = p->w, *kept = p->kept, *dy = p->dy;
    float *dw = p->dw, *part = p->work;
    double *sum = (double *)(part + 4 * c), *product = sum + c;
    ps_nn_act_gradient(l->act, rows * c, p->y, p->dy);
    column_sums(rows, c, dy, x, kept, sum, product, part);
    for (int64_t k = 0; k < c; k++) {
        dw[k] = (float)product[k] + (p->dw_add ? dw[k] : 0);
        dw[c + k] = (float)sum[k] + (p->dw_add ? dw[c + k] : 0);
    }
    if (!p->dx) return;
    /* dx = scale (dy - mean of dy - normal x mean of dy normal) = scale dy + a x + b */
    float *scale = part, *a = part + c, *b = part + 2 * c;
    for (int64_t k = 0; k < c; k++) {
        scale[k] = w[k] * kept[c + k];
        a[k] = (float)(-scale[k] * product[k] / (double)rows * kept[c + k]);
        b[k] = (float)(-scale[k] * sum[k] / (double)rows - (double)a[k] * kept[k]);
    }
    input_gradient(l, p, scale, a, b);
}

void ps_nn_batch_norm_moments_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    ps_nn_moments_join(0, p->n * l->places, l->channels, p->x, l->channels, p->moments,
                       p->moments + l->channels);
}

void ps_nn_batch_norm_sums_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places, c = l->channels;
    const float *kept = p->kept;
    ps_nn_act_gradient(l->act, rows * c, p->y, p->dy);
    column_sums(rows, c, p->dy, p->x, kept, p->sums, p->sums + c, p->work);
    for (int64_t k = 0; k < c; k++) p->sums[c + k] /= kept[c + k];
}

void ps_nn_batch_norm_gradient_cpu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    if (p->dx) input_gradient(l, p, p->dy_read.s, p->dy_read.p, p->dy_read.q);
}

void ps_nn_layer_norm_forward_cpu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->features;
    const float *w = p->w;
    float *kept = p->kept;
    for (int64_t r = 0; r < p->n * l->places; r++) {
        const float *x = (const float *)p->x + r * c;
        float *y = (float *)p->y + r * c;
        double mean = 0, variance = 0;
        for (int64_t k = 0; k < c; k++) mean += x[k];
        mean /= (double)c;
        for (int64_t k = 0; k < c; k++) variance += (x[k] - mean) * (x[k] - mean);
        const float m = (float)mean, scale = (float)(1 / sqrt(variance / (double)c + l->eps));
        kept[2 * r] = m;
        kept[2 * r + 1] = scale;
        for (int64_t k = 0; k < c; k++) y[k] = w[k] * ((x[k] - m) * scale) + w[c + k];
    }
}

void ps_nn_layer_norm_backward_cpu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->features;
    const float *w = p->w, *kept = p->kept;
    float *dw = p->dw;
    if (!p->dw_add) memset(dw, 0, (size_t)(2 * c) * sizeof *dw);
    for (int64_t r = 0; r < p->n * l->places; r++) {
        const float *x = (const float *)p->x + r * c, *dy = (const float *)p->dy + r * c;
        const float m = kept[2 * r], scale = kept[2 * r + 1];
        float *dx = p->dx ? (float *)p->dx + r * c : NULL;
        double sum = 0, product = 0;
        for (int64_t k = 0; k < c; k++) {
            const float normal = (x[k] - m) * scale;
            dw[k] += dy[k] * normal;
            dw[c + k] += dy[k];
            sum += dy[k] * w[k];
            product += dy[k] * w[k] * normal;
        }
        const float s = (float)(sum / (double)c), q = (float)(product / (double)c);
        for (int64_t k = 0; dx && k < c; k++) {
            const float d = scale * (dy[k] * w[k] - s - (x[k] - m) * scale * q);
            dx[k] = p->dx_add ? dx[k] + d : d;
        }
    }
}
