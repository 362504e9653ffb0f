/** The plain back end: all pairs, no index. It is the oracle of the tuned ones, so it says what the
 * definition says and no more. */
#include <stdlib.h>
#include <string.h>
#include "kernels/dbscan/dbscan_kernels.h"

struct ps_dbscan {
    struct ps_points points; /* data is this object's copy */
    int64_t own, min_points;
    double eps2;
    uint32_t *component, *parent;
    struct ps_dbscan_work work;
};

/* |a - b| of 64-bit integers does not fit a double: subtract exactly, modulo 2^64, and round once. */
static double minus_i64(int64_t a, int64_t b)
{
    return a > b ? (double)((uint64_t)a - (uint64_t)b) : (double)((uint64_t)b - (uint64_t)a);
}

static double minus_u64(uint64_t a, uint64_t b)
{
    return a > b ? (double)(a - b) : (double)(b - a);
}

static int near_i64(const struct ps_dbscan *s, int64_t i, int64_t j)
{
    const int64_t *x = s->points.data;
    const int d = s->points.d;
    double sum = 0;
    for (int k = 0; k < d; k++) {
        const double v = minus_i64(x[i * d + k], x[j * d + k]);
        sum += v * v;
    }
    return sum <= s->eps2;
}

static int near_u64(const struct ps_dbscan *s, int64_t i, int64_t j)
{
    const uint64_t *x = s->points.data;
    const int d = s->points.d;
    double sum = 0;
    for (int k = 0; k < d; k++) {
        const double v = minus_u64(x[i * d + k], x[j * d + k]);
        sum += v * v;
    }
    return sum <= s->eps2;
}

/** The definition of neighbours: see dbscan_kernels.h. */
static int near(const struct ps_dbscan *s, int64_t i, int64_t j)
{
    if (s->points.type == PS_I64) return near_i64(s, i, j);
    if (s->points.type == PS_U64) return near_u64(s, i, j);
    double sum = 0;
    for (int k = 0; k < s->points.d; k++) {
        const double v = ps_points_at(&s->points, i, k) - ps_points_at(&s->points, j, k);
        sum += v * v;
    }
    return sum <= s->eps2;
}

static void ref_destroy(struct ps_dbscan *s)
{
    if (!s) return;
    free((void *)s->points.data);
    free(s->component);
    free(s->parent);
    free(s);
}

static enum ps_status ref_create(const struct ps_dbscan_spec *spec, struct ps_dbscan **out)
{
    const size_t bytes = (size_t)spec->points.n * (size_t)spec->points.d * ps_dtype_size(spec->points.type);
    struct ps_dbscan *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return PS_ENOMEM;
    void *copy = malloc(bytes ? bytes : 1);
    s->points = spec->points;
    s->points.data = copy;
    s->own = spec->own;
    s->min_points = spec->min_points;
    s->eps2 = spec->eps * spec->eps;
    s->work.cells = spec->points.n;
    if (!copy) {
        ref_destroy(s);
        return PS_ENOMEM;
    }
    if (bytes) memcpy(copy, spec->points.data, bytes);
    *out = s;
    return PS_OK;
}

static enum ps_status ref_core(struct ps_dbscan *s, uint8_t *core)
{
    for (int64_t i = 0; i < s->own; i++) {
        int64_t count = 0;
        for (int64_t j = 0; j < s->points.n; j++) count += near(s, i, j);
        core[i] = count >= s->min_points;
    }
    s->work.distances += s->own * s->points.n;
    return PS_OK;
}

static uint32_t root(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static enum ps_status ref_connect(struct ps_dbscan *s, const uint8_t *core, uint32_t *component,
                                  uint32_t *components)
{
    const int64_t n = s->points.n;
    uint32_t next = 0;
    s->parent = malloc(((size_t)n + 1) * sizeof *s->parent);
    s->component = malloc(((size_t)n + 1) * sizeof *s->component);
    if (!s->parent || !s->component) return PS_ENOMEM;
    for (int64_t i = 0; i < n; i++) s->parent[i] = (uint32_t)i;
    for (int64_t i = 0; i < s->own; i++)
        for (int64_t j = 0; core[i] && j < n; j++) {
            if (!core[j] || (j < i) || !near(s, i, j)) continue;
            const uint32_t a = root(s->parent, (uint32_t)i), b = root(s->parent, (uint32_t)j);
            if (a < b)
                s->parent[b] = a;
            else
                s->parent[a] = b;
            s->work.links++;
        }
    /* a root is its tree's smallest point, so it is met, and numbered, before the others */
    for (int64_t i = 0; i < n; i++) {
        s->component[i] = UINT32_MAX;
        if (!core[i]) continue;
        const uint32_t r = root(s->parent, (uint32_t)i);
        s->component[i] = r == i ? next++ : s->component[r];
    }
    memcpy(component, s->component, (size_t)n * sizeof *component);
    *components = next;
    return PS_OK;
}

static enum ps_status ref_label(struct ps_dbscan *s, const int64_t *cluster, int64_t *label)
{
    for (int64_t i = 0; i < s->own; i++) {
        label[i] = 0;
        if (s->component[i] != UINT32_MAX) {
            label[i] = -cluster[s->component[i]];
            continue;
        }
        for (int64_t j = 0; j < s->points.n; j++) {
            if (s->component[j] == UINT32_MAX || !near(s, i, j)) continue;
            const int64_t c = cluster[s->component[j]];
            if (!label[i] || c < label[i]) label[i] = c;
        }
    }
    return PS_OK;
}

static struct ps_dbscan_work ref_work(const struct ps_dbscan *s)
{
    return s->work;
}

const struct ps_dbscan_kernels ps_dbscan_ref = {
    .name = "ref",
    .create = ref_create,
    .core = ref_core,
    .connect = ref_connect,
    .label = ref_label,
    .work = ref_work,
    .destroy = ref_destroy,
};
