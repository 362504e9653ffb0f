/* Core points: neighbours are counted up to min_points.
 *
 * A group of lanes takes as many places beside each other, one after the other; its lanes look up the ranges
 * of cells around, of which each finds one, then hold candidates beside each other against the point. Points
 * of a cell share the ranges. Bound by the gathers of candidates from the caches: 4 to 8 bytes a dimension
 * and distance. */
#include "kernels/dbscan/cu_near.h"

/* Candidates that a group holds against a point; where that does not tell, a warp takes the point alone, so
 * that the few that lie beside a crowd do not wait for each other. */
static constexpr uint32_t GLANCE = 4096;

/** What is known of a point; the first two are its flag. */
enum known : uint8_t { NOT_CORE, CORE, PUT_OFF };

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
    bool own;
    enum known known;
};

__device__ static struct place place_at(const struct counting &c, int64_t j)
{
    struct place p = {0, 0, 0, false, NOT_CORE};
    if (j >= c.n) return p;
    p.number = c.order[j];
    p.cell = c.cell[j] - 1;
    p.own = p.number < c.own;
    if (c.tight) p.together = c.cells.start[p.cell + 1] - c.cells.start[p.cell];
    if (p.own && p.together >= c.min_points) p.known = CORE;
    return p;
}

/** Has the point at place j, of whose neighbours `found` are known, enough of them among the first `most` of
 * a walk's places. */
template <class C, int D, int G>
__device__ static enum known enough(const struct counting &c, const struct ps_cu_walk &walk, int64_t j,
                                    int64_t found, uint32_t most, unsigned long long *distances)
{
    struct ps_cu_point<C, D> p;
    if (found + walk.total < c.min_points) return NOT_CORE;
    ps_load_point(c.space, j, p);
    PS_CU_WALK(at, G, walk.total < most ? walk.total : most)
    {
        const uint32_t q = ps_walk_at<G>(walk, (uint32_t)at);
        const bool near = at < walk.total && ps_near(c.space, p, q);
        *distances += at < walk.total;
        found += __popc(ps_ballot<G>(near));
        if (found >= c.min_points) return CORE;
    }
    return walk.total > most ? PUT_OFF : NOT_CORE;
}

/** The places of the cells around a cell, by all lanes. */
template <int G>
__device__ static struct ps_cu_walk walk_around(const struct counting &c, uint32_t cell, uint32_t *last)
{
    return ps_walk<G>(
        ps_places(c.cells, ps_cells_around(c.cells, *c.around, ps_lane(G), c.cells.key[cell], last)));
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
        for (unsigned left = ps_ballot<G>(mine.own && mine.known == NOT_CORE); left; left &= left - 1) {
            const int i = __ffs((int)left) - 1;
            const uint32_t cell = ps_from<G>(mine.cell, i), together = ps_from<G>(mine.together, i);
            if (cell != walked) {
                walk = walk_around<G>(c, cell, &last);
                walked = cell;
            }
            const enum known known = enough<C, D, G>(c, walk, batch * G + i, together, GLANCE, &distances);
            if (lane == i) mine.known = known;
        }
        if (mine.own) flags[mine.number] = mine.known;
    }
    ps_count<G>(work, distances, 0);
}

/* A warp takes a place that was put off. */
template <class C, int D>
static __global__ void count_on(struct counting c, uint8_t *flags, struct ps_cu_work *work)
{
    constexpr int G = PS_CU_WARP;
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(j, G, 1, c.n)
    {
        const uint32_t number = c.order[j];
        if (number >= c.own || ps_from<G>(ps_lane(G) == 0 ? flags[number] : 0, 0) != PUT_OFF) continue;
        const struct place p = place_at(c, j);
        const enum known known =
            enough<C, D, G>(c, walk_around<G>(c, p.cell, &last), j, p.together, UINT32_MAX, &distances);
        if (ps_lane(G) == 0) flags[number] = known;
    }
    ps_count<G>(work, distances, 0);
}

void ps_cu_core(struct ps_dbscan *s)
{
    const struct counting c = {s->n,   s->own,  s->min_points, s->tight,         s->space,
                               s->all, s->cell, s->order,      &s->reach->others};
    ps_cu_form(s, [&]<class C, int D>() {
        auto *const first = count<C, D>;
        auto *const on = count_on<C, D>;
        PS_LAUNCH(first, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, c, s->flags, s->work);
        PS_LAUNCH(on, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, c, s->flags, s->work);
    });
}
