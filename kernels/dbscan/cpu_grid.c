#include "kernels/dbscan/cpu_grid.h"
#include "kernels/dbscan/cpu_cells.h"
#include "kernels/dbscan/cpu_load.h"
#include "kernels/radix.h"
#include <math.h>
#include <stdlib.h>

/* Cells are a little smaller than eps/sqrt(d): a point's cell is computed with a relative error of 2^-51 on
 * at most 2^31 cells, so two points of one cell are within side (1 + 2^-19) in each dimension, and their
 * distance stays below eps. */
static const double SHRINK = 1 - 1.0 / (1 << 16);
enum { MAX_CELL_BITS = 31, MAX_KEY_BITS = 63 };

bool ps_grid_plan(const struct ps_dbscan *s, const double *extent, struct ps_grid_map *map)
{
    if (s->d > PS_GRID_MAX_DIMS) return false;
    double side = s->eps / sqrt((double)s->d) * SHRINK;
    map->inverse = 1 / side;
    map->reach = (int)ceil(sqrt((double)s->d) * (1 + 1.0 / (1 << 14)));
    if (!(side > 0) || !isfinite(map->inverse)) return false;
    map->bits = 0;
    for (int k = s->d - 1; k >= 0; k--) {
        double cells = extent[k] * map->inverse;
        if (!(cells < ldexp(1, MAX_CELL_BITS) - 64)) return false;
        int bits = 1;
        while ((INT64_C(1) << bits) <= (int64_t)cells + 1 + 2 * map->reach) bits++;
        map->shift[k] = map->bits;
        map->bits += bits;
    }
    return map->bits <= MAX_KEY_BITS;
}

/** A row of cells: its offset in the dimensions but the last, as a key difference and a squared gap in cells.
 */
struct row {
    int64_t step;
    int gap;
    bool adjacent;
};

/** Row number `at` of all (2 reach + 1)^(d-1), in ascending order of keys. */
static struct row row_at(const struct ps_dbscan *s, const struct ps_grid_map *map, int at)
{
    struct row row = {0, 0, true};
    int width = 2 * map->reach + 1;
    for (int k = s->d - 2; k >= 0; k--, at /= width) {
        int offset = at % width - map->reach, away = abs(offset) > 1 ? abs(offset) - 1 : 0;
        row.step += (int64_t)((uint64_t)offset << map->shift[k]);
        row.gap += away * away;
        row.adjacent = row.adjacent && away == 0;
    }
    return row;
}

/** Rows that can hold neighbours: the gap in cells is at most sqrt(d). */
static enum ps_status plan_rows(struct ps_dbscan *s, const struct ps_grid_map *map)
{
    int all = 1;
    for (int k = 0; k < s->d - 1; k++) all *= 2 * map->reach + 1;
    int *gap = malloc((size_t)all * sizeof *gap);
    s->row_step = malloc((size_t)all * sizeof *s->row_step);
    s->row_near = malloc((size_t)all * sizeof *s->row_near);
    if (!gap || !s->row_step || !s->row_near) {
        free(gap);
        return PS_ENOMEM;
    }
    s->reach = map->reach;
    s->rows = s->rows_close = 0;
    for (int i = 0; i < all; i++) {
        struct row row = row_at(s, map, i);
        if (row.gap > s->d) continue;
        s->row_step[s->rows] = row.step;
        gap[s->rows++] = row.adjacent ? -1 : row.gap;
        s->rows_close += row.adjacent;
    }
    gap[s->rows / 2] = -2; /* the cell's own row comes first */
    int listed = 0;
    for (int want = -2; want <= s->d; want++)
        for (int r = 0; r < s->rows; r++)
            if (gap[r] == want) s->row_near[listed++] = r;
    free(gap);
    return PS_OK;
}

enum ps_status ps_grid_build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                             const struct ps_grid_map *map)
{
    const struct ps_dbscan_load *load = ps_dbscan_load_for(spec->points.type, s->coord);
    enum ps_status rc = PS_ENOMEM;
    uint64_t *key = ps_dbscan_alloc(s->n, sizeof *key);
    uint8_t *first = NULL;
    if (!key || plan_rows(s, map) != PS_OK) goto done;
    load->keys(&spec->points, map, key);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->n; i++) s->order[i] = (uint32_t)i;
    if (ps_radix_sort(key, s->order, s->n, map->bits) != PS_OK) goto done;

    first = ps_dbscan_alloc(s->n, 1);
    if (!first) goto done;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->n; i++) first[i] = i == 0 || key[i] != key[i - 1];
    if (ps_dbscan_cells_all(s, first) != PS_OK) goto done;
    s->all.key = ps_dbscan_alloc(s->all.n, sizeof *s->all.key);
    if (!s->all.key) goto done;
#pragma omp parallel for schedule(static)
    for (uint32_t c = 0; c < s->all.n; c++) s->all.key[c] = key[s->all.start[c]];
    ps_dbscan_cells_end(&s->all);
    free(key);
    key = NULL;
    s->x = ps_dbscan_alloc(s->stride * s->d, s->steps->size);
    if (!s->x) goto done;
    load->gather(&spec->points, s->order, s->x, s->stride);
    rc = PS_OK;
done:
    free(key);
    free(first);
    return rc;
}
