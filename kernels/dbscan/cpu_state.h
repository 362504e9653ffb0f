/** The cpu back end's index: points in cell order, one array per coordinate, and the cells they form.
 *
 * A cell is a set of points that are all within eps of each other. Grid cells have side eps/sqrt(d); tree
 * cells are leaves of a k-d tree that is split until the diagonal is at most eps. Cells are numbered in the
 * order of their points. */
#ifndef PS_DBSCAN_CPU_STATE_H
#define PS_DBSCAN_CPU_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include "kernels/dbscan/coord.h"
#include "kernels/dbscan/dbscan_kernels.h"

enum { PS_BOX_FAN = 16, PS_BOX_LEVELS = 9, PS_PAD = 16 };

/** Pairs of points that two cells may cost before their extents are looked at. */
enum { PS_TOUCH_PLAIN = 8192 };

/** A list of cells in cell order. */
struct ps_cells {
    uint32_t n;
    uint32_t *start, *end; /* [n] first place, and the place after the last */
    uint64_t *key;         /* [n] grid only: packed cell coordinates, row-major */
    uint8_t *has_own;      /* [n], or NULL where every point is an own one */
};

/** A half-open range of cells in a list, or of places. */
struct ps_range32 {
    uint32_t lo, hi;
};

/** One level of a hierarchy of bounding boxes; box i of level 0 is that of cell i, box i of level l+1 covers
 * boxes [16 i, 16 i + 16) of level l. lo and hi are [d][stride] in the coordinate class's type. */
struct ps_box_level {
    int64_t n, stride;
    void *lo, *hi;
    uint32_t *root; /* [n] a cell of the one set that all cells of the box belong to, or PS_MIXED; NULL: not
                       known */
};

enum { PS_MIXED = UINT32_MAX };

struct ps_dbscan {
    int64_t n, own;
    int d;
    double eps, eps2;
    float eps2_in, eps2_maybe; /* single precision: surely a neighbour; possibly one */
    int64_t min_points;

    enum ps_coord coord;
    const struct ps_dbscan_steps *steps;
    void *x; /* [d][stride], cell order; padded so that a vector may be read past the end */
    int64_t stride;
    uint32_t *order; /* [n] place in cell order -> point number */

    uint8_t *is_core; /* [n] in cell order */
    struct ps_cells all;
    uint32_t *starts;      /* [all.n + 1] the memory of all.start and all.end */
    struct ps_cells cores; /* cells with core points and these points only, which come first in their cells;
                              made by connect */
    uint32_t *parent;      /* [cores.n] union-find; after connect: component number */

    /* grid only: how to step from a cell to the rows around it */
    int rows;          /* rows of cells that can hold neighbours; the cell's own row is rows/2 */
    int64_t *row_step; /* [rows] difference of keys, ascending */
    int *row_near;     /* [rows] row numbers, nearest first */
    int rows_close;    /* how many of these are adjacent to the cell's own row */
    int reach;         /* cells to the left and right within a row */

    /* boxes of the cells that are searched: of `all` for core points (tree only), then of `cores` */
    int levels;
    struct ps_box_level level[PS_BOX_LEVELS];

    struct ps_dbscan_work work;
};

/** What depends on how coordinates are held. */
struct ps_dbscan_steps {
    size_t size;                                 /* of a coordinate */
    enum ps_status (*tree)(struct ps_dbscan *s); /* order s->x and s->order into cells */
    enum ps_status (*core)(struct ps_dbscan *s);
    void (*cores_first)(struct ps_dbscan *s,
                        uint32_t *end); /* reorder cells: core points first; end [all.n] */
    enum ps_status (*connect)(struct ps_dbscan *s);
    enum ps_status (*label)(struct ps_dbscan *s, const int64_t *cluster, int64_t *label);
};

extern const struct ps_dbscan_steps ps_dbscan_steps_f32, ps_dbscan_steps_f64, ps_dbscan_steps_i64;

/** Allocate with room for a vector past the end, or NULL. Local. */
void *ps_dbscan_alloc(int64_t n, size_t size);
void ps_dbscan_boxes_free(struct ps_dbscan *s);

#endif
