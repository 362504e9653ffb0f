/** Which cells can hold neighbours of a cell's points: ranges of cell numbers. One object per thread. */
#ifndef PS_DBSCAN_CPU_NEAR_H
#define PS_DBSCAN_CPU_NEAR_H

#include "kernels/dbscan/cpu_state.h"

struct ps_near {
    const struct ps_cells *in; /* the cells to be found; borrowed */
    struct ps_range32 *list;   /* owned */
    int64_t n, room;
    int64_t limit; /* tree: ranges after which a list is long enough */
    uint32_t *left,
        *right; /* [rows], grid: first cell within the reach, and first beyond it; they move forward only */
    void *box;  /* [4][d] of the coordinate class: a box's lo and hi, a point */
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

/** Grid: move the cursors to the cell with this key, on adjacent rows only where `close`. Local. @return
 * cells within the reach */
int64_t ps_near_grid_move(const struct ps_dbscan *s, struct ps_near *near, uint64_t key, bool close);

/** Grid: points of these cells, the asking cell's own among them; for the list of all cells. Local. */
int64_t ps_near_grid_points(const struct ps_dbscan *s, const struct ps_near *near);

/** Grid: list these cells, nearest rows first. Local.
 * @param self   number of the asking cell, left out; PS_NEAR_NONE: nothing is
 * @param after  only cells beyond `self`
 * @param close  only adjacent rows */
void ps_near_grid_list(const struct ps_dbscan *s, struct ps_near *near, uint32_t self, bool after,
                       bool close);

#endif
