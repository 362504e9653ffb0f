/** From rows of any element type to coordinates: the only place that looks at the input's type. */
#ifndef PS_DBSCAN_CPU_LOAD_H
#define PS_DBSCAN_CPU_LOAD_H

#include "kernels/dbscan/cpu_grid.h"

struct ps_dbscan_load {
    /** Bounding box: lo, hi [d] in the coordinate class's type. */
    void (*box)(const struct ps_points *p, void *lo, void *hi);
    /** Grid key of every point: key [n]. */
    void (*keys)(const struct ps_points *p, const struct ps_grid_map *map, uint64_t *key);
    /** x[k * stride + j] = coordinate k of point order[j] (point j where order is NULL). */
    void (*gather)(const struct ps_points *p, const uint32_t *order, void *x, int64_t stride);
};

/** The loops for an element type and a coordinate class; NULL where the class cannot hold the type. Local. */
const struct ps_dbscan_load *ps_dbscan_load_for(enum ps_dtype type, enum ps_coord coord);

#endif
