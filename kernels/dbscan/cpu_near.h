/** Which cells can hold neighbours of a cell's points: ranges of cell numbers. One object per thread. */
#ifndef PS_DBSCAN_CPU_NEAR_H
#define PS_DBSCAN_CPU_NEAR_H

#include "kernels/dbscan/cpu_state.h"

struct ps_near {
    const struct ps_cells *in;  /* the cells to be found; borrowed */
    struct ps_cell_range *list; /* owned */
    int64_t n, room;
    uint32_t *cursor; /* [rows], grid: first cell not left of the reach; moves forward only */
    void *box;        /* [4][d] of the coordinate class: a box's lo and hi, a point */
    int64_t distances, links;
    bool failed; /* no memory for the list */
};

/** What to leave out of a list. */
enum { PS_NEAR_NONE = UINT32_MAX };

enum ps_status ps_near_make(const struct ps_dbscan *s, const struct ps_cells *in, struct ps_near *near);
void ps_near_free(struct ps_near *near);

/** Append cells [lo, hi), joined to the last range where they follow it. */
void ps_near_add(struct ps_near *near, uint32_t lo, uint32_t hi);

/** Grid: set the rows' cursors for a walk over ascending keys from `key`. Local. */
void ps_near_grid_begin(const struct ps_dbscan *s, struct ps_near *near, uint64_t key);

/** Grid: list the cells around the cell with this key, nearest rows first. Local.
 * @param self   number of that cell in the list, left out; PS_NEAR_NONE: nothing is
 * @param after  only cells beyond `self`
 * @param close  only adjacent rows */
void ps_near_grid(const struct ps_dbscan *s, struct ps_near *near, uint64_t key, uint32_t self, bool after,
                  bool close);

#endif
