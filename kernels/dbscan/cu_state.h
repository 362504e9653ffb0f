/** The CUDA back end's index: points in cell order, one array per coordinate, on the device.
 *
 * Cells are of one of two kinds. Tight ones (side eps/sqrt(d)) hold points that are all neighbours: their
 * core points are of one component, so that components are sets of cells. Wide ones (side eps or more, of the
 * dimensions in which the points spread most) hold points whose neighbours lie in the cells around; there
 * components are sets of points. Numbers of cells on the device count from 1, as sums along marks give them.
 */
#ifndef PS_DBSCAN_CU_STATE_H
#define PS_DBSCAN_CU_STATE_H

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

struct ps_dbscan {
    int64_t n, own, min_points, cores;
    int d;
    enum ps_coord coord;
    bool tight;
    struct ps_cu_space space;
    void *x;         /* [d + 1][stride]: that of `space`, with room for a dimension */
    uint32_t *order; /* [n] place -> point number */
    uint32_t *cell;  /* [n] place -> number of its cell in `all`, from 1 */
    struct ps_cu_cells all;
    struct ps_cu_reach *reach;

    /* from connect on: core points come first, each part in cell order */
    struct ps_cu_cells core_cells;
    uint32_t *core_cell; /* [cores] place -> number of its cell in `core_cells`, from 1 */
    int64_t components;
    uint32_t *set; /* of each core cell where tight, else of each core point: the component */

    struct ps_cu_work *work; /* on the device */
    struct ps_dbscan_work done;
};

/** Room for n elements (for one, if n = 0). @return false: no memory */
template <class T> static inline bool ps_cu_take(T **out, int64_t n)
{
    *out = (T *)ps_cuda_memory.alloc((n + (n == 0)) * (int64_t)sizeof(T));
    return *out != NULL;
}

template <class T> static inline void ps_cu_drop(T **memory)
{
    ps_cuda_memory.free(*memory);
    *memory = NULL;
}

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

/** Bytes of an element of the input. Local. */
int64_t ps_cu_element(enum ps_dtype type);
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

/** Cells of sorted keys; those of them that core points are in. Wait for the device. @param number out: of
 * each place, its cell's, from 1 @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_cu_cells_all(const uint64_t *key, int64_t n, uint32_t *number, struct ps_cu_cells *out);
enum ps_status ps_cu_cells_core(struct ps_dbscan *s);
/** Core points first. Waits for the device. @param flags [n] of each point, on the device */
enum ps_status ps_cu_partition(struct ps_dbscan *s, const uint8_t *flags);

/** Core flags of own points. @param flags out [n] of each point, on the device */
void ps_cu_core(struct ps_dbscan *s, uint8_t *flags);
/** s->set: components, numbered by their first members. Waits for the device. */
enum ps_status ps_cu_connect(struct ps_dbscan *s, uint32_t *components);
/** @param component out [n] of each point, on the device */
void ps_cu_components(const struct ps_dbscan *s, uint32_t *component);
/** @param cluster [components] @param label out [own], both on the device */
void ps_cu_label(const struct ps_dbscan *s, const int64_t *cluster, int64_t *label);

#endif
