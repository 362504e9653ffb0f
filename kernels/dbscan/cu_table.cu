/* The table of the CUDA back end: copies and the order of the steps. */
#include "kernels/dbscan/cu.h"
#include <stdlib.h>
#include "kernels/dbscan/cu_state.h"

/* Of the memory that an index may take, for what CUDA loads when it is called for first. */
static const int64_t RESERVE = INT64_C(64) << 20;

/** An index of n points, without anything. */
static struct ps_dbscan outline(const struct ps_dbscan_spec *spec, int64_t n, int64_t own)
{
    const enum ps_dtype type = spec->points.type;
    struct ps_dbscan s = {};
    s.n = n;
    s.own = own;
    s.d = spec->points.d;
    s.min_points = spec->min_points;
    s.row = s.d * ps_cu_element(type);
    s.coord = ps_coord_of(type, spec->eps);
    s.space = {s.d, n, NULL, ps_eps2_of(s.coord, s.d, spec->eps)};
    s.room.bytes = ps_cuda_sort_room(n);
    return s;
}

/* By halving: the rooms of sorts grow by steps. */
static int64_t fits(const struct ps_dbscan_spec *spec)
{
    int64_t most = 0, above = UINT32_MAX;
    while (above - most > 1) {
        const int64_t n = most + (above - most) / 2;
        struct ps_dbscan s = outline(spec, n, n);
        (ps_cu_lay(&s, NULL) <= spec->memory - RESERVE ? most : above) = n;
    }
    return most;
}

static void destroy(struct ps_dbscan *s)
{
    if (!s) return;
    ps_cuda_memory.free(s->block);
    ps_cuda_copier_close(&s->copier);
    free(s);
}

/** The box of the rows, and from it where cells are. */
static enum ps_status plan(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                           const struct ps_points *rows, struct ps_cu_map *map)
{
    const int64_t bytes = 2 * (int64_t)s->d * (int64_t)sizeof *s->box;
    struct ps_cu_reach reach;
    uint64_t *const box = (uint64_t *)malloc((size_t)bytes);
    if (!box) return PS_ENOMEM;
    ps_cu_box(rows, s->box);
    ps_cuda_copier_get(&s->copier, box, s->box, bytes);
    const enum ps_status rc = ps_cuda_status();
    if (rc == PS_OK) {
        ps_cu_plan(s, spec, box, map, &reach);
        ps_cuda_copier_put(&s->copier, s->reach, &reach, sizeof reach);
    }
    free(box);
    return rc;
}

/** Numbers of points in the order of their keys, and cells. */
static enum ps_status sort_points(struct ps_dbscan *s, const struct ps_points *rows,
                                  const struct ps_cu_map *map)
{
    struct ps_cuda_pair<uint64_t> key = {
        s->key, s->all.key
    };
    struct ps_cuda_pair<uint32_t> order = {
        s->order, s->cell
    };
    ps_cu_keys(rows, map, key.now, order.now);
    if (map->bits > 0) ps_cuda_sort(&key, &order, s->n, map->bits, &s->room);
    s->key = key.now;
    s->all.key = key.other;
    s->order = order.now;
    s->cell = order.other;
    return ps_cu_cells_all(s);
}

static enum ps_status build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec)
{
    struct ps_points rows = spec->points;
    struct ps_cu_map map;
    ps_cuda_copier_put(&s->copier, s->rows, rows.data, s->n * s->row);
    rows.data = s->rows;
    PS_CU(cudaMemsetAsync(s->work, 0, sizeof *s->work, ps_cuda_stream()));
    enum ps_status rc = plan(s, spec, &rows, &map);
    if (rc == PS_OK) rc = sort_points(s, &rows, &map);
    if (rc != PS_OK) return rc;
    s->space.x = (char *)s->x + s->space.stride * ps_cu_coordinate(s->coord);
    ps_cu_gather(s, &rows);
    return ps_cuda_status();
}

static enum ps_status create(const struct ps_dbscan_spec *spec, struct ps_dbscan **out)
{
    struct ps_dbscan *const s = (struct ps_dbscan *)malloc(sizeof *s);
    enum ps_status rc = PS_OK;
    *out = NULL;
    if (!s) return PS_ENOMEM;
    *s = outline(spec, spec->points.n, spec->own);
    if (s->n > 0) {
        const int64_t label = (int64_t)sizeof *s->label, most = s->n * (s->row > label ? s->row : label);
        s->block = ps_cuda_memory.alloc(ps_cu_lay(s, NULL));
        rc = s->block ? ps_cuda_copier_open(most, &s->copier) : PS_ENOMEM;
        ps_cu_lay(s, s->block);
        if (rc == PS_OK) rc = build(s, spec);
    }
    s->done.cells = s->all.n;
    if (rc == PS_OK)
        *out = s;
    else
        destroy(s);
    return rc;
}

/** Take over what was counted. */
static enum ps_status finish(struct ps_dbscan *s)
{
    struct ps_cu_work work = {};
    ps_cuda_copier_get(&s->copier, &work, s->work, sizeof work);
    s->done.distances = (int64_t)work.distances;
    s->done.links = (int64_t)work.links;
    return ps_cuda_status();
}

static enum ps_status core(struct ps_dbscan *s, uint8_t *flags)
{
    if (!s->n) return PS_OK;
    ps_cu_core(s);
    ps_cuda_copier_get(&s->copier, flags, s->flags, s->own);
    return finish(s);
}

static enum ps_status connect(struct ps_dbscan *s, const uint8_t *flags, uint32_t *component,
                              uint32_t *components)
{
    *components = 0;
    if (!s->n) return PS_OK;
    ps_cuda_copier_put(&s->copier, s->flags, flags, s->n);
    enum ps_status rc = ps_cu_partition(s);
    if (rc == PS_OK) rc = ps_cu_cells_core(s);
    if (rc != PS_OK) return rc;
    const int64_t sets = ps_cu_connect(s);
    ps_cu_components(s);
    ps_cuda_copier_get(&s->copier, component, s->component, s->n * (int64_t)sizeof *component);
    s->components = *components = ps_cu_last(s, s->number, sets);
    return finish(s);
}

static enum ps_status label(struct ps_dbscan *s, const int64_t *cluster, int64_t *label)
{
    if (!s->own) return PS_OK;
    ps_cuda_copier_put(&s->copier, s->cluster, cluster, s->components * (int64_t)sizeof *cluster);
    ps_cu_label(s);
    ps_cuda_copier_get(&s->copier, label, s->label, s->own * (int64_t)sizeof *label);
    return finish(s);
}

static struct ps_dbscan_work work(const struct ps_dbscan *s)
{
    return s->done;
}

const struct ps_dbscan_kernels ps_dbscan_cu = {.name = "cuda",
                                               .fits = fits,
                                               .create = create,
                                               .core = core,
                                               .connect = connect,
                                               .label = label,
                                               .work = work,
                                               .destroy = destroy};
