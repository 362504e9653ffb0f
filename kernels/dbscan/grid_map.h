/** The grid of DBSCAN: how points map to cells, and which rows of cells can hold neighbours. Shared by back
 * ends of C and of C++. */
#ifndef PS_DBSCAN_GRID_MAP_H
#define PS_DBSCAN_GRID_MAP_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { PS_GRID_MAX_DIMS = 6, PS_GRID_CELL_BITS = 31, PS_GRID_KEY_BITS = 63 };

/** How points map to keys: cell of coordinate x in dimension k is floor((x - lo[k]) * inverse) + reach,
 * shifted. */
struct ps_grid_map {
    double inverse;
    int d, reach, bits;
    int shift[PS_GRID_MAX_DIMS];
    double lo[PS_GRID_MAX_DIMS];
    int64_t lo_int[PS_GRID_MAX_DIMS]; /* for 64-bit integers, whose double may be another number */
};

/** Bits that hold a dimension's cells and their neighbours. Local. */
static inline int ps_grid_bits(double cells, int reach)
{
    int bits = 1;
    while ((INT64_C(1) << bits) <= (int64_t)cells + 1 + 2 * reach) bits++;
    return bits;
}

/** Do cells tell points apart that are no neighbours? Where eps squared is no normal number, rounding makes
 * neighbours of points farther apart than eps, or of none. Local. */
static inline bool ps_grid_tells(double eps)
{
    return isnormal(eps * eps);
}

/** Plan the grid of cells of side eps/sqrt(d), all points of which are neighbours, over the points' bounding
 * box. Local.
 *
 * Cells are a little smaller than that: a point's cell is computed with a relative error of 2^-51 on at most
 * 2^31 cells, so two points of one cell are within side (1 + 2^-19) in each dimension, and their distance
 * stays below eps.
 * @param extent [d] length of the box
 * @return false where cells do not tell, a key does not fit into 63 bits, or there are too many dimensions */
static inline bool ps_grid_plan(int d, double eps, const double *extent, struct ps_grid_map *map)
{
    if (d > PS_GRID_MAX_DIMS || !ps_grid_tells(eps)) return false;
    const double side = eps / sqrt((double)d) * (1 - 1.0 / (1 << 16));
    map->d = d;
    map->inverse = 1 / side;
    map->reach = (int)ceil(sqrt((double)d) * (1 + 1.0 / (1 << 14)));
    if (!(side > 0) || !isfinite(map->inverse)) return false;
    map->bits = 0;
    for (int k = d - 1; k >= 0; k--) {
        const double cells = extent[k] * map->inverse;
        if (!(cells < ldexp(1, PS_GRID_CELL_BITS) - 64)) return false;
        map->shift[k] = map->bits;
        map->bits += ps_grid_bits(cells, map->reach);
    }
    return map->bits <= PS_GRID_KEY_BITS;
}

/** A row of cells: its offset in the dimensions but the last, as a key difference and a squared gap in cells.
 */
struct ps_grid_row {
    int64_t step;
    int gap;
    bool adjacent;
};

/** All rows that a key's neighbourhood touches: (2 reach + 1)^(d-1). Local. */
static inline int ps_grid_rows(const struct ps_grid_map *map)
{
    int all = 1;
    for (int k = 0; k < map->d - 1; k++) all *= 2 * map->reach + 1;
    return all;
}

/** Row number `at` of them, in ascending order of keys. It can hold neighbours where its gap is at most d.
 * Local. */
static inline struct ps_grid_row ps_grid_row_at(const struct ps_grid_map *map, int at)
{
    struct ps_grid_row row = {0, 0, true};
    const int width = 2 * map->reach + 1;
    for (int k = map->d - 2; k >= 0; k--, at /= width) {
        const int offset = at % width - map->reach, away = abs(offset) > 1 ? abs(offset) - 1 : 0;
        row.step += (int64_t)((uint64_t)offset << map->shift[k]);
        row.gap += away * away;
        row.adjacent = row.adjacent && away == 0;
    }
    return row;
}

#endif
