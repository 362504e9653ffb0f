#include <string.h>
#include "kernels/lanes.h"
#include "kernels/nn/cpu.h"

void ps_nn_upsample_forward_cpu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    const size_t place = (size_t)l->channels * sizeof(float), line = (size_t)l->width * place;
    char *y = p->y;
    for (int64_t i = 0; i < p->n; i++) {
        const char *x = (const char *)p->x + (size_t)(i * l->height) * line;
        for (int64_t row = 0; row < l->rows; row++)
            for (int64_t col = 0; col < l->cols; col++, y += place)
                memcpy(y,
                       x + (size_t)ps_nn_upsample_from(row, l->height, l->rows) * line +
                           (size_t)ps_nn_upsample_from(col, l->width, l->cols) * place,
                       place);
    }
}

/* The sum over the lines [ylo, yhi) and columns [xlo, xhi) of an output's gradient. */
static void gather(const struct ps_nn_upsample *l, const float *dy, int64_t ylo, int64_t yhi, int64_t xlo,
                   int64_t xhi, float *dx, bool add)
{
    for (int64_t j = 0; j < l->channels; j += PS_LANES) {
        const int count = (int)(l->channels - j < PS_LANES ? l->channels - j : PS_LANES);
        ps_vf sum = add ? ps_vf_load_part(dx + j, count) : ps_vf_all(0);
        for (int64_t v = ylo; v < yhi; v++)
            for (int64_t u = xlo; u < xhi; u++)
                sum += ps_vf_load_part(dy + (v * l->cols + u) * l->channels + j, count);
        ps_vf_store_part(dx + j, sum, count);
    }
}

/* The first of `out` places that is from place i of `in`, or from one after it. */
static int64_t first_copy(int64_t i, int64_t in, int64_t out)
{
    return (i * out + in - 1) / in;
}

void ps_nn_upsample_backward_cpu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    float *dx = p->dx;
    if (!dx) return;
    for (int64_t i = 0; i < p->n; i++) {
        const float *dy = (const float *)p->dy + i * l->rows * l->cols * l->channels;
        for (int64_t v = 0; v < l->height; v++)
            for (int64_t u = 0; u < l->width; u++, dx += l->channels)
                gather(l, dy, first_copy(v, l->height, l->rows), first_copy(v + 1, l->height, l->rows),
                       first_copy(u, l->width, l->cols), first_copy(u + 1, l->width, l->cols), dx, p->dx_add);
    }
}
