/** Which cells can hold neighbours of a cell's points: ranges of cell numbers. One object per thread. */
#ifndef PS_DBSCAN_CPU_NEAR_H
#define PS_DBSCAN_CPU_NEAR_H

#include "kernels/dbscan/cpu_state.h"

struct ps_near {
    struct ps_cells *list; /* owned */
    int64_t n, room;
    uint32_t *cursor; /* [rows], grid: first cell not left of the reach; moves forward only */
    uint32_t self;    /* tree: the cell that asks, left out of the list */
    void *box;        /* [4][d] two boxes of the coordinate class: lo, hi, and a point's coordinates */
    int64_t distances, links;
    bool failed; /* no memory for the list */
};

enum ps_status ps_near_make(const struct ps_dbscan *s, struct ps_near *near);
void ps_near_free(struct ps_near *near);

/** Append cells [lo, hi), joined to the last range where they follow it. */
void ps_near_add(struct ps_near *near, uint32_t lo, uint32_t hi);

/** Grid: set the rows' cursors for a walk over ascending cells from `cell`. Local. */
void ps_near_grid_begin(const struct ps_dbscan *s, struct ps_near *near, uint32_t cell);

/** Grid: list the cells around `cell`, nearest rows first, without itself. `after`: only cells beyond it.
 * `close`: only adjacent rows. Local. */
void ps_near_grid(const struct ps_dbscan *s, struct ps_near *near, uint32_t cell, bool after, bool close);

#endif
