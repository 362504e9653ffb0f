#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"
#include "kernels/nn/cu_norm.h"

/* Rows that a thread reads before it goes on: bytes under way. */
enum { AHEAD = 2 };

/* Most partial sums of a column, for any form of an array and for fewer rows too. */
static int64_t partial_sums(int64_t rows, int64_t channels)
{
    static const int vectors[] = {1, 4, 8};
    int64_t most = 0;
    for (const int vector : vectors) {
        const struct ps_columns one = ps_columns_of(1, channels, vector, PS_SUMS_BLOCKS);
        if (one.lines == 0) continue;
        const int64_t blocks = PS_SUMS_BLOCKS / one.beside + 1, each = (rows + one.lines - 1) / one.lines;
        const int64_t short_runs = each < blocks ? each : blocks, long_runs = each / PS_SINGLE + 1;
        if (short_runs > most) most = short_runs;
        if (long_runs > most) most = long_runs;
    }
    return most;
}

int64_t ps_nn_moments_work_cu(int64_t rows, int64_t channels)
{
    return 2 * channels * partial_sums(rows, channels);
}

int64_t ps_nn_columns_work_cu(int64_t rows, int64_t channels)
{
    const int64_t doubles = (3 * partial_sums(rows, channels) + 2) * channels, factors = 3 * channels;
    return doubles * (int64_t)(sizeof(double) / sizeof(float)) + factors;
}

/* --- z = act(a x + b): reads and writes an element, 4 bytes of bf16, 8 of floats --- */

template <int V, int KIND>
static __global__ void read(struct ps_columns c, struct ps_nn_read r, bool told, const void *x, void *z)
{
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float a[V], b[V], v[AHEAD][V];
    if (p.row >= p.end) return;
    ps_factors(r.a, p.k, a);
    ps_factors(r.b, p.k, b);
    for (int64_t row = p.row; row < p.end; row += AHEAD * c.lines) {
        for (int j = 0; j < AHEAD; j++)
            if (row + j * c.lines < p.end) ps_load(x, (row + j * c.lines) * c.channels + p.k, half, v[j]);
        for (int j = 0; j < AHEAD; j++) {
            if (row + j * c.lines >= p.end) break;
            for (int i = 0; i < V; i++) v[j][i] = ps_act(r.act, fmaf(a[i], v[j][i], b[i]));
            ps_store(z, (row + j * c.lines) * c.channels + p.k, half, v[j]);
        }
    }
}

void ps_nn_read_cu(const struct ps_nn_read *r, int64_t rows, int64_t channels, bool half, const void *x,
                   void *z)
{
    const struct ps_image images[] = {{x, half}, {z, half}};
    const struct ps_form form = ps_form_of(channels, images, 2);
    const struct ps_columns c = ps_columns_of(rows, channels, form.vector, PS_PASSES);
    auto *const kernel = PS_OF_FORM(read, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *r, half, x, z);
}

/* --- z = s dy + p y + q: reads two elements, writes one, 6 bytes of bf16, 12 of floats --- */

template <int V, int KIND>
static __global__ void gradient_read(struct ps_columns c, struct ps_nn_gradient_read r, bool told, bool add,
                                     const void *dy, const void *y, void *z)
{
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float s[V], t[V], q[V], d[AHEAD][V], v[AHEAD][V];
    if (p.row >= p.end) return;
    ps_factors(r.s, p.k, s);
    ps_factors(r.p, p.k, t);
    ps_factors(r.q, p.k, q);
    for (int64_t row = p.row; row < p.end; row += AHEAD * c.lines) {
        for (int j = 0; j < AHEAD; j++) {
            const int64_t at = (row + j * c.lines) * c.channels + p.k;
            if (row + j * c.lines >= p.end) break;
            ps_load(dy, at, half, d[j]);
            ps_load(y, at, half, v[j]);
        }
        for (int j = 0; j < AHEAD; j++) {
            const int64_t at = (row + j * c.lines) * c.channels + p.k;
            if (row + j * c.lines >= p.end) break;
            for (int i = 0; i < V; i++) v[j][i] = fmaf(s[i], d[j][i], fmaf(t[i], v[j][i], q[i]));
            if (add) {
                ps_load(z, at, half, d[j]);
                for (int i = 0; i < V; i++) v[j][i] += d[j][i];
            }
            ps_store(z, at, half, v[j]);
        }
    }
}

void ps_nn_gradient_give_cu(const struct ps_nn_gradient_read *r, int64_t rows, int64_t channels, bool half,
                            bool add, const void *dy, const void *y, void *z)
{
    const struct ps_image images[] = {{dy, half}, {y, half}, {z, half}};
    const struct ps_form form = ps_form_of(channels, images, 3);
    const struct ps_columns c = ps_columns_of(rows, channels, form.vector, PS_PASSES);
    auto *const kernel = PS_OF_FORM(gradient_read, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *r, half, add, dy, y, z);
}

void ps_nn_gradient_read_cu(const struct ps_nn_gradient_read *r, int64_t rows, int64_t channels, bool half,
                            const void *dy, const void *y, void *z)
{
    ps_nn_gradient_give_cu(r, rows, channels, half, false, dy, y, z);
}

/* --- moments: reads an element, 2 or 4 bytes --- */

/* Sums of differences from the first row, which is near the mean as a rule, and of their squares: they keep
 * the digits that sums of squares lose, and join by plain addition. */
template <int V, int KIND>
static __global__ void moments(struct ps_columns c, bool told, const void *y, double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float near[V] = {}, v[AHEAD][V], sum[V] = {}, squares[V] = {};
    if (p.row < p.end) ps_load(y, p.k, half, near);
    for (int64_t row = p.row; row < p.end; row += AHEAD * c.lines) {
        for (int j = 0; j < AHEAD; j++)
            if (row + j * c.lines < p.end) ps_load(y, (row + j * c.lines) * c.channels + p.k, half, v[j]);
        for (int j = 0; j < AHEAD; j++) {
            if (row + j * c.lines >= p.end) break;
            for (int i = 0; i < V; i++) {
                const float d = v[j][i] - near[i];
                sum[i] += d;
                squares[i] = fmaf(d, d, squares[i]);
            }
        }
    }
    ps_columns_join(c, p, sum, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, squares, shared, ps_columns_sums(c, work, 1));
}

/** Of differences of a channel's elements from `near`, and of squares of those. */
__device__ static void put_moments(double rows, int64_t channels, int64_t k, double near, double sum,
                                   double squares, double *out)
{
    const double around = squares - sum * sum / rows;
    out[k] = near + sum / rows;
    out[channels + k] = around < 0 ? 0 : around;
}

/* A channel's differences are from its first element. */
struct moments_end {
    double rows;
    int64_t channels;
    const void *y;
    bool half;
    double *moments;
    __device__ void operator()(int64_t k, const double *total) const
    {
        float near[1];
        ps_load(y, k, half, near);
        put_moments(rows, channels, k, near[0], total[0], total[1], moments);
    }
};

void ps_nn_moments_cu(int64_t rows, int64_t channels, bool half, const void *y, double *out, double *work)
{
    const struct ps_image images[] = {{y, half}};
    const struct ps_form form = ps_form_of(channels, images, 1);
    const struct ps_columns c = ps_columns_of(rows, channels, form.vector, PS_SUMS_BLOCKS);
    const struct moments_end end = {(double)rows, channels, y, half, out};
    auto *const kernel = PS_OF_FORM(moments, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, half, y, work);
    PS_LAUNCH_TOTAL(2, c, work, end);
}

static __global__ void moments_of_sums(double rows, int64_t channels, const float *sums, const float *squares,
                                       double *out)
{
    const int64_t k = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (k < channels) put_moments(rows, channels, k, 0, sums[k], squares[k], out);
}

void ps_nn_moments_of_sums_cu(int64_t rows, int64_t channels, const float *sums, const float *squares,
                              double *moments)
{
    PS_LAUNCH(moments_of_sums, (unsigned)((channels + PS_BLOCK - 1) / PS_BLOCK), PS_BLOCK, 0, (double)rows,
              channels, sums, squares, moments);
}

/* --- dx of act(a x + b), in place: reads two elements, writes one, 6 or 12 bytes --- */

template <int V, int KIND>
static __global__ void read_back(struct ps_columns c, struct ps_nn_read r, bool told, const void *x, void *dx,
                                 double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    const bool half = ps_is_half<KIND>(told);
    float a[V] = {}, b[V] = {}, mean[V] = {}, d[AHEAD][V], v[AHEAD][V], sum[V] = {}, product[V] = {};
    if (p.row < p.end) {
        ps_factors(r.a, p.k, a);
        ps_factors(r.b, p.k, b);
        ps_factors(r.mean, p.k, mean);
    }
    for (int64_t row = p.row; row < p.end; row += AHEAD * c.lines) {
        for (int j = 0; j < AHEAD; j++) {
            const int64_t at = (row + j * c.lines) * c.channels + p.k;
            if (row + j * c.lines >= p.end) break;
            ps_load(x, at, half, v[j]);
            ps_load(dx, at, half, d[j]);
        }
        for (int j = 0; j < AHEAD; j++) {
            if (row + j * c.lines >= p.end) break;
            for (int i = 0; i < V; i++) {
                if (r.act == PS_NN_RELU && !(fmaf(a[i], v[j][i], b[i]) > 0)) d[j][i] = 0;
                sum[i] += d[j][i];
                product[i] = fmaf(d[j][i], v[j][i] - mean[i], product[i]);
            }
            if (r.act == PS_NN_RELU) ps_store(dx, (row + j * c.lines) * c.channels + p.k, half, d[j]);
        }
    }
    ps_columns_join(c, p, sum, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, product, shared, ps_columns_sums(c, work, 1));
}

void ps_nn_read_back_cu(const struct ps_nn_read *r, int64_t rows, int64_t channels, bool half, const void *x,
                        void *dx, double *sums, double *work)
{
    const struct ps_image images[] = {{x, half}, {dx, half}};
    const struct ps_form form = ps_form_of(channels, images, 2);
    const struct ps_columns c = ps_columns_of(rows, channels, form.vector, PS_SUMS_BLOCKS);
    const struct ps_sums_end end = {channels, sums};
    auto *const kernel = PS_OF_FORM(read_back, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *r, half, x, dx, work);
    PS_LAUNCH_TOTAL(2, c, work, end);
}
