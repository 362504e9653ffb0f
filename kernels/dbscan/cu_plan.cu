/* Which cells a set of points has. */
#include <algorithm>
#include "kernels/dbscan/cu_ordered.h"
#include "kernels/dbscan/cu_state.h"
#include "kernels/dbscan/grid_map.h"

/** A dimension of the bounding box. */
struct side {
    int dim;
    double extent, lo;
    int64_t lo_int;
};

static struct side side_of(const struct ps_dbscan *s, const uint64_t *box, int k)
{
    const uint64_t lo = box[k], hi = box[s->d + k];
    if (s->coord == PS_COORD_I64) return {k, (double)(hi - lo), 0, ps_cu_int_of(lo)};
    return {k, ps_cu_double_of(hi) - ps_cu_double_of(lo), ps_cu_double_of(lo), 0};
}

static void put_side(struct ps_cu_map *map, int k, const struct side &side, double inverse, int shift)
{
    map->dim[k] = side.dim;
    map->lo[k] = side.lo;
    map->lo_int[k] = side.lo_int;
    map->inverse[k] = inverse;
    map->shift[k] = shift;
}

/** Cells of side eps/sqrt(d), as the cpu back end has them. @return false: not for these points */
static bool plan_tight(const struct ps_dbscan *s, double eps, const uint64_t *box, struct ps_cu_map *map,
                       struct ps_grid_map *grid)
{
    double extent[PS_CU_TIGHT_DIMS];
    if (s->d > PS_CU_TIGHT_DIMS) return false;
    for (int k = 0; k < s->d; k++) extent[k] = side_of(s, box, k).extent;
    if (!ps_grid_plan(s->d, eps, extent, grid)) return false;
    map->d = grid->d;
    map->reach = grid->reach;
    map->bits = grid->bits;
    for (int k = 0; k < s->d; k++) put_side(map, k, side_of(s, box, k), grid->inverse, grid->shift[k]);
    return true;
}

/** The dimensions in which the points spread most, by more than a cell. @return how many */
static int widest(const struct ps_dbscan *s, const uint64_t *box, double side, struct side *out)
{
    int found = 0;
    for (int k = 0; k < s->d; k++) {
        const struct side here = side_of(s, box, k);
        int at = found;
        if (!(here.extent > side) || !isfinite(here.extent)) continue;
        while (at > 0 && here.extent > out[at - 1].extent) at--;
        if (at == PS_CU_WIDE_DIMS) continue;
        found = std::min(found + 1, (int)PS_CU_WIDE_DIMS);
        for (int i = found - 1; i > at; i--) out[i] = out[i - 1];
        out[at] = here;
    }
    return found;
}

/** Cells of side eps or more. They are a little larger than eps: a point's cell is computed with an error of
 * 2^-20 cells, so neighbours are in the same cell or in adjacent ones. Without a dimension there is one cell.
 */
static void plan_wide(const struct ps_dbscan *s, double eps, const uint64_t *box, struct ps_cu_map *map,
                      struct ps_grid_map *grid)
{
    const double least = eps * (1 + 1.0 / (1 << 16));
    struct side sides[PS_CU_WIDE_DIMS];
    *grid = {};
    grid->d = ps_grid_tells(eps) ? widest(s, box, least, sides) : 0;
    grid->reach = 1;
    for (int k = grid->d - 1; k >= 0; k--) {
        const int bits = std::min(PS_GRID_KEY_BITS / grid->d, (int)PS_GRID_CELL_BITS);
        const double side = std::max(least, ldexp(sides[k].extent, 1 - bits));
        grid->shift[k] = grid->bits;
        grid->bits += ps_grid_bits(sides[k].extent / side + 1, grid->reach);
        put_side(map, k, sides[k], 1 / side, grid->shift[k]);
    }
    map->d = grid->d;
    map->reach = grid->reach;
    map->bits = grid->bits;
}

static void add(struct ps_cu_around *to, int64_t from, int64_t end)
{
    to->from[to->n] = from;
    to->to[to->n++] = end;
}

/** Cells around a cell, by rows. */
static void plan_reach(bool tight, const struct ps_grid_map *grid, struct ps_cu_reach *reach)
{
    const int rows = ps_grid_rows(grid), r = grid->d ? grid->reach : 0;
    *reach = {};
    add(&reach->all, -r, r);
    add(&reach->others, tight ? 1 : -r, r);
    if (tight) add(&reach->others, -r, -1);
    add(&reach->after, 1, r);
    add(&reach->close, 1, r);
    for (int gap = 0; gap <= grid->d; gap++) {
        for (int i = 0; i < rows; i++) {
            const struct ps_grid_row row = ps_grid_row_at(grid, i);
            const int64_t from = row.step - r, to = row.step + r;
            if (row.gap != gap || row.step == 0) continue;
            add(&reach->all, from, to);
            add(&reach->others, from, to);
            if (row.step > 0) add(&reach->after, from, to);
            if (row.step > 0 && row.adjacent) add(&reach->close, from, to);
        }
    }
}

void ps_cu_plan(struct ps_dbscan *s, const struct ps_dbscan_spec *spec, const uint64_t *box,
                struct ps_cu_map *map, struct ps_cu_reach *reach)
{
    struct ps_grid_map grid;
    *map = {};
    s->tight = spec->index != PS_INDEX_TREE && plan_tight(s, spec->eps, box, map, &grid);
    if (!s->tight) plan_wide(s, spec->eps, box, map, &grid);
    plan_reach(s->tight, &grid, reach);
}
