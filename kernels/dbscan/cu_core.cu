/* Core points: neighbours are counted up to min_points.
 *
 * A group of lanes takes as many places beside each other, one after the other; its lanes look up the ranges
 * of cells around, of which each finds one, then hold candidates beside each other against the point. Points
 * of a cell share the ranges. Bound by the gathers of candidates from the caches: 4 to 8 bytes a dimension
 * and distance. */
#include "kernels/dbscan/cu_near.h"

struct counting {
    int64_t n, own, min_points;
    bool tight;
    struct ps_cu_space space;
    struct ps_cu_cells cells;
    const uint32_t *cell, *order;
    const struct ps_cu_around *around;
};

/** The cell of a lane's place, and what has been found out. */
struct place {
    uint32_t number, cell, together; /* of the point; of its cell; points of it that are surely neighbours */
    bool own, core;
};

__device__ static struct place place_at(const struct counting &c, int64_t j)
{
    struct place p = {0, 0, 0, false, false};
    if (j >= c.n) return p;
    p.number = c.order[j];
    p.cell = c.cell[j] - 1;
    p.own = p.number < c.own;
    if (c.tight) p.together = c.cells.start[p.cell + 1] - c.cells.start[p.cell];
    p.core = p.own && p.together >= c.min_points;
    return p;
}

/** Has the point at place j, of whose neighbours `found` are known, enough of them among a walk's places. */
template <class C, int D>
__device__ static bool enough(const struct counting &c, const struct ps_cu_walk &walk, int64_t j,
                              int64_t found, unsigned long long *distances)
{
    constexpr int G = ps_group<D>;
    struct ps_cu_point<C, D> p;
    if (found + walk.total < c.min_points) return false;
    ps_load_point(c.space, j, p);
    PS_CU_WALK(at, G, walk.total)
    {
        const uint32_t q = ps_walk_at<G>(walk, (uint32_t)at);
        const bool near = at < walk.total && ps_near(c.space, p, q);
        *distances += at < walk.total;
        found += __popc(ps_ballot<G>(near));
        if (found >= c.min_points) return true;
    }
    return false;
}

template <class C, int D>
static __global__ void count(struct counting c, uint8_t *flags, struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    const int lane = ps_lane(G);
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(batch, G, PS_CU_WARP / G, (c.n + G - 1) / G)
    {
        struct place mine = place_at(c, batch * G + lane);
        struct ps_cu_walk walk = {0, 0, 0};
        int64_t walked = -1; /* cell around which the walk goes */
        for (unsigned left = ps_ballot<G>(mine.own && !mine.core); left; left &= left - 1) {
            const int i = __ffs((int)left) - 1;
            const uint32_t cell = ps_from<G>(mine.cell, i), together = ps_from<G>(mine.together, i);
            if (cell != walked) {
                const uint64_t key = c.cells.key[cell];
                walk = ps_walk<G>(ps_places(c.cells, ps_cells_around(c.cells, *c.around, lane, key, &last)));
                walked = cell;
            }
            const bool core = enough<C, D>(c, walk, batch * G + i, together, &distances);
            if (lane == i) mine.core = core;
        }
        if (mine.own) flags[mine.number] = mine.core;
    }
    ps_count<G>(work, distances, 0);
}

void ps_cu_core(struct ps_dbscan *s)
{
    const struct counting c = {s->n,   s->own,  s->min_points, s->tight,         s->space,
                               s->all, s->cell, s->order,      &s->reach->others};
    ps_cu_form(s, [&]<class C, int D>() {
        auto *const kernel = count<C, D>;
        PS_LAUNCH(kernel, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, c, s->flags, s->work);
    });
}
