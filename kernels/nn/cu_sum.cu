#include "kernels/nn/cu.h"
#include "kernels/nn/cu_columns.h"

/** Which arrays are in bf16. */
struct types {
    bool x, also, y;
};

template <int KIND> __device__ static struct types types_of(struct types told)
{
    return {ps_is_half<KIND>(told.x), ps_is_half<KIND>(told.also), ps_is_half<KIND>(told.y)};
}

/** An input, read linearly. */
struct input {
    const void *x, *a, *b;
};

/** Factors of an input's channels in registers. */
template <int V> struct factors {
    float a[V], b[V];
};

template <int V> __device__ static void load_factors(const struct input &in, int64_t k, struct factors<V> &f)
{
    ps_factors(in.a, k, f.a);
    ps_factors(in.b, k, f.b);
}

/* Reads both inputs and writes their sum: 6 bytes of bf16, 12 of floats. */
template <int V, int KIND>
static __global__ void sum(struct ps_columns c, enum ps_nn_act act, struct types told, struct input one,
                           struct input two, void *y)
{
    const struct ps_column p = ps_column_of<V>(c);
    const struct types half = types_of<KIND>(told);
    struct factors<V> f, g;
    float v[V], w[V];
    if (p.row >= p.end) return;
    load_factors(one, p.k, f);
    load_factors(two, p.k, g);
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t at = row * c.channels + p.k;
        ps_load(one.x, at, half.x, v);
        ps_load(two.x, at, half.also, w);
        for (int i = 0; i < V; i++) {
            const float z =
                (one.a ? fmaf(f.a[i], v[i], f.b[i]) : v[i]) + (two.a ? fmaf(g.a[i], w[i], g.b[i]) : w[i]);
            v[i] = ps_act(act, z);
        }
        ps_store(y, at, half.y, v);
    }
}

static struct ps_form form_of(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const struct ps_image images[] = {{p->x, l->half_x},  {p->also, l->half_also},  {p->y, l->half_y},
                                      {p->dx, l->half_x}, {p->dalso, l->half_also}, {p->dy, l->half_y}};
    return ps_form_of(l->channels, images, 6);
}

void ps_nn_sum_forward_cu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    struct ps_nn_pass forward = *p;
    forward.dx = forward.dalso = forward.dy = NULL;
    const struct ps_form form = form_of(l, &forward);
    const struct ps_columns c = ps_columns_of(p->n * l->places, l->channels, form.vector, PS_PASSES);
    const struct types half = {l->half_x, l->half_also, l->half_y};
    const struct input one = {p->x, p->read.a, p->read.b}, two = {p->also, p->also_read.a, p->also_read.b};
    auto *const kernel = PS_OF_FORM(sum, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, l->act, half, one, two, p->y);
}

/** Where a gradient goes besides dy. */
struct target {
    void *dx;
    bool add;
    const void *x, *mean; /* of the input; mean NULL: no sums are wanted */
};

template <int V>
__device__ static void pass_on(const struct target &to, int64_t at, bool half, const float (&d)[V])
{
    float v[V] = {};
    if (!to.dx) return;
    if (to.add) ps_load(to.dx, at, half, v);
    for (int i = 0; i < V; i++) v[i] += d[i];
    ps_store(to.dx, at, half, v);
}

/* product += d (x - mean). */
template <int V>
__device__ static void add_product(const struct target &to, int64_t at, bool half, const float (&mean)[V],
                                   const float (&d)[V], float (&product)[V])
{
    float x[V];
    if (!to.mean) return;
    ps_load(to.x, at, half, x);
    for (int i = 0; i < V; i++) product[i] = fmaf(d[i], x[i] - mean[i], product[i]);
}

/* Reads y and dy, writes dy; what is wanted of dx, dalso and the inputs for their sums adds an element each:
 * 6 to 14 bytes of bf16. */
template <int V, int KIND>
static __global__ void sum_back(struct ps_columns c, bool relu, struct types told, const void *y, void *dy,
                                struct target one, struct target two, double *work)
{
    __shared__ double shared[V * PS_BLOCK];
    const struct ps_column p = ps_column_of<V>(c);
    const struct types half = types_of<KIND>(told);
    float mean[V] = {}, also_mean[V] = {}, total[V] = {}, product[V] = {}, also_product[V] = {}, d[V], v[V];
    if (p.row < p.end) {
        ps_factors(one.mean, p.k, mean);
        ps_factors(two.mean, p.k, also_mean);
    }
    for (int64_t row = p.row; row < p.end; row += c.lines) {
        const int64_t at = row * c.channels + p.k;
        ps_load(dy, at, half.y, d);
        if (relu) {
            ps_load(y, at, half.y, v);
            for (int i = 0; i < V; i++) d[i] = v[i] > 0 ? d[i] : 0;
            ps_store(dy, at, half.y, d);
        }
        pass_on(one, at, half.x, d);
        pass_on(two, at, half.also, d);
        for (int i = 0; i < V; i++) total[i] += d[i];
        add_product(one, at, half.x, mean, d, product);
        add_product(two, at, half.also, also_mean, d, also_product);
    }
    if (!one.mean && !two.mean) return;
    ps_columns_join(c, p, total, shared, ps_columns_sums(c, work, 0));
    ps_columns_join(c, p, product, shared, ps_columns_sums(c, work, 1));
    ps_columns_join(c, p, also_product, shared, ps_columns_sums(c, work, 2));
}

struct both_sums_end {
    int64_t channels;
    double *sums, *also_sums; /* NULL: not wanted */
    __device__ void operator()(int64_t k, const double *total) const
    {
        if (sums) sums[k] = total[0], sums[channels + k] = total[1];
        if (also_sums) also_sums[k] = total[0], also_sums[channels + k] = total[2];
    }
};

void ps_nn_sum_backward_cu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const bool relu = l->act == PS_NN_RELU;
    const struct both_sums_end end = {l->channels, p->read.a ? p->sums : NULL,
                                      p->also_read.a ? p->also_sums : NULL};
    const struct target one = {p->dx, p->dx_add, p->x, end.sums ? p->read.mean : NULL},
                        two = {p->dalso, p->dalso_add, p->also, end.also_sums ? p->also_read.mean : NULL};
    if (!relu && !p->dx && !p->dalso && !end.sums && !end.also_sums) return;
    const struct ps_form form = form_of(l, p);
    const struct ps_columns c = ps_columns_of(p->n * l->places, l->channels, form.vector,
                                              end.sums || end.also_sums ? PS_SUMS_BLOCKS : PS_PASSES);
    const struct types half = {l->half_x, l->half_also, l->half_y};
    auto *const kernel = PS_OF_FORM(sum_back, form);
    PS_LAUNCH(kernel, ps_columns_grid(c), PS_BLOCK, 0, c, relu, half, p->y, p->dy, one, two,
              (double *)p->work);
    if (end.sums || end.also_sums) PS_LAUNCH_TOTAL(3, c, (const double *)p->work, end);
}
