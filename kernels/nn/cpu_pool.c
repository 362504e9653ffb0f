#include "kernels/nn/cpu.h"
#include <string.h>

/* Channels that are looked at together. */
enum { ABREAST = 64 };

/** The part of a window that lies within the image: lines and columns [lo, hi). */
struct inside {
    int64_t ylo, yhi, xlo, xhi;
};

static struct inside inside_of(const struct ps_nn_window *at, int64_t row, int64_t col)
{
    const int64_t y = row * at->stride - at->pad, x = col * at->stride - at->pad;
    return (struct inside){.ylo = y > 0 ? y : 0,
                           .yhi = y + at->kernel < at->height ? y + at->kernel : at->height,
                           .xlo = x > 0 ? x : 0,
                           .xhi = x + at->kernel < at->width ? x + at->kernel : at->width};
}

static void largest(const struct ps_nn_window *at, const struct inside *in, const float *x, float *y)
{
    const int64_t c = at->channels;
    memcpy(y, x + (in->ylo * at->width + in->xlo) * c, (size_t)c * sizeof *y);
    for (int64_t v = in->ylo; v < in->yhi; v++)
        for (int64_t u = in->xlo; u < in->xhi; u++) {
            const float *from = x + (v * at->width + u) * c;
            for (int64_t j = 0; j < c; j++) y[j] = from[j] > y[j] || from[j] != from[j] ? from[j] : y[j];
        }
}

static void mean(const struct ps_nn_window *at, const struct inside *in, const float *x, float *y)
{
    const int64_t c = at->channels;
    const float part = 1 / (float)(at->kernel * at->kernel);
    memset(y, 0, (size_t)c * sizeof *y);
    for (int64_t v = in->ylo; v < in->yhi; v++)
        for (int64_t u = in->xlo; u < in->xhi; u++) {
            const float *from = x + (v * at->width + u) * c;
            for (int64_t j = 0; j < c; j++) y[j] += from[j];
        }
    for (int64_t j = 0; j < c; j++) y[j] *= part;
}

void ps_nn_pool_forward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    float *y = p->y;
    for (int64_t i = 0; i < p->n; i++) {
        const float *x = (const float *)p->x + i * at->height * at->width * at->channels;
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, y += at->channels) {
                const struct inside in = inside_of(at, row, col);
                (l->mean ? mean : largest)(at, &in, x, y);
            }
    }
}

/** The first of the largest gets the gradient. */
static void to_largest(const struct ps_nn_window *at, const struct inside *in, const float *x, const float *y,
                       const float *dy, float *dx)
{
    const int64_t c = at->channels;
    for (int64_t lo = 0; lo < c; lo += ABREAST) {
        const int64_t count = c - lo < ABREAST ? c - lo : ABREAST;
        float left[ABREAST];
        memcpy(left, dy + lo, (size_t)count * sizeof *left);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++) {
                const int64_t at_u = (v * at->width + u) * c + lo;
                for (int64_t j = 0; j < count; j++) {
                    const float mine = x[at_u + j] == y[lo + j] ? left[j] : 0;
                    dx[at_u + j] += mine;
                    left[j] -= mine;
                }
            }
    }
}

static void to_all(const struct ps_nn_window *at, const struct inside *in, const float *dy, float *dx)
{
    const int64_t c = at->channels;
    const float part = 1 / (float)(at->kernel * at->kernel);
    for (int64_t v = in->ylo; v < in->yhi; v++)
        for (int64_t u = in->xlo; u < in->xhi; u++)
            for (int64_t j = 0; j < c; j++) dx[(v * at->width + u) * c + j] += part * dy[j];
}

void ps_nn_pool_backward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels, c = at->channels;
    const float *y = p->y, *dy = p->dy;
    if (!p->dx) return;
    if (!p->dx_add) memset(p->dx, 0, (size_t)(p->n * image) * sizeof *y);
    for (int64_t i = 0; i < p->n; i++) {
        const float *x = (const float *)p->x + i * image;
        float *dx = (float *)p->dx + i * image;
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, y += c, dy += c) {
                const struct inside in = inside_of(at, row, col);
                if (l->mean)
                    to_all(at, &in, dy, dx);
                else
                    to_largest(at, &in, x, y, dy, dx);
            }
    }
}
