#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"
#include "kernels/nn/cu_flat.h"

void ps_nn_copy_cu(int64_t bytes, const void *from, void *to)
{
    if (bytes > 0)
        PS_CU(cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyDeviceToDevice, ps_cuda_stream()));
}

void ps_nn_clear_cu(int64_t bytes, void *to)
{
    if (bytes > 0) PS_CU(cudaMemsetAsync(to, 0, (size_t)bytes, ps_cuda_stream()));
}

/* --- element by element --- */

/* 12 bytes an element. */
static __global__ void add(int64_t n, const float *from, float *to)
{
    PS_FLAT_ROUNDS(round, n)
    {
        float a[PS_FLAT_EACH], b[PS_FLAT_EACH];
        PS_FLAT_EACH_OF(i, j, round, n) a[j] = from[i], b[j] = to[i];
        PS_FLAT_EACH_OF(i, j, round, n) to[i] = a[j] + b[j];
    }
}

void ps_nn_add_cu(int64_t n, const void *from, void *to)
{
    PS_LAUNCH(add, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, (const float *)from, (float *)to);
}

/* 12 bytes an element. */
static __global__ void follow(int64_t n, float momentum, float part, const float *dw, float *w)
{
    PS_FLAT_ROUNDS(round, n)
    {
        float a[PS_FLAT_EACH], b[PS_FLAT_EACH];
        PS_FLAT_EACH_OF(i, j, round, n) a[j] = dw[i], b[j] = w[i];
        PS_FLAT_EACH_OF(i, j, round, n) w[i] = b[j] + momentum * (a[j] * part - b[j]);
    }
}

void ps_nn_follow_cu(int64_t n, double momentum, int64_t grains, const void *dw, void *w)
{
    PS_LAUNCH(follow, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, (float)momentum, (float)(1 / (double)grains),
              (const float *)dw, (float *)w);
}

/* 6 bytes an element. */
static __global__ void to_half(int64_t n, const float *from, ps_half *to)
{
    PS_FLAT_ROUNDS(round, n)
    {
        float a[PS_FLAT_EACH];
        PS_FLAT_EACH_OF(i, j, round, n) a[j] = from[i];
        PS_FLAT_EACH_OF(i, j, round, n) to[i] = ps_half_of(a[j]);
    }
}

void ps_nn_to_half_cu(int64_t n, const float *from, ps_half *to)
{
    PS_LAUNCH(to_half, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, from, to);
}

/* 6 bytes an element, 10 where it is added. */
static __global__ void from_half(int64_t n, const ps_half *from, float *to, bool add)
{
    PS_FLAT_ROUNDS(round, n)
    {
        float a[PS_FLAT_EACH];
        PS_FLAT_EACH_OF(i, j, round, n) a[j] = ps_half_get(from[i]) + (add ? to[i] : 0);
        PS_FLAT_EACH_OF(i, j, round, n) to[i] = a[j];
    }
}

void ps_nn_from_half_cu(int64_t n, const ps_half *from, float *to, bool add)
{
    PS_LAUNCH(from_half, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, from, to, add);
}

/* --- biases and acts --- */

/* In place: 4 bytes of bf16 an element, 8 of floats. */
template <int V, int KIND>
static __global__ void bias_act(struct ps_columns c, enum ps_nn_act act, bool told, const float *b, void *y)
{
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float bias[V], v[V];
    if (p.row >= p.end) return;
    ps_factors(b, p.k, bias);
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        ps_load(y, row * c.channels + p.k, half, v);
        for (int i = 0; i < V; i++) v[i] = ps_act(act, v[i] + bias[i]);
        ps_store(y, row * c.channels + p.k, half, v);
    }
}

void ps_nn_bias_act_cu(int64_t rows, int64_t out, enum ps_nn_act act, bool half, const float *b, void *y)
{
    const struct ps_image images[] = {{y, half}};
    const struct ps_form form = ps_form_of(out, images, 1);
    const struct ps_columns c = ps_columns_of(rows, out, form.vector, PS_PASSES);
    if (!b && act == PS_NN_LINEAR) return;
    auto *const kernel = PS_OF_FORM(bias_act, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, act, half, b, y);
}

/* Reads dy, and where act needs it y, and writes dy: 2 to 6 bytes of bf16, 4 to 12 of floats. */
template <int V, int KIND>
static __global__ void bias_act_back(struct ps_columns c, enum ps_nn_act act, bool told, const void *y,
                                     void *dy, double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float sum[V] = {}, d[V], v[V];
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t at = row * c.channels + p.k;
        ps_load(dy, at, half, d);
        if (act != PS_NN_LINEAR) {
            ps_load(y, at, half, v);
            for (int i = 0; i < V; i++) d[i] *= ps_slope(act, v[i]);
            ps_store(dy, at, half, d);
        }
        for (int i = 0; i < V; i++) sum[i] += d[i];
    }
    if (work) ps_columns_join(c, p, sum, shared, work);
}

struct bias_end {
    float *db;
    bool add;
    __device__ void operator()(int64_t k, const double *total) const
    {
        db[k] = (float)total[0] + (add ? db[k] : 0);
    }
};

void ps_nn_bias_act_back_cu(int64_t rows, int64_t out, enum ps_nn_act act, bool half, const void *y, void *dy,
                            float *db, bool db_add, double *work)
{
    const struct ps_image images[] = {{y, half}, {dy, half}};
    const struct ps_form form = ps_form_of(out, images, 2);
    const struct ps_columns c = ps_columns_of(rows, out, form.vector, db ? PS_SUMS_BLOCKS : PS_PASSES);
    const struct bias_end end = {db, db_add};
    if (!db && act == PS_NN_LINEAR) return;
    auto *const kernel = PS_OF_FORM(bias_act_back, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, act, half, y, dy, db ? work : NULL);
    if (db) PS_LAUNCH_TOTAL(1, c, work, end);
}

/* --- the last step of series: 8 bytes an element of y --- */

static __global__ void last_step(struct ps_nn_last_step l, int64_t n, const float *x, float *y)
{
    PS_FLAT_ROUNDS(round, n * l.features)
    PS_FLAT_EACH_OF(i, j, round, n * l.features)
    {
        const int64_t sample = i / l.features;
        y[i] = x[((sample + 1) * l.steps - 1) * l.features + i - sample * l.features];
    }
}

void ps_nn_last_step_forward_cu(const struct ps_nn_last_step *l, const struct ps_nn_pass *p)
{
    PS_LAUNCH(last_step, ps_flat_blocks(p->n * l->features), PS_FLAT_BLOCK, 0, *l, p->n, (const float *)p->x,
              (float *)p->y);
}

static __global__ void last_step_back(struct ps_nn_last_step l, int64_t n, const float *dy, float *dx)
{
    PS_FLAT_ROUNDS(round, n * l.features)
    PS_FLAT_EACH_OF(i, j, round, n * l.features)
    {
        const int64_t sample = i / l.features;
        dx[((sample + 1) * l.steps - 1) * l.features + i - sample * l.features] += dy[i];
    }
}

void ps_nn_last_step_backward_cu(const struct ps_nn_last_step *l, const struct ps_nn_pass *p)
{
    const int64_t n = p->n * l->features;
    if (!p->dx) return;
    if (!p->dx_add) ps_nn_clear_cu(n * l->steps * (int64_t)sizeof(float), p->dx);
    PS_LAUNCH(last_step_back, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, *l, p->n, (const float *)p->dy,
              (float *)p->dx);
}

/* --- gates: a block for a sample; 4 bytes an element that it goes by, 8 of those that it lets through --- */

/** Is a sample within all limits? What is not a number is not. All threads of the block learn it. */
__device__ static bool is_open(int64_t features, const float *also, const float *w)
{
    __shared__ int closed;
    __syncthreads();
    if (threadIdx.x == 0) closed = 0;
    __syncthreads();
    for (int64_t j = threadIdx.x; j < features; j += PS_BLOCK)
        if (!(fabsf(also[j]) <= w[j])) atomicOr(&closed, 1);
    __syncthreads();
    return !closed;
}

static __global__ void gate(struct ps_nn_gate l, int64_t n, const float *from, const float *also,
                            const float *w, float *to, bool add)
{
    for (int64_t i = blockIdx.x; i < n; i += gridDim.x) {
        const bool open = is_open(l.features, also + i * l.features, w);
        for (int64_t j = i * l.out + threadIdx.x; j < (i + 1) * l.out; j += PS_BLOCK)
            to[j] = (open ? from[j] : 0) + (add ? to[j] : 0);
    }
}

static void launch_gate(const struct ps_nn_gate *l, const struct ps_nn_pass *p, const void *from, void *to,
                        bool add)
{
    const unsigned blocks = (unsigned)(p->n < PS_PASSES ? p->n : (int64_t)PS_PASSES);
    PS_LAUNCH(gate, blocks, PS_BLOCK, 0, *l, p->n, (const float *)from, (const float *)p->also,
              (const float *)p->w, (float *)to, add);
}

void ps_nn_gate_forward_cu(const struct ps_nn_gate *l, const struct ps_nn_pass *p)
{
    launch_gate(l, p, p->x, p->y, false);
}

void ps_nn_gate_backward_cu(const struct ps_nn_gate *l, const struct ps_nn_pass *p)
{
    ps_nn_clear_cu(l->features * (int64_t)sizeof(float), p->dw);
    if (p->dalso && !p->dalso_add) ps_nn_clear_cu(p->n * l->features * (int64_t)sizeof(float), p->dalso);
    if (p->dx) launch_gate(l, p, p->dy, p->dx, p->dx_add);
}
