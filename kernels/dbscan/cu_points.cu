/* Core points of wide cells that are neighbours get into one set.
 *
 * Where many points are within epsilon of each other, looking at all pairs would cost the square of their
 * number though nearly all are in one set soon. So each point looks at a few others first. Then a large cell
 * whose points are nearly all in one set is led by one of these; those of its points that are not in its
 * leader's set, the strays, look at all points around. Who is in the leader's set leaves the cell out from
 * then on: its points are in that set, or have looked themselves. */
#include "kernels/dbscan/cu_touch.h"

static constexpr uint32_t LOOK = 256, /* places that a point looks at first */
    LED = 256,                        /* points of a cell that may have a leader */
    ROW = 3,                          /* cells of a row: wide ones reach one to each side */
    NOBODY = UINT32_MAX;
/* So many of a sample, one for each lane, are in the leader's set. */
static constexpr int AGREE = PS_CU_WARP - PS_CU_WARP / 4;

/** This lane's cells around the core point at place j. */
__device__ static struct ps_cu_range cells_of(const struct ps_cu_connecting &c, int64_t j, int lane,
                                              uint32_t *last)
{
    return ps_cells_around(c.cells, *c.around, lane, c.cells.key[c.cell[j] - 1], last);
}

/** The places of cells, after place j. */
__device__ static struct ps_cu_range places_after(const struct ps_cu_connecting &c, struct ps_cu_range cells,
                                                  int64_t j)
{
    struct ps_cu_range r = ps_places(c.cells, cells);
    if (r.lo <= j) r.lo = (uint32_t)j + 1;
    return r;
}

/** Unite the point at place j with its neighbours among the first `total` places of a walk. Places in its set
 * cost no distance. */
template <class C, int D>
__device__ static void join(const struct ps_cu_connecting &c, int64_t j, const struct ps_cu_walk &walk,
                            uint32_t total, unsigned long long *distances)
{
    constexpr int G = ps_group<D>;
    struct ps_cu_point<C, D> p;
    ps_load_point(c.space, j, p);
    PS_CU_WALK(at, G, total)
    {
        const uint32_t q = ps_walk_at<G>(walk, (uint32_t)at);
        if (at >= total || ps_find(c.set, (uint32_t)j) == ps_find(c.set, q)) continue;
        ++*distances;
        if (ps_near(c.space, p, q)) ps_unite(c.set, (uint32_t)j, q);
    }
}

/* A group takes a core point and goes through the first of those after it in the cells around. */
template <class C, int D>
static __global__ void connect_few(struct ps_cu_connecting c, struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(j, G, PS_CU_RUN, c.cores)
    {
        const struct ps_cu_walk walk = ps_walk<G>(places_after(c, cells_of(c, j, ps_lane(G), &last), j));
        join<C, D>(c, j, walk, walk.total < LOOK ? walk.total : LOOK, &distances);
    }
    ps_count<G>(work, distances, distances);
}

/* A warp takes a cell. @param leader out [cells]: a place, or NOBODY */
static __global__ void lead(struct ps_cu_connecting c, uint32_t *leader)
{
    constexpr int G = PS_CU_WARP;
    const unsigned lane = (unsigned)ps_lane(G);
    PS_CU_RUNS(cell, G, 1, c.cells.n)
    {
        const uint32_t lo = c.cells.start[cell], n = c.cells.start[cell + 1] - lo;
        uint32_t led = NOBODY;
        if (n >= LED) {
            const uint32_t place = lo + (uint32_t)((uint64_t)n * lane / G);
            const uint32_t root = ps_find(c.set, place);
            for (int i = 0; i < G; i++) {
                const bool same = ps_from<G>(root, i) == root;
                const uint32_t there = ps_from<G>(place, i);
                if (__popc(ps_ballot<G>(same)) >= AGREE) led = there;
            }
        }
        if (lane == 0) leader[cell] = led;
    }
}

template <class C, int D>
static __global__ void connect_strays(struct ps_cu_connecting c, const uint32_t *leader,
                                      struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(j, G, PS_CU_RUN, c.cores)
    {
        const uint32_t led = leader[c.cell[j] - 1];
        if (led == NOBODY || ps_joined<G>(c.set, led, (uint32_t)j)) continue;
        const struct ps_cu_walk walk = ps_walk<G>(ps_places(c.cells, cells_of(c, j, ps_lane(G), &last)));
        join<C, D>(c, j, walk, walk.total, &distances);
    }
    ps_count<G>(work, distances, distances);
}

/** Is the point at place j in the set of a cell's leader. */
__device__ static bool led_with(const struct ps_cu_connecting &c, const uint32_t *leader, uint32_t cell,
                                int64_t j)
{
    return leader[cell] != NOBODY && ps_find(c.set, leader[cell]) == ps_find(c.set, (uint32_t)j);
}

/* A group goes through all points after its own, but those of cells that it leaves out: the cells of its rows
 * at once where there is none of these, else one after the other. */
template <class C, int D>
static __global__ void connect_rest(struct ps_cu_connecting c, const uint32_t *leader,
                                    struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(j, G, PS_CU_RUN, c.cores)
    {
        const struct ps_cu_range row = cells_of(c, j, ps_lane(G), &last);
        const struct ps_cu_walk all = ps_walk<G>(places_after(c, row, j));
        if (all.total <= LOOK) continue; /* it has looked at them */
        bool out = false;
        for (uint32_t i = row.lo; i < row.hi; i++) out = out || led_with(c, leader, i, j);
        if (!ps_ballot<G>(out)) {
            join<C, D>(c, j, all, all.total, &distances);
            continue;
        }
        for (uint32_t i = row.lo; i < row.lo + ROW; i++) {
            const bool open = i < row.hi && !led_with(c, leader, i, j);
            const struct ps_cu_walk walk = ps_walk<G>(places_after(c, {i, open ? i + 1 : i}, j));
            join<C, D>(c, j, walk, walk.total, &distances);
        }
    }
    ps_count<G>(work, distances, distances);
}

void ps_cu_connect_points(const struct ps_dbscan *s, const struct ps_cu_connecting &c)
{
    ps_cu_form(s, [&]<class C, int D>() {
        const unsigned blocks = ps_run_blocks<D>(c.cores, PS_CU_RUN);
        auto *const few = connect_few<C, D>;
        auto *const strays = connect_strays<C, D>;
        auto *const rest = connect_rest<C, D>;
        PS_LAUNCH(few, blocks, PS_CU_BLOCK, 0, c, s->work);
        PS_LAUNCH(lead, ps_cu_blocks(c.cells.n * PS_CU_WARP), PS_CU_BLOCK, 0, c, s->leader);
        PS_LAUNCH(strays, blocks, PS_CU_BLOCK, 0, c, s->leader, s->work);
        PS_LAUNCH(rest, blocks, PS_CU_BLOCK, 0, c, s->leader, s->work);
    });
}
