#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"
#include "kernels/nn/cu_norm.h"

/* Work of a batch norm: totals [2][channels], partial sums, and where they have been added up, factors
 * [3][channels]. */
struct work {
    double *total, *partial;
    float *factors;
};

static struct work work_of(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    double *const total = (double *)p->work, *const partial = total + 2 * l->channels;
    return {total, partial, (float *)partial};
}

/* --- factors of channels, a thread each --- */

static __global__ void norm_factors(struct ps_nn_norm m, const float *mean, const float *variance)
{
    const int64_t n = m.channels, k = (int64_t)blockIdx.x * PS_BLOCK + threadIdx.x;
    if (k >= n) return;
    const double at = mean ? mean[k] : m.sums[k], spread = mean ? variance[k] : m.sums[n + k] / m.rows;
    const double scale = 1 / sqrt(spread + m.eps), a = ((const float *)m.w)[k] * scale;
    if (m.mean) ((float *)m.mean)[k] = (float)at;
    if (m.scale) ((float *)m.scale)[k] = (float)scale;
    ((float *)m.a)[k] = (float)a;
    ((float *)m.b)[k] = (float)(((const float *)m.w)[n + k] - a * at);
}

/* As ps_nn_norm_gradients has it. */
static __global__ void norm_gradients(struct ps_nn_norm m)
{
    const int64_t n = m.channels, k = (int64_t)blockIdx.x * PS_BLOCK + threadIdx.x;
    if (k >= n) return;
    const double mean = ((const float *)m.mean)[k], scale = ((const float *)m.scale)[k];
    const double dgamma = m.sums[n + k] * scale, dbeta = m.sums[k];
    const double s = ((const float *)m.w)[k] * scale, p = -s * scale * dgamma / m.rows;
    ((float *)m.s)[k] = (float)s;
    ((float *)m.p)[k] = (float)p;
    ((float *)m.q)[k] = (float)(-s * dbeta / m.rows - p * mean);
}

__device__ static void put(float *to, double v, bool add)
{
    *to = (float)(add ? *to + v : v);
}

static __global__ void norm_weights(struct ps_nn_norm m, float *dw, bool add)
{
    const int64_t n = m.channels, k = (int64_t)blockIdx.x * PS_BLOCK + threadIdx.x;
    if (k >= n) return;
    put(&dw[k], m.sums[n + k] * ((const float *)m.scale)[k], add);
    put(&dw[n + k], m.sums[k], add);
}

static __global__ void norm_buffers(struct ps_nn_norm m, float *dbuffers, bool add)
{
    const int64_t n = m.channels, k = (int64_t)blockIdx.x * PS_BLOCK + threadIdx.x;
    if (k >= n) return;
    const double scale = ((const float *)m.scale)[k], variance = 1 / (scale * scale) - m.eps;
    put(&dbuffers[k], ((const float *)m.mean)[k], add);
    put(&dbuffers[n + k], variance * m.rows / (m.rows > 1 ? m.rows - 1 : 1), add);
}

static unsigned blocks_of(const struct ps_nn_norm *m)
{
    return (unsigned)((m->channels + PS_BLOCK - 1) / PS_BLOCK);
}

void ps_nn_norm_factors_cu(const struct ps_nn_norm *m, const void *mean, const void *variance)
{
    PS_LAUNCH(norm_factors, blocks_of(m), PS_BLOCK, 0, *m, (const float *)mean, (const float *)variance);
}

static __global__ void norm_variance(struct ps_nn_norm m, float *variance)
{
    const int64_t k = (int64_t)blockIdx.x * PS_BLOCK + threadIdx.x;
    if (k < m.channels) variance[k] = (float)(m.sums[m.channels + k] / m.rows);
}

void ps_nn_norm_variance_cu(const struct ps_nn_norm *m, void *variance)
{
    PS_LAUNCH(norm_variance, blocks_of(m), PS_BLOCK, 0, *m, (float *)variance);
}

void ps_nn_norm_gradients_cu(const struct ps_nn_norm *m)
{
    PS_LAUNCH(norm_gradients, blocks_of(m), PS_BLOCK, 0, *m);
}

void ps_nn_norm_weights_cu(const struct ps_nn_norm *m, void *dw, bool add)
{
    PS_LAUNCH(norm_weights, blocks_of(m), PS_BLOCK, 0, *m, (float *)dw, add);
}

void ps_nn_norm_buffers_cu(const struct ps_nn_norm *m, void *dbuffers, bool add)
{
    PS_LAUNCH(norm_buffers, blocks_of(m), PS_BLOCK, 0, *m, (float *)dbuffers, add);
}

/* --- batch norms that are written out: in training they read x twice and write y, 12 bytes an element --- */

static struct ps_nn_norm norm_of(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const struct work work = work_of(l, p);
    const int64_t c = l->channels;
    float *kept = (float *)p->kept, *f = work.factors;
    return {.real = sizeof(float),
            .channels = c,
            .eps = l->eps,
            .rows = (double)(p->n * l->places),
            .w = p->w,
            .mean = kept,
            .scale = kept + c,
            .a = f,
            .b = f + c,
            .s = f,
            .p = f + c,
            .q = f + 2 * c,
            .sums = work.total};
}

static void apply(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p, const struct ps_nn_norm *m)
{
    const struct ps_nn_read read = {.a = m->a, .b = m->b, .mean = NULL, .act = l->act};
    ps_nn_read_cu(&read, p->n * l->places, l->channels, false, p->x, p->y);
}

void ps_nn_batch_norm_forward_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_norm m = norm_of(l, p);
    const struct work work = work_of(l, p);
    ps_nn_moments_cu(p->n * l->places, l->channels, false, p->x, work.total, work.partial);
    ps_nn_norm_factors_cu(&m, NULL, NULL);
    apply(l, p, &m);
}

void ps_nn_batch_norm_evaluate_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                  const void *mean, const void *variance)
{
    struct ps_nn_norm m = norm_of(l, p);
    m.mean = m.scale = NULL; /* there is nothing to keep */
    ps_nn_norm_factors_cu(&m, mean, variance);
    apply(l, p, &m);
}

/* dy becomes the gradient before act: reads dy, x and, where act needs it, y, writes dy: 8 to 16 bytes an
 * element; then ps_nn_gradient_give_cu another 12. */
template <int V>
static __global__ void sums_back(struct ps_columns c, enum ps_nn_act act, const float *mean, const void *x,
                                 const void *y, void *dy, double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    float at_mean[V] = {}, v[V], d[V], z[V], sum[V] = {}, product[V] = {};
    if (p.row < p.end) ps_factors(mean, p.k, at_mean);
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t at = row * c.channels + p.k;
        ps_load(dy, at, false, d);
        ps_load(x, at, false, v);
        if (act != PS_NN_LINEAR) {
            ps_load(y, at, false, z);
            for (int i = 0; i < V; i++) d[i] *= ps_slope(act, z[i]);
            ps_store(dy, at, false, d);
        }
        for (int i = 0; i < V; i++) {
            sum[i] += d[i];
            product[i] = fmaf(d[i], v[i] - at_mean[i], product[i]);
        }
    }
    ps_columns_join(c, p, sum, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, product, shared, ps_columns_sums(c, work, 1));
}

static void make_sums(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p, double *sums)
{
    const int64_t rows = p->n * l->places;
    const struct ps_image images[] = {{p->x, false}, {p->y, false}, {p->dy, false}};
    const struct ps_form form = ps_form_of(l->channels, images, 3);
    const struct ps_columns c = ps_columns_of(rows, l->channels, form.vector, PS_SUMS_BLOCKS);
    const struct work work = work_of(l, p);
    const struct ps_sums_end end = {l->channels, sums};
    auto *const kernel = form.vector == 4 ? sums_back<4> : sums_back<1>;
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, l->act, (const float *)p->kept, p->x, p->y, p->dy,
              work.partial);
    PS_LAUNCH_TOTAL(2, c, work.partial, end);
}

static void give(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                 const struct ps_nn_gradient_read *read)
{
    ps_nn_gradient_give_cu(read, p->n * l->places, l->channels, false, p->dx_add, p->dy, p->x, p->dx);
}

void ps_nn_batch_norm_backward_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_norm m = norm_of(l, p);
    const struct ps_nn_gradient_read read = {m.s, m.p, m.q};
    make_sums(l, p, m.sums);
    ps_nn_norm_weights_cu(&m, p->dw, p->dw_add);
    if (!p->dx) return;
    ps_nn_norm_gradients_cu(&m);
    give(l, p, &read);
}

/* --- the same in parts --- */

void ps_nn_batch_norm_moments_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    ps_nn_moments_cu(p->n * l->places, l->channels, false, p->x, p->moments, work_of(l, p).partial);
}

void ps_nn_batch_norm_sums_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    make_sums(l, p, p->sums);
}

void ps_nn_batch_norm_gradient_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    if (p->dx) give(l, p, &p->dy_read);
}
