/** The CUDA back end's index: points in cell order, one array per coordinate, on the device.
 *
 * Cells are of one of two kinds. Tight ones (side eps/sqrt(d)) hold points that are all neighbours: their
 * core points are of one component, so that components are sets of cells. Wide ones (side eps or more, of the
 * dimensions in which the points spread most) hold points whose neighbours lie in the cells around; there
 * components are sets of points. Numbers of cells on the device count from 1, as sums along marks give them.
 */
#ifndef PS_DBSCAN_CU_STATE_H
#define PS_DBSCAN_CU_STATE_H

#include "kernels/cuda_copy.h"
#include "kernels/cuda_sort.h"
#include "kernels/dbscan/coord.h"
#include "kernels/dbscan/dbscan_kernels.h"

enum {
    PS_CU_TIGHT_DIMS = 3, /* 25 rows of 5 cells; in 4 dimensions 343 rows of 7 */
    PS_CU_WIDE_DIMS = 4,  /* 27 rows of 3 cells */
    PS_CU_RANGES = 32,    /* at most: one for each lane of a warp */
    PS_CU_BLOCK = 256
};

/** How points map to keys: like struct ps_grid_map, of some dimensions, each with a side of its own. */
struct ps_cu_map {
    int d, reach, bits;
    int dim[PS_CU_WIDE_DIMS], shift[PS_CU_WIDE_DIMS];
    double inverse[PS_CU_WIDE_DIMS], lo[PS_CU_WIDE_DIMS];
    int64_t lo_int[PS_CU_WIDE_DIMS];
};

/** Cells around a cell that can hold neighbours: those whose key differs by from[i] to to[i], nearest first.
 */
struct ps_cu_around {
    int n;
    int64_t from[PS_CU_RANGES], to[PS_CU_RANGES];
};

/** Which cells to look at, on the device: all; without a tight cell itself, whose points are neighbours;
 * those after it; of these the closest. */
struct ps_cu_reach {
    struct ps_cu_around all, others, after, close;
};

/** Cells in the order of their keys; the places of cell c are [start[c], start[c + 1]). */
struct ps_cu_cells {
    int64_t n;
    uint64_t *key;   /* [n] */
    uint32_t *start; /* [n + 1] */
};

/** What distances need. */
struct ps_cu_space {
    int d;
    int64_t stride;
    const void *x; /* [d][stride], of the class of coordinates */
    struct ps_eps2 eps2;
};

/** Counted on the device. */
struct ps_cu_work {
    unsigned long long distances, links;
};

/** Pairs of cells that are put off. */
struct ps_cu_later {
    uint32_t *n;
    uint2 *pair;
};

/** One cell of such a pair has more than PS_CU_LARGE points, so there are few; around a cell are up to 124.
 */
enum { PS_CU_LARGE = 256, PS_CU_MOST_AROUND = 124 };
static inline int64_t ps_cu_most_later(int64_t cores)
{
    return cores / PS_CU_LARGE * PS_CU_MOST_AROUND;
}

struct ps_dbscan {
    int64_t n, own, min_points, cores;
    int64_t row; /* bytes of a row of the input */
    int d;
    enum ps_coord coord;
    bool tight;
    struct ps_cu_space space;
    struct ps_cuda_copier copier;
    struct ps_dbscan_work done;

    /* arrays of the device lie in one block (ps_cu_lay) */
    void *block;
    struct ps_cuda_room room;
    struct ps_cu_reach *reach;
    struct ps_cu_work *work;
    uint64_t *box;          /* [2][d] */
    void *x;                /* [d + 1][stride]: that of `space`, with room for a dimension */
    uint32_t *order;        /* [n] place -> point number */
    uint32_t *cell;         /* [n] place -> number of its cell in `all`, from 1 */
    uint32_t *spare;        /* [n] */
    uint64_t *key;          /* [n] of places, up to the cells */
    struct ps_cu_cells all; /* from connect on without `start` */
    void *rows;             /* as given, up to the cells */
    uint8_t *flags;         /* [n] of points: core */
    uint32_t *rank;         /* [n] of places: core points up to it */

    /* from connect on: core points come first, each part in cell order */
    struct ps_cu_cells core_cells;
    uint32_t *core_cell; /* [cores] place -> number of its cell in `core_cells`, from 1 */
    uint32_t *set;       /* of each core cell where tight, else of each core point: the component */
    struct ps_cu_later later;
    uint32_t *leader;    /* of each core cell where not tight: a place, or UINT32_MAX */
    uint32_t *number;    /* of each set: components that begin up to it */
    uint32_t *component; /* [n] of points */
    int64_t components;
    int64_t *cluster; /* [components] */
    int64_t *label;   /* [own] of points */
};

/** Blocks for n threads: they go on to other elements. */
static inline unsigned ps_cu_blocks(int64_t n)
{
    const int64_t blocks = (n + PS_CU_BLOCK - 1) / PS_CU_BLOCK, most = 64 * (int64_t)ps_cuda_processors();
    return (unsigned)(blocks < most ? blocks : most);
}

/** The elements of a thread. */
#define PS_CU_EACH(i, n)                                             \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, \
                 ps_step = (int64_t)gridDim.x * blockDim.x;          \
         i < (n); i += ps_step)

/* --- steps; all enqueue work and return, unless they say otherwise --- */

/** Bytes of an element of the input; of a coordinate. Local. */
int64_t ps_cu_element(enum ps_dtype type);
static inline int64_t ps_cu_coordinate(enum ps_coord coord)
{
    return coord == PS_COORD_F32 ? 4 : 8;
}
/** Bounding box of rows on the device: box [2][d], numbers that are ordered as coordinates are
 * (ps_cu_ordered). */
void ps_cu_box(const struct ps_points *rows, uint64_t *box);
/** Key of every point, and its number. */
void ps_cu_keys(const struct ps_points *rows, const struct ps_cu_map *map, uint64_t *key, uint32_t *order);
/** s->x from the rows, in the order of s->order. */
void ps_cu_gather(const struct ps_dbscan *s, const struct ps_points *rows);

/** Choose cells from the box; sets s->tight. Local. @param box [2][d] on the host */
void ps_cu_plan(struct ps_dbscan *s, const struct ps_dbscan_spec *spec, const uint64_t *box,
                struct ps_cu_map *map, struct ps_cu_reach *reach);

/** Set where arrays of s are, from its sizes. Local. @param block their memory, or NULL: they are only
 * counted @return bytes */
int64_t ps_cu_lay(struct ps_dbscan *s, void *block);
/** The last of n sums along an array on the device, or 0. Waits for it. */
uint32_t ps_cu_last(struct ps_dbscan *s, const uint32_t *sums, int64_t n);

/** Cells of sorted keys; those of them that core points are in. Wait for the device. @return PS_OK; what
 * failed there */
enum ps_status ps_cu_cells_all(struct ps_dbscan *s);
enum ps_status ps_cu_cells_core(struct ps_dbscan *s);
/** Core points first, by s->flags. Waits for the device. */
enum ps_status ps_cu_partition(struct ps_dbscan *s);

/** s->flags of own points. */
void ps_cu_core(struct ps_dbscan *s);
/** s->set: components, numbered by their first members. @return how many sets there are: the last of
 * s->number says how many components */
int64_t ps_cu_connect(struct ps_dbscan *s);
/** s->component. */
void ps_cu_components(const struct ps_dbscan *s);
/** s->label from s->cluster. */
void ps_cu_label(const struct ps_dbscan *s);

#endif
