#include <string.h>
#include "kernels/lanes.h"
#include "kernels/nn/cpu.h"

/** Vectors of `channels` channels: j is where one begins, count how many it has. */
#define EACH_VECTOR(channels)      \
    for (int64_t j = 0, count = 0; \
         count = (channels)-j < PS_LANES ? (channels)-j : PS_LANES, j < (channels); j += PS_LANES)

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
    EACH_VECTOR(at->channels)
    {
        const float *from = x + j;
        ps_vf most = ps_vf_load_part(from + (in->ylo * at->width + in->xlo) * at->channels, (int)count);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++)
                most = ps_vf_larger(most,
                                    ps_vf_load_part(from + (v * at->width + u) * at->channels, (int)count));
        ps_vf_store_part(y + j, most, (int)count);
    }
}

static void mean(const struct ps_nn_window *at, const struct inside *in, const float *x, float *y)
{
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    EACH_VECTOR(at->channels)
    {
        ps_vf sum = ps_vf_all(0);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++)
                sum += ps_vf_load_part(x + (v * at->width + u) * at->channels + j, (int)count);
        ps_vf_store_part(y + j, part * sum, (int)count);
    }
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

/** A gradient of the input is added to, or written. */
static inline void give(float *dx, ps_vf d, int count, bool add)
{
    ps_vf_store_part(dx, add ? ps_vf_load_part(dx, count) + d : d, count);
}

/** The first of the largest gets the gradient. */
static void to_largest(const struct ps_nn_window *at, const struct inside *in, const float *x, const float *y,
                       const float *dy, float *dx, bool add)
{
    EACH_VECTOR(at->channels)
    {
        const ps_vf most = ps_vf_load_part(y + j, (int)count);
        ps_vf left = ps_vf_load_part(dy + j, (int)count);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++) {
                const int64_t here = (v * at->width + u) * at->channels + j;
                const ps_vf mine = ps_vf_where_equal(left, ps_vf_load_part(x + here, (int)count), most);
                left = (ps_vf)((ps_vu)left ^ (ps_vu)mine);
                give(dx + here, mine, (int)count, add);
            }
    }
}

static void to_all(const struct ps_nn_window *at, const struct inside *in, const float *dy, float *dx,
                   bool add)
{
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    EACH_VECTOR(at->channels)
    {
        const ps_vf d = part * ps_vf_load_part(dy + j, (int)count);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++)
                give(dx + (v * at->width + u) * at->channels + j, d, (int)count, add);
    }
}

/** Is every place of the input in exactly one window? */
static bool covers(const struct ps_nn_window *at)
{
    return at->pad == 0 && at->stride == at->kernel && at->rows * at->stride == at->height &&
           at->cols * at->stride == at->width;
}

void ps_nn_pool_backward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels, c = at->channels;
    const bool add = p->dx_add || !covers(at);
    const float *y = p->y, *dy = p->dy;
    if (!p->dx) return;
    if (add && !p->dx_add) memset(p->dx, 0, (size_t)(p->n * image) * sizeof *y);
    for (int64_t i = 0; i < p->n; i++) {
        const float *x = (const float *)p->x + i * image;
        float *dx = (float *)p->dx + i * image;
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, y += c, dy += c) {
                const struct inside in = inside_of(at, row, col);
                if (l->mean)
                    to_all(at, &in, dy, dx, add);
                else
                    to_largest(at, &in, x, y, dy, dx, add);
            }
    }
}
