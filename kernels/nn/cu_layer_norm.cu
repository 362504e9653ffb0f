#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"
#include "kernels/nn/cu_groups.h"

/* Rows are read three times, once from memory: 8 bytes an element. */
template <int GROUP>
static __global__ void forward(struct ps_nn_layer_norm l, int64_t rows, const float *x, const float *w,
                               float *y, float *kept)
{
    __shared__ double shared[PS_WARPS];
    const int group = (int)threadIdx.x / GROUP, lane = (int)threadIdx.x % GROUP;
    const int64_t together = PS_GROUPS_BLOCK / GROUP, c = l.features;
    for (int64_t first = blockIdx.x * together; first < rows; first += gridDim.x * together) {
        const int64_t row = first + group, end = row < rows ? c : 0, at = row * c;
        double sum = 0, squares = 0;
        for (int64_t k = lane; k < end; k += GROUP) sum += x[at + k];
        const double mean = ps_group_sum<GROUP>(sum, shared) / (double)c;
        for (int64_t k = lane; k < end; k += GROUP) squares += (x[at + k] - mean) * (x[at + k] - mean);
        const double variance = ps_group_sum<GROUP>(squares, shared) / (double)c;
        const float m = (float)mean, scale = (float)(1 / sqrt(variance + l.eps));
        if (lane == 0 && row < rows) kept[2 * row] = m, kept[2 * row + 1] = scale;
        for (int64_t k = lane; k < end; k += GROUP) y[at + k] = fmaf(w[k], (x[at + k] - m) * scale, w[c + k]);
    }
}

void ps_nn_layer_norm_forward_cu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places;
    const bool is_long = l->features > PS_LONG;
    auto *const kernel = is_long ? forward<PS_GROUPS_BLOCK> : forward<PS_WARP>;
    PS_LAUNCH(kernel, ps_groups_blocks(rows, is_long ? PS_GROUPS_BLOCK : PS_WARP), PS_GROUPS_BLOCK, 0, *l,
              rows, (const float *)p->x, (const float *)p->w, (float *)p->y, (float *)p->kept);
}

/* Sums of dy z and dy of columns, z = (x - mean) scale of their rows: 8 bytes an element. */
template <int V>
static __global__ void weights_back(struct ps_columns c, const float *kept, const void *x, const void *dy,
                                    double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    float v[V], d[V], sum[V] = {}, product[V] = {};
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const float mean = kept[2 * row], scale = kept[2 * row + 1];
        ps_load(x, row * c.channels + p.k, false, v);
        ps_load(dy, row * c.channels + p.k, false, d);
        for (int i = 0; i < V; i++) {
            product[i] = fmaf(d[i], (v[i] - mean) * scale, product[i]);
            sum[i] += d[i];
        }
    }
    ps_columns_join(c, p, product, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, sum, shared, ps_columns_sums(c, work, 1));
}

struct weights_end {
    int64_t features;
    float *dw;
    bool add;
    __device__ void operator()(int64_t k, const double *total) const
    {
        dw[k] = (float)total[0] + (add ? dw[k] : 0);
        dw[features + k] = (float)total[1] + (add ? dw[features + k] : 0);
    }
};

/* Rows are read twice, once from memory: 12 bytes an element, 16 where dx is added to. */
template <int GROUP>
static __global__ void input_back(struct ps_nn_layer_norm l, int64_t rows, const float *kept, const float *w,
                                  const float *x, const float *dy, float *dx, bool add)
{
    __shared__ double shared[PS_WARPS];
    const int group = (int)threadIdx.x / GROUP, lane = (int)threadIdx.x % GROUP;
    const int64_t together = PS_GROUPS_BLOCK / GROUP, c = l.features;
    for (int64_t first = blockIdx.x * together; first < rows; first += gridDim.x * together) {
        const int64_t row = first + group, end = row < rows ? c : 0, at = row * c;
        const float mean = end > 0 ? kept[2 * row] : 0, scale = end > 0 ? kept[2 * row + 1] : 0;
        double sum = 0, product = 0;
        for (int64_t k = lane; k < end; k += GROUP) {
            const float d = dy[at + k] * w[k];
            sum += d;
            product += d * ((x[at + k] - mean) * scale);
        }
        const float s = (float)(ps_group_sum<GROUP>(sum, shared) / (double)c);
        const float q = (float)(ps_group_sum<GROUP>(product, shared) / (double)c);
        for (int64_t k = lane; k < end; k += GROUP) {
            const float d = scale * (dy[at + k] * w[k] - s - (x[at + k] - mean) * scale * q);
            dx[at + k] = add ? dx[at + k] + d : d;
        }
    }
}

void ps_nn_layer_norm_backward_cu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places;
    const bool is_long = l->features > PS_LONG;
    const struct ps_image images[] = {{p->x, false}, {p->dy, false}};
    const struct ps_form form = ps_form_of(l->features, images, 2);
    const struct ps_columns c = ps_columns_of(rows, l->features, form.vector, PS_SUMS_BLOCKS);
    const struct weights_end end = {l->features, (float *)p->dw, p->dw_add};
    const float *kept = (const float *)p->kept;
    double *const work = (double *)p->work;
    auto *const weights = form.vector == 4 ? weights_back<4> : weights_back<1>;
    auto *const input = is_long ? input_back<PS_GROUPS_BLOCK> : input_back<PS_WARP>;
    PS_LAUNCH(weights, ps_columns_grid(c), PS_BLOCK, 0, c, kept, p->x, p->dy, work);
    PS_LAUNCH_TOTAL(2, c, work, end);
    if (!p->dx) return;
    PS_LAUNCH(input, ps_groups_blocks(rows, is_long ? PS_GROUPS_BLOCK : PS_WARP), PS_GROUPS_BLOCK, 0, *l,
              rows, kept, (const float *)p->w, (const float *)p->x, (const float *)p->dy, (float *)p->dx,
              p->dx_add);
}
