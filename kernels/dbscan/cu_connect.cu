/* Core points that are neighbours get into one set; of tight cells, whose core points are in one, the cells.
 */
#include "kernels/dbscan/cu_touch.h"

/* Pairs of points of two cells that the first pass looks at; from which on a pair of cells is put off. */
static constexpr int64_t FEW_PAIRS = 8192, MANY_PAIRS = 65536;

/* Groups take parts of a pair that is put off: so many, of at least so many points. */
static constexpr int64_t PARTS = 2048, PART = 64;
static_assert((int64_t)PS_CU_LARGE * PS_CU_LARGE <= MANY_PAIRS,
              "one cell of a pair that is put off is large");

__device__ static struct ps_cu_range points_of(const struct ps_cu_cells &cells, uint32_t c)
{
    return {cells.start[c], cells.start[c + 1]};
}

/** Do cells a and b touch. In the first pass a no may be wrong; in the second it is where the pair is put
 * off. */
template <class C, int D>
__device__ static bool touch(const struct ps_cu_connecting &c, uint32_t a, uint32_t b, bool first,
                             struct ps_cu_later later, unsigned long long *distances)
{
    const struct ps_cu_range x = points_of(c.cells, a), y = points_of(c.cells, b);
    const int64_t pairs = (int64_t)(x.hi - x.lo) * (y.hi - y.lo), few = pairs < FEW_PAIRS ? pairs : FEW_PAIRS;
    if (first || pairs <= MANY_PAIRS) {
        const int64_t look = first ? few : pairs;
        return x.hi - x.lo < y.hi - y.lo ? ps_pairs_touch<C, D>(c.space, x, y, look, distances)
                                         : ps_pairs_touch<C, D>(c.space, y, x, look, distances);
    }
    if (ps_lane(ps_group<D>) == 0) later.pair[atomicAdd(later.n, 1u)] = {a, b};
    return false;
}

/* A group takes a cell and goes through those after it that are not in its set yet. The first pass looks at
 * close cells, and not long at any: it connects most, so that the second finds most pairs connected. */
template <class C, int D>
static __global__ void connect_cells(struct ps_cu_connecting c, bool first, struct ps_cu_later later,
                                     struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    const int lane = ps_lane(G);
    unsigned long long distances = 0, links = 0;
    uint32_t last = 0;
    PS_CU_RUNS(cell, G, PS_CU_RUN, c.cells.n)
    {
        const uint32_t a = (uint32_t)cell;
        const struct ps_cu_walk walk =
            ps_walk<G>(ps_cells_around(c.cells, *c.around, lane, c.cells.key[a], &last));
        PS_CU_WALK(at, G, walk.total)
        {
            const uint32_t b = ps_walk_at<G>(walk, (uint32_t)at);
            const bool apart = at < walk.total && ps_find(c.set, a) != ps_find(c.set, b);
            for (unsigned left = ps_ballot<G>(apart); left; left &= left - 1) {
                const uint32_t other = ps_from<G>(b, __ffs((int)left) - 1);
                if (ps_joined<G>(c.set, a, other)) continue;
                links += lane == 0;
                if (touch<C, D>(c, a, other, first, later, &distances) && lane == 0)
                    ps_unite(c.set, a, other);
            }
        }
    }
    ps_count<G>(work, distances, links);
}

/** Has a point of a, which lies around a box, a neighbour in b, which the box is of; ends where somebody else
 * joins the cells x and y meanwhile. */
template <class C, int D>
__device__ static bool part_touches(const struct ps_cu_connecting &c, uint2 pair, struct ps_cu_range a,
                                    struct ps_cu_range b, unsigned long long *distances)
{
    constexpr int G = ps_group<D>;
    struct ps_cu_box_of<C, D> box;
    ps_find_box(c.space, b, box);
    for (int64_t base = a.lo; base < a.hi; base += G) {
        const int64_t j = base + ps_lane(G);
        const bool open = j < a.hi && ps_box_near(c.space, j, box);
        for (unsigned left = ps_ballot<G>(open); left; left &= left - 1) {
            const uint32_t p = (uint32_t)base + (uint32_t)__ffs((int)left) - 1;
            if (ps_joined<G>(c.set, pair.x, pair.y)) return false;
            if (ps_pairs_touch<C, D>(c.space, {p, p + 1}, b, (int64_t)b.hi - b.lo, distances)) return true;
        }
    }
    return false;
}

/* Two large cells that face each other a little farther than eps apart cost the product of what is near the
 * other's box: many groups share it. */
template <class C, int D>
static __global__ void connect_large(struct ps_cu_connecting c, struct ps_cu_later later,
                                     struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    const int64_t parts = (int64_t)*later.n * PARTS;
    unsigned long long distances = 0;
    PS_CU_RUNS(part, G, 1, parts)
    {
        const uint2 pair = later.pair[part / PARTS];
        const struct ps_cu_range x = points_of(c.cells, pair.x), y = points_of(c.cells, pair.y);
        const struct ps_cu_range large = x.hi - x.lo > y.hi - y.lo ? x : y, small = large.lo == x.lo ? y : x;
        const int64_t n = (int64_t)large.hi - large.lo, even = (n + PARTS - 1) / PARTS,
                      each = even > PART ? even : PART, from = part % PARTS * each;
        if (from >= n || ps_joined<G>(c.set, pair.x, pair.y)) continue;
        const struct ps_cu_range mine = {large.lo + (uint32_t)from,
                                         large.lo + (uint32_t)(from + each < n ? from + each : n)};
        if (part_touches<C, D>(c, pair, mine, small, &distances) && ps_lane(G) == 0)
            ps_unite(c.set, pair.x, pair.y);
    }
    ps_count<G>(work, distances, 0);
}

/* --- sets of cells or of points --- */

static __global__ void alone(uint32_t *set, int64_t n)
{
    PS_CU_EACH(i, n)
    set[i] = (uint32_t)i;
}

/* Each thread writes its own number alone, so that the root is the last of what it writes: one that shortened
 * the way of another might do so after that one has written its root. */
static __global__ void roots(uint32_t *set, int64_t n, uint32_t *is_root)
{
    PS_CU_EACH(i, n)
    {
        uint32_t up = __ldcg(&set[i]);
        for (uint32_t above = __ldcg(&set[up]); above != up; above = __ldcg(&set[up])) {
            up = above;
            __stcg(&set[i], up);
        }
        is_root[i] = up == (uint32_t)i;
    }
}

static __global__ void numbers(uint32_t *set, int64_t n, const uint32_t *number)
{
    PS_CU_EACH(i, n)
    set[i] = number[set[i]] - 1;
}

/** Sets get numbers in the order of their roots. */
static void number_sets(struct ps_dbscan *s, int64_t n)
{
    PS_LAUNCH(roots, ps_cu_blocks(n), PS_CU_BLOCK, 0, s->set, n, s->number);
    ps_cuda_sum_along(s->number, n, &s->room);
    PS_LAUNCH(numbers, ps_cu_blocks(n), PS_CU_BLOCK, 0, s->set, n, s->number);
}

static void connect_tight(const struct ps_dbscan *s, struct ps_cu_connecting c)
{
    PS_CU(cudaMemsetAsync(s->later.n, 0, sizeof *s->later.n, ps_cuda_stream()));
    ps_cu_form(s, [&]<class C, int D>() {
        if constexpr (D > 0) {
            const unsigned blocks = ps_run_blocks<D>(c.cells.n, PS_CU_RUN);
            auto *const cells = connect_cells<C, D>;
            auto *const large = connect_large<C, D>;
            c.around = &s->reach->close;
            PS_LAUNCH(cells, blocks, PS_CU_BLOCK, 0, c, true, s->later, s->work);
            c.around = &s->reach->after;
            PS_LAUNCH(cells, blocks, PS_CU_BLOCK, 0, c, false, s->later, s->work);
            PS_LAUNCH(large, ps_cu_blocks(c.cores), PS_CU_BLOCK, 0, c, s->later, s->work);
        }
    });
}

int64_t ps_cu_connect(struct ps_dbscan *s)
{
    const int64_t sets = s->tight ? s->core_cells.n : s->cores;
    const struct ps_cu_connecting c = {s->space,     s->core_cells,  s->cores,
                                       s->core_cell, &s->reach->all, s->set};
    PS_LAUNCH(alone, ps_cu_blocks(sets), PS_CU_BLOCK, 0, s->set, sets);
    if (s->tight)
        connect_tight(s, c);
    else
        ps_cu_connect_points(s, c);
    number_sets(s, sets);
    return sets;
}
