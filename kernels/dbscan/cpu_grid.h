/** The grid index: cells of side eps/sqrt(d), sorted by row-major keys. */
#ifndef PS_DBSCAN_CPU_GRID_H
#define PS_DBSCAN_CPU_GRID_H

#include "kernels/dbscan/cpu_state.h"

enum { PS_GRID_MAX_DIMS = 6 };

/** How points map to keys: cell of coordinate x in dimension k is floor((x - lo[k]) * inverse) + reach,
 * shifted. */
struct ps_grid_map {
    double inverse;
    int reach, bits;
    int shift[PS_GRID_MAX_DIMS];
    double lo[PS_GRID_MAX_DIMS];
    int64_t lo_int[PS_GRID_MAX_DIMS]; /* for 64-bit integers, whose double may be another number */
};

/** Plan the grid over the points' bounding box. Local.
 * @param extent [d] length of the box
 * @return false where a key does not fit into 63 bits or there are too many dimensions: use the tree */
bool ps_grid_plan(const struct ps_dbscan *s, const double *extent, struct ps_grid_map *map);

/** Sort points into cells. Local.
 * @param spec whose points are read
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_grid_build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                             const struct ps_grid_map *map);

#endif
