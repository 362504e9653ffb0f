#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"

/* Reads what is small from caches and writes 4 bytes an element. */
template <int V>
static __global__ void upsample(struct ps_columns c, struct ps_nn_upsample l, const void *x, void *y)
{
    const struct ps_column p = ps_column_of<V>(c);
    float v[V];
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t line = row / l.cols, sample = line / l.rows;
        const int64_t from_row = (line - sample * l.rows) * l.height / l.rows,
                      from_col = (row - line * l.cols) * l.width / l.cols;
        ps_load(x, ((sample * l.height + from_row) * l.width + from_col) * c.channels + p.k, false, v);
        ps_store(y, row * c.channels + p.k, false, v);
    }
}

void ps_nn_upsample_forward_cu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    const struct ps_image images[] = {{p->x, false}, {p->y, false}};
    const struct ps_form form = ps_form_of(l->channels, images, 2);
    const struct ps_columns c = ps_columns_of(p->n * l->rows * l->cols, l->channels, form.vector, PS_PASSES);
    auto *const kernel = form.vector == 4 ? upsample<4> : upsample<1>;
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *l, p->x, p->y);
}

/* The first of `out` places that is from place i of `in`, or from one after it. */
__device__ static int64_t first_copy(int64_t i, int64_t in, int64_t out)
{
    return (i * out + in - 1) / in;
}

/* Each place gathers from its copies: reads 4 bytes an element of dy, writes those of dx. */
template <int V>
static __global__ void upsample_back(struct ps_columns c, struct ps_nn_upsample l, const void *dy, void *dx,
                                     bool add)
{
    const struct ps_column p = ps_column_of<V>(c);
    float v[V], sum[V];
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t line = row / l.width, sample = line / l.height, i = line - sample * l.height,
                      j = row - line * l.width;
        const int64_t ylo = first_copy(i, l.height, l.rows), yhi = first_copy(i + 1, l.height, l.rows),
                      xlo = first_copy(j, l.width, l.cols), xhi = first_copy(j + 1, l.width, l.cols);
        for (int m = 0; m < V; m++) sum[m] = 0;
        if (add) ps_load(dx, row * c.channels + p.k, false, sum);
        for (int64_t y = ylo; y < yhi; y++)
            for (int64_t x = xlo; x < xhi; x++) {
                ps_load(dy, ((sample * l.rows + y) * l.cols + x) * c.channels + p.k, false, v);
                for (int m = 0; m < V; m++) sum[m] += v[m];
            }
        ps_store(dx, row * c.channels + p.k, false, sum);
    }
}

void ps_nn_upsample_backward_cu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    const struct ps_image images[] = {{p->dx, false}, {p->dy, false}};
    const struct ps_form form = ps_form_of(l->channels, images, 2);
    const struct ps_columns c =
        ps_columns_of(p->n * l->height * l->width, l->channels, form.vector, PS_PASSES);
    auto *const kernel = form.vector == 4 ? upsample_back<4> : upsample_back<1>;
    if (p->dx) PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *l, p->dy, p->dx, p->dx_add);
}
