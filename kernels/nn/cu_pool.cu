#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"

/** Where a place is. */
struct place {
    int64_t sample, row, col;
};

/** Number `i` of places [.][rows][cols]: divisions of 32 bits take far less time than those of 64. */
__device__ static struct place place_of(int64_t i, int64_t rows, int64_t cols)
{
    if (i >> 32 || rows >> 32 || cols >> 32) return {i / cols / rows, i / cols % rows, i % cols};
    const uint32_t line = (uint32_t)i / (uint32_t)cols, sample = line / (uint32_t)rows;
    return {sample, line - sample * (uint32_t)rows, (uint32_t)i - line * (uint32_t)cols};
}

/** How a pool reads its input. */
template <int V> struct reading {
    const void *x;
    bool half, any;
    enum ps_nn_act act;
    float a[V], b[V];
};

template <int V>
__device__ static void read_factors(const struct ps_nn_read &r, const void *x, bool half, int64_t k,
                                    struct reading<V> &out)
{
    out.x = x;
    out.half = half;
    out.any = r.a != NULL;
    out.act = r.act;
    ps_factors(r.a, k, out.a);
    ps_factors(r.b, k, out.b);
}

/** Elements from `at` on, as they are read: in forward and backward passes the same bits. */
template <int V> __device__ static void read_at(const struct reading<V> &r, int64_t at, float (&z)[V])
{
    ps_load(r.x, at, r.half, z);
    if (r.any)
        for (int i = 0; i < V; i++) z[i] = ps_act(r.act, fmaf(r.a[i], z[i], r.b[i]));
}

/** The part of a window that lies within the image: lines and columns [lo, hi). */
struct inside {
    int64_t ylo, yhi, xlo, xhi;
};

__device__ static struct inside inside_of(const struct ps_nn_window &at, int64_t row, int64_t col)
{
    const int64_t y = row * at.stride - at.pad, x = col * at.stride - at.pad;
    return {y > 0 ? y : 0, y + at.kernel < at.height ? y + at.kernel : at.height, x > 0 ? x : 0,
            x + at.kernel < at.width ? x + at.kernel : at.width};
}

/** Element of channel k of place (y, x) of sample i. */
__device__ static int64_t element(const struct ps_nn_window &at, int64_t i, int64_t y, int64_t x, int64_t k)
{
    return ((i * at.height + y) * at.width + x) * at.channels + k;
}

/* Reads each input once from memory (what windows share comes from caches) and writes outputs: 2 bytes of
 * bf16 or 4 of floats for each of both. */
template <int V, int KIND>
static __global__ void pool(struct ps_columns c, struct ps_nn_pool l, struct ps_nn_read r, const void *x,
                            void *y)
{
    const struct ps_column p = ps_column_of<V>(c);
    const struct ps_nn_window &at = l.at;
    const float part = 1 / (float)(at.kernel * at.kernel);
    struct reading<V> from;
    float z[V], all[V];
    if (p.row >= p.end) return;
    read_factors(r, x, ps_is_half<KIND>(l.half_x), p.k, from);
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const struct place to = place_of(row, at.rows, at.cols);
        const struct inside in = inside_of(at, to.row, to.col);
        for (int i = 0; i < V; i++) all[i] = l.mean ? 0 : -INFINITY;
        for (int64_t v = in.ylo; v < in.yhi; v++)
            for (int64_t u = in.xlo; u < in.xhi; u++) {
                read_at(from, element(at, to.sample, v, u, p.k), z);
                for (int i = 0; i < V; i++)
                    all[i] = l.mean ? all[i] + z[i] : z[i] > all[i] || z[i] != z[i] ? z[i] : all[i];
            }
        for (int i = 0; i < V; i++) all[i] = l.mean ? part * all[i] : all[i];
        ps_store(y, row * c.channels + p.k, ps_is_half<KIND>(l.half_y), all);
    }
}

void ps_nn_pool_forward_cu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_image images[] = {{p->x, l->half_x}, {p->y, l->half_y}};
    const struct ps_form form = ps_form_of(l->at.channels, images, 2);
    const struct ps_columns c =
        ps_columns_of(p->n * l->at.rows * l->at.cols, l->at.channels, form.vector, PS_PASSES);
    auto *const kernel = PS_OF_FORM(pool, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *l, p->read, p->x, p->y);
}

/** The windows that a line or column `i` is in: [lo, hi). */
struct windows {
    int64_t lo, hi;
};

__device__ static struct windows windows_of(int64_t i, int kernel, int stride, int pad, int64_t count)
{
    const int64_t end = i + pad, begin = end - kernel; /* they begin after `begin`, at `end` at the latest */
    const int64_t lo = begin < 0 ? 0 : begin / stride + 1, hi = end / stride + 1;
    return {lo, hi < count ? hi : count};
}

/** d where place (y, x), read as z, is the first of its window that is as large as the largest, `most`, which
 * may have been rounded; else 0. Rounding keeps order, so that the largest is still the largest. */
template <int V>
__device__ static void keep_first(const struct ps_nn_window &at, const struct reading<V> &from, bool rounded,
                                  const struct inside &in, int64_t sample, int64_t y, int64_t x, int64_t k,
                                  const float (&z)[V], const float (&most)[V], float (&d)[V])
{
    bool any = false;
    float other[V];
    for (int i = 0; i < V; i++) {
        if (!((rounded ? ps_half_get(ps_half_of(z[i])) : z[i]) == most[i])) d[i] = 0;
        any = any || d[i] != 0;
    }
    if (!any) return;
    for (int64_t v = in.ylo; v <= y; v++)
        for (int64_t u = in.xlo; u < (v < y ? in.xhi : x); u++) {
            read_at(from, element(at, sample, v, u, k), other);
            for (int i = 0; i < V; i++)
                if ((rounded ? ps_half_get(ps_half_of(other[i])) : other[i]) == most[i]) d[i] = 0;
        }
}

/** Sum of what windows give to place (y, x). */
template <int V>
__device__ static void gather(const struct ps_nn_pool &l, const struct reading<V> &from, bool half_y,
                              const struct place &to, int64_t k, const float (&z)[V], const void *y,
                              const void *dy, float (&sum)[V])
{
    const struct ps_nn_window &at = l.at;
    const struct windows rows = windows_of(to.row, at.kernel, at.stride, at.pad, at.rows),
                         cols = windows_of(to.col, at.kernel, at.stride, at.pad, at.cols);
    const float part = l.mean ? 1 / (float)(at.kernel * at.kernel) : 1;
    for (int64_t row = rows.lo; row < rows.hi; row++)
        for (int64_t col = cols.lo; col < cols.hi; col++) {
            const int64_t window = ((to.sample * at.rows + row) * at.cols + col) * at.channels + k;
            float d[V], most[V];
            ps_load(dy, window, half_y, d);
            if (!l.mean) {
                ps_load(y, window, half_y, most);
                keep_first(at, from, half_y, inside_of(at, row, col), to.sample, to.row, to.col, k, z, most,
                           d);
            }
            for (int i = 0; i < V; i++) sum[i] = fmaf(part, d[i], sum[i]);
        }
}

/* Each place of the input gathers from the windows that it is in. Reads x, dy and y of outputs, writes dx: 4
 * bytes of bf16 or 8 of floats for each input and as much for each output; places of a window look at those
 * before them in caches. */
template <int V, int KIND>
static __global__ void pool_back(struct ps_columns c, struct ps_nn_pool l, struct ps_nn_read r, bool add,
                                 const void *x, const void *y, const void *dy, void *dx, double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    const bool half_x = ps_is_half<KIND>(l.half_x), half_y = ps_is_half<KIND>(l.half_y);
    struct reading<V> from;
    float mean[V] = {}, total[V] = {}, product[V] = {};
    if (p.row < p.end) {
        read_factors(r, x, half_x, p.k, from);
        ps_factors(r.mean, p.k, mean);
    }
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t at = row * c.channels + p.k;
        float z[V] = {}, d[V] = {}, v[V];
        if (add) ps_load(dx, at, half_x, d);
        if (!l.mean || r.a) read_at(from, at, z);
        gather(l, from, half_y, place_of(row, l.at.height, l.at.width), p.k, z, y, dy, d);
        for (int i = 0; r.a && i < V; i++) d[i] *= ps_slope(r.act, z[i]);
        ps_store(dx, at, half_x, d);
        if (!r.a) continue;
        ps_load(x, at, half_x, v);
        for (int i = 0; i < V; i++) {
            total[i] += d[i];
            product[i] = fmaf(d[i], v[i] - mean[i], product[i]);
        }
    }
    if (!work) return;
    ps_columns_join(c, p, total, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, product, shared, ps_columns_sums(c, work, 1));
}

void ps_nn_pool_backward_cu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const bool sums = p->read.a && p->sums;
    const struct ps_image images[] = {
        {p->x, l->half_x}, {p->y, l->half_y}, {p->dy, l->half_y}, {p->dx, l->half_x}};
    if (!p->dx) return;
    const struct ps_form form = ps_form_of(at->channels, images, 4);
    const struct ps_columns c = ps_columns_of(p->n * at->height * at->width, at->channels, form.vector,
                                              sums ? PS_SUMS_BLOCKS : PS_PASSES);
    const struct ps_sums_end end = {at->channels, p->sums};
    double *const work = sums ? (double *)p->work : NULL;
    auto *const kernel = PS_OF_FORM(pool_back, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, *l, p->read, p->dx_add, p->x, p->y, p->dy, p->dx,
              work);
    if (sums) PS_LAUNCH_TOTAL(2, c, work, end);
}
