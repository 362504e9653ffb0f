/** The grid index: cells of side eps/sqrt(d), sorted by row-major keys. */
#ifndef PS_DBSCAN_CPU_GRID_H
#define PS_DBSCAN_CPU_GRID_H

#include "kernels/dbscan/cpu_state.h"
#include "kernels/dbscan/grid_map.h"

/** Sort points into cells. Local.
 * @param spec whose points are read
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_grid_build(struct ps_dbscan *s, const struct ps_dbscan_spec *spec,
                             const struct ps_grid_map *map);

#endif
