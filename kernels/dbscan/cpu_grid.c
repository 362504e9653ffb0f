#include "kernels/dbscan/cpu_grid.h"
#include "kernels/dbscan/cpu_cells.h"
#include "kernels/dbscan/cpu_load.h"
#include "kernels/radix.h"
#include <stdlib.h>

/** Rows that can hold neighbours: the gap in cells is at most sqrt(d). */
static enum ps_status plan_rows(struct ps_dbscan *s, const struct ps_grid_map *map)
{
    const int all = ps_grid_rows(map);
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
        const struct ps_grid_row row = ps_grid_row_at(map, i);
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
