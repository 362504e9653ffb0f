#include "kernels/dbscan/cpu_cells.h"
#include "kernels/dbscan/cpu_grid.h"
#include "kernels/dbscan/cpu_load.h"
#include "kernels/dbscan/cpu_unite.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Grid neighbourhoods hold (2 ceil(sqrt(d)) + 1)^(d-1) rows of cells: 5 and 25 in 2 and 3 dimensions, 343
 * in 4. */
enum { GRID_DIMS = 3, HUGE_PAGE = 2 << 20 };

void *ps_dbscan_alloc(int64_t n, size_t size)
{
    size_t bytes = ((size_t)n + PS_PAD) * size;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (p && align == HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE); /* advice: large arrays fault once per 2 MiB */
    return p;
}

void ps_dbscan_boxes_free(struct ps_dbscan *s)
{
    for (int l = 0; l < s->levels; l++) {
        free(s->level[l].lo);
        free(s->level[l].hi);
        free(s->level[l].root);
        s->level[l] = (struct ps_box_level){0};
    }
    s->levels = 0;
}

static void destroy(struct ps_dbscan *s)
{
    if (!s) return;
    ps_dbscan_boxes_free(s);
    free(s->x);
    free(s->order);
    free(s->starts);
    free(s->all.key);
    free(s->all.has_own);
    free(s->cores.start);
    free(s->cores.end);
    free(s->cores.key);
    free(s->cores.has_own);
    free(s->parent);
    free(s->is_core);
    free(s->row_step);
    free(s->row_near);
    free(s);
}

/** Length of the bounding box in each dimension, and its low corner in the map. */
static enum ps_status measure(const struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                              struct ps_grid_map *map, double *extent)
{
    enum { LO, HI };
    void *box[2] = {ps_dbscan_alloc(s->d, 8), ps_dbscan_alloc(s->d, 8)};
    enum ps_status rc = box[LO] && box[HI] ? PS_OK : PS_ENOMEM;
    if (rc == PS_OK) ps_dbscan_load_for(spec->points.type, s->coord)->box(&spec->points, box[LO], box[HI]);
    for (int k = 0; rc == PS_OK && k < s->d && k < PS_GRID_MAX_DIMS; k++) {
        if (s->coord == PS_COORD_I64) {
            map->lo_int[k] = ((int64_t *)box[LO])[k];
            extent[k] = (double)((uint64_t)((int64_t *)box[HI])[k] - (uint64_t)map->lo_int[k]);
        } else if (s->coord == PS_COORD_F64) {
            map->lo[k] = ((double *)box[LO])[k];
            extent[k] = ((double *)box[HI])[k] - map->lo[k];
        } else {
            map->lo[k] = ((float *)box[LO])[k];
            extent[k] = (double)((float *)box[HI])[k] - map->lo[k];
        }
    }
    free(box[LO]);
    free(box[HI]);
    return rc;
}

static enum ps_status build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec)
{
    struct ps_grid_map map;
    double extent[PS_GRID_MAX_DIMS];
    bool grid = spec->index == PS_INDEX_GRID || (spec->index == PS_INDEX_AUTO && s->d <= GRID_DIMS);
    if (grid) {
        enum ps_status rc = measure(s, spec, &map, extent);
        if (rc != PS_OK) return rc;
        if (ps_grid_plan(s->d, s->eps, extent, &map)) return ps_grid_build(s, spec, &map);
    }
    s->x = ps_dbscan_alloc(s->stride * s->d, s->steps->size);
    if (!s->x) return PS_ENOMEM;
    ps_dbscan_load_for(spec->points.type, s->coord)->gather(&spec->points, NULL, s->x, s->stride);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->n; i++) s->order[i] = (uint32_t)i;
    return s->steps->tree(s);
}

/** Which cells hold own points. */
static enum ps_status mark_own(struct ps_dbscan *s)
{
    if (s->own == s->n) return PS_OK;
    s->all.has_own = ps_dbscan_alloc(s->all.n, 1);
    if (!s->all.has_own) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (uint32_t c = 0; c < s->all.n; c++) {
        s->all.has_own[c] = 0;
        for (uint32_t j = s->all.start[c]; j < s->all.end[c] && !s->all.has_own[c]; j++)
            s->all.has_own[c] = s->order[j] < s->own;
    }
    return PS_OK;
}

static enum ps_status create(const struct ps_dbscan_spec *spec, struct ps_dbscan **out)
{
    static const struct ps_dbscan_steps *const steps[] = {[PS_COORD_F32] = &ps_dbscan_steps_f32,
                                                          [PS_COORD_F64] = &ps_dbscan_steps_f64,
                                                          [PS_COORD_I64] = &ps_dbscan_steps_i64};
    struct ps_dbscan *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return PS_ENOMEM;
    s->n = spec->points.n;
    s->own = spec->own;
    s->d = spec->points.d;
    s->eps = spec->eps;
    s->min_points = spec->min_points;
    s->coord = ps_coord_of(spec->points.type, s->eps);
    s->steps = steps[s->coord];
    s->stride = (s->n + PS_PAD - 1) / PS_PAD * PS_PAD;
    const struct ps_eps2 eps2 = ps_eps2_of(s->coord, s->d, s->eps);
    s->eps2 = eps2.exact;
    s->eps2_in = eps2.in;
    s->eps2_maybe = eps2.maybe;
    s->order = ps_dbscan_alloc(s->n, sizeof *s->order);
    enum ps_status rc = s->order ? PS_OK : PS_ENOMEM;
    if (rc == PS_OK && s->n) rc = build(s, spec);
    if (rc == PS_OK && s->n) rc = mark_own(s);
    s->work.cells = s->all.n;
    if (rc == PS_OK)
        *out = s;
    else
        destroy(s);
    return rc;
}

static enum ps_status core(struct ps_dbscan *s, uint8_t *flags)
{
    s->is_core = ps_dbscan_alloc(s->n, 1);
    if (!s->is_core) return PS_ENOMEM;
    memset(s->is_core, 0, (size_t)s->n);
    if (!s->n) return PS_OK;
    enum ps_status rc = s->steps->core(s);
    if (rc != PS_OK) return rc;
#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < s->n; j++)
        if (s->order[j] < s->own) flags[s->order[j]] = s->is_core[j];
    return PS_OK;
}

/** Number the sets of cells in the order of their first cells. */
static uint32_t number_components(struct ps_dbscan *s)
{
    uint32_t components = 0;
#pragma omp parallel for schedule(static)
    for (uint32_t c = 0; c < s->cores.n; c++) s->parent[c] = ps_find(s->parent, c);
    for (uint32_t c = 0; c < s->cores.n;
         c++) /* a root comes before the cells of its set, so its number is there already */
        s->parent[c] = s->parent[c] == c ? components++ : s->parent[s->parent[c]];
    return components;
}

static enum ps_status list_cores(struct ps_dbscan *s, const uint8_t *flags)
{
    uint32_t *end = ps_dbscan_alloc(s->all.n, sizeof *end);
    if (!end) return PS_ENOMEM;
    if (s->own < s->n) {
#pragma omp parallel for schedule(static)
        for (int64_t j = 0; j < s->n; j++)
            if (s->order[j] >= s->own) s->is_core[j] = flags[s->order[j]];
    }
    s->steps->cores_first(s, end);
    enum ps_status rc = ps_dbscan_cells_cores(s, end);
    free(end);
    if (rc != PS_OK) return rc;
    s->parent = ps_dbscan_alloc(s->cores.n, sizeof *s->parent);
    if (!s->parent) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (uint32_t c = 0; c < s->cores.n; c++) s->parent[c] = c;
    return PS_OK;
}

static enum ps_status connect(struct ps_dbscan *s, const uint8_t *flags, uint32_t *component,
                              uint32_t *components)
{
    *components = 0;
    if (!s->n) return PS_OK;
    enum ps_status rc = list_cores(s, flags);
    if (rc == PS_OK) rc = s->steps->connect(s);
    if (rc != PS_OK) return rc;
    *components = number_components(s);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->n; i++) component[i] = UINT32_MAX;
#pragma omp parallel for schedule(dynamic, 4096)
    for (uint32_t c = 0; c < s->cores.n; c++)
        for (uint32_t j = s->cores.start[c]; j < s->cores.end[c]; j++) component[s->order[j]] = s->parent[c];
    return PS_OK;
}

static enum ps_status label(struct ps_dbscan *s, const int64_t *cluster, int64_t *labels)
{
    if (!s->n) return PS_OK;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->own; i++) labels[i] = 0;
#pragma omp parallel for schedule(dynamic, 4096)
    for (uint32_t c = 0; c < s->cores.n; c++)
        for (uint32_t j = s->cores.start[c]; j < s->cores.end[c]; j++)
            if (s->order[j] < s->own) labels[s->order[j]] = -cluster[s->parent[c]];
    return s->steps->label(s, cluster, labels);
}

static struct ps_dbscan_work work(const struct ps_dbscan *s)
{
    return s->work;
}

const struct ps_dbscan_kernels ps_dbscan_cpu = {.name = "cpu",
                                                .create = create,
                                                .core = core,
                                                .connect = connect,
                                                .label = label,
                                                .work = work,
                                                .destroy = destroy};
