/* The table of the CUDA back end: copies and the order of the steps. */
#include "kernels/dbscan/cu.h"
#include <stdlib.h>
#include "kernels/dbscan/cu_state.h"

static const struct ps_device_memory *const device = &ps_cuda_memory;

/* Bytes of a point besides its coordinates, twice (rows as given, and in cell order), at most: order, cell
 * and the list of cells are 20; a label, its cluster, its component, core cells and their sets 40. Sorting
 * wants less, 24, and CUB's own few MB. */
static const int64_t OTHER_BYTES = 64, RESERVE = INT64_C(64) << 20;

static int64_t coordinate_size(enum ps_coord coord)
{
    return coord == PS_COORD_F32 ? 4 : 8;
}

static int64_t fits(const struct ps_dbscan_spec *spec)
{
    const enum ps_dtype type = spec->points.type;
    const int64_t d = spec->points.d, size = coordinate_size(ps_coord_of(type, spec->eps));
    const int64_t each = (d + 1) * size + d * ps_cu_element(type) + OTHER_BYTES;
    const int64_t most = (spec->memory - RESERVE) / each;
    return most < 0 ? 0 : most < UINT32_MAX - 1 ? most : (int64_t)UINT32_MAX - 1;
}

static void destroy(struct ps_dbscan *s)
{
    if (!s) return;
    for (void *memory : {s->x, (void *)s->order, (void *)s->cell, (void *)s->all.key, (void *)s->all.start,
                         (void *)s->reach, (void *)s->core_cells.key, (void *)s->core_cells.start,
                         (void *)s->core_cell, (void *)s->set, (void *)s->work})
        device->free(memory);
    free(s);
}

/** What went wrong first: no memory, or what the device says. Waits for it. */
static enum ps_status settle(enum ps_status rc)
{
    const enum ps_status said = device->wait();
    return rc != PS_OK ? rc : said;
}

/** Numbers of points in the order of their keys, and cells. */
static enum ps_status sort_points(struct ps_dbscan *s, const struct ps_points *rows,
                                  const struct ps_cu_map *map)
{
    struct ps_cuda_pair<uint64_t> key = {
    };
    struct ps_cuda_pair<uint32_t> order = {
    };
    enum ps_status rc = PS_ENOMEM;
    if (ps_cu_take(&key.now, s->n) && ps_cu_take(&key.other, s->n) && ps_cu_take(&order.now, s->n) &&
        ps_cu_take(&order.other, s->n)) {
        ps_cu_keys(rows, map, key.now, order.now);
        if (map->bits == 0 || ps_cuda_sort(&key, &order, s->n, map->bits)) rc = PS_OK;
        ps_cu_drop(&key.other);
        if (rc == PS_OK) rc = ps_cu_cells_all(key.now, s->n, order.other, &s->all);
    }
    s->order = order.now;
    s->cell = order.other;
    device->free(key.now);
    device->free(key.other);
    return rc;
}

/** The box of rows on the device, and from it where cells are. */
static enum ps_status plan(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                           const struct ps_points *rows, struct ps_cu_map *map, struct ps_cu_reach *reach)
{
    const int64_t bytes = 2 * (int64_t)s->d * (int64_t)sizeof(uint64_t);
    uint64_t *const here = (uint64_t *)malloc((size_t)bytes), *const box = (uint64_t *)device->alloc(bytes);
    enum ps_status rc = PS_ENOMEM;
    if (here && box) {
        ps_cu_box(rows, box);
        device->get(here, box, bytes);
        rc = device->wait();
        if (rc == PS_OK) ps_cu_plan(s, spec, here, map, reach);
    }
    device->free(box);
    free(here);
    return rc;
}

/** From rows on the device. */
static enum ps_status build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                            const struct ps_points *rows)
{
    struct ps_cu_map map;
    struct ps_cu_reach reach;
    enum ps_status rc = plan(s, spec, rows, &map, &reach);
    if (rc == PS_OK) rc = sort_points(s, rows, &map);
    if (rc != PS_OK) return rc;
    const int64_t bytes = s->space.stride * coordinate_size(s->coord);
    s->x = device->alloc((s->d + 1) * bytes);
    if (!s->x || !ps_cu_take(&s->reach, 1) || !ps_cu_take(&s->work, 1)) return PS_ENOMEM;
    s->space.x = (char *)s->x + bytes;
    ps_cu_gather(s, rows);
    device->put(s->reach, &reach, sizeof reach);
    PS_CU(cudaMemsetAsync(s->work, 0, sizeof *s->work, ps_cuda_stream()));
    return settle(PS_OK);
}

static enum ps_status create(const struct ps_dbscan_spec *spec, struct ps_dbscan **out)
{
    struct ps_points rows = spec->points;
    const int64_t bytes = rows.n * rows.d * ps_cu_element(rows.type);
    struct ps_dbscan *const s = (struct ps_dbscan *)calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return PS_ENOMEM;
    s->n = rows.n;
    s->own = spec->own;
    s->d = rows.d;
    s->min_points = spec->min_points;
    s->coord = ps_coord_of(rows.type, spec->eps);
    s->space = {s->d, s->n, NULL, ps_eps2_of(s->coord, s->d, spec->eps)};
    enum ps_status rc = PS_OK;
    if (s->n > 0) {
        void *const there = device->alloc(bytes);
        rc = there ? PS_OK : PS_ENOMEM;
        if (there) device->put(there, rows.data, bytes);
        rows.data = there;
        if (rc == PS_OK) rc = build(s, spec, &rows);
        device->free(there);
    }
    s->done.cells = s->all.n;
    if (rc == PS_OK)
        *out = s;
    else
        destroy(s);
    return rc;
}

/** Take over what was counted, and wait. */
static enum ps_status finish(struct ps_dbscan *s, enum ps_status rc)
{
    struct ps_cu_work work = {};
    device->get(&work, s->work, sizeof work);
    rc = settle(rc);
    s->done.distances = (int64_t)work.distances;
    s->done.links = (int64_t)work.links;
    return rc;
}

static enum ps_status core(struct ps_dbscan *s, uint8_t *flags)
{
    uint8_t *there;
    if (!s->n) return PS_OK;
    if (!ps_cu_take(&there, s->n)) return PS_ENOMEM;
    ps_cu_core(s, there);
    if (s->own) device->get(flags, there, s->own);
    const enum ps_status rc = finish(s, PS_OK);
    device->free(there);
    return rc;
}

static enum ps_status connect(struct ps_dbscan *s, const uint8_t *flags, uint32_t *component,
                              uint32_t *components)
{
    uint8_t *there;
    uint32_t *numbers;
    *components = 0;
    if (!s->n) return PS_OK;
    if (!ps_cu_take(&there, s->n)) return PS_ENOMEM;
    device->put(there, flags, s->n);
    enum ps_status rc = ps_cu_partition(s, there);
    device->free(there);
    ps_cu_drop(&s->all.start);
    if (rc == PS_OK) rc = ps_cu_cells_core(s);
    if (rc == PS_OK) rc = ps_cu_connect(s, components);
    s->components = *components;
    if (rc != PS_OK) return rc;
    if (!ps_cu_take(&numbers, s->n)) return PS_ENOMEM;
    ps_cu_components(s, numbers);
    device->get(component, numbers, s->n * (int64_t)sizeof *numbers);
    rc = finish(s, PS_OK);
    device->free(numbers);
    return rc;
}

static enum ps_status label(struct ps_dbscan *s, const int64_t *cluster, int64_t *label)
{
    int64_t *numbers = NULL, *there = NULL;
    enum ps_status rc = PS_ENOMEM;
    if (!s->own) return PS_OK;
    if (ps_cu_take(&numbers, s->components) && ps_cu_take(&there, s->own)) {
        if (s->components) device->put(numbers, cluster, s->components * (int64_t)sizeof *numbers);
        ps_cu_label(s, numbers, there);
        device->get(label, there, s->own * (int64_t)sizeof *there);
        rc = finish(s, PS_OK);
    }
    device->free(numbers);
    device->free(there);
    return rc;
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
