/* Core points that are neighbours get into one set. */
#include "kernels/dbscan/cu_near.h"
#include "kernels/dbscan/cu_unite.h"

/* Pairs of points that the first pass looks at of two cells, and the second without looking at boxes. */
static constexpr int64_t FEW_PAIRS = 8192;

struct connecting {
    struct ps_cu_space space;
    struct ps_cu_cells cells; /* of core points */
    int64_t cores;
    const uint32_t *cell;
    const struct ps_cu_around *around;
    uint32_t *set;
};

/* --- tight cells: sets of cells --- */

/** Is one of the first `pairs` pairs of points of a and b one of neighbours. The lanes take pairs beside each
 * other. */
template <class C, int D>
__device__ static bool pairs_touch(const struct ps_cu_space &space, struct ps_cu_range a,
                                   struct ps_cu_range b, int64_t pairs, unsigned long long *distances)
{
    constexpr int G = ps_group<D>;
    const uint32_t width = b.hi - b.lo;
    PS_CU_WALK(at, G, pairs)
    {
        bool near = false;
        if (at < pairs) {
            struct ps_cu_point<C, D> p;
            ps_load_point(space, a.lo + (uint32_t)at / width, p);
            near = ps_near(space, p, b.lo + (uint32_t)at % width);
            ++*distances;
        }
        if (ps_ballot<G>(near)) return true;
    }
    return false;
}

/** The smallest and the largest of a coordinate over a range, for all lanes. */
template <class C, int G> struct ps_cu_span {
    C lo, hi;
    __device__ ps_cu_span(const C *x, struct ps_cu_range r)
    {
        lo = hi = x[r.lo];
        for (int64_t j = (int64_t)r.lo + ps_lane(G); j < r.hi; j += G) {
            lo = x[j] < lo ? x[j] : lo;
            hi = x[j] > hi ? x[j] : hi;
        }
        for (int i = G / 2; i > 0; i /= 2) {
            const C l = __shfl_xor_sync(ps_mask<G>(), lo, i, G), h = __shfl_xor_sync(ps_mask<G>(), hi, i, G);
            lo = l < lo ? l : lo;
            hi = h > hi ? h : hi;
        }
    }
};

/** The same for large cells, all pairs: points of a that are too far from the box around b are left out. */
template <class C, int D>
__device__ static bool large_touch(const struct ps_cu_space &space, struct ps_cu_range a,
                                   struct ps_cu_range b, unsigned long long *distances)
{
    constexpr int G = ps_group<D>;
    const C *const x = (const C *)space.x;
    C lo[D], hi[D];
    for (int k = 0; k < D; k++) {
        const struct ps_cu_span<C, G> span(x + k * space.stride, b);
        lo[k] = span.lo;
        hi[k] = span.hi;
    }
    for (int64_t base = a.lo; base < a.hi; base += G) {
        const int64_t j = base + ps_lane(G);
        double gap2 = 0;
        for (int k = 0; k < D && j < a.hi; k++) {
            const C v = x[k * space.stride + j];
            const C face = v < lo[k] ? lo[k] : v > hi[k] ? hi[k] : v;
            const double gap = ps_difference(v, face);
            gap2 += gap * gap;
        }
        /* roundings of the gap and of the distance are below 2^-40 */
        const bool open = j < a.hi && gap2 <= space.eps2.exact * (1 + 0x1p-40);
        for (unsigned todo = ps_ballot<G>(open); todo; todo &= todo - 1) {
            const uint32_t p = (uint32_t)base + (uint32_t)__ffs((int)todo) - 1;
            const struct ps_cu_range one = {p, p + 1};
            if (pairs_touch<C, D>(space, one, b, (int64_t)b.hi - b.lo, distances)) return true;
        }
    }
    return false;
}

/** Do cells i and j touch. In the first pass a no may be wrong. */
template <class C, int D>
__device__ static bool touch(const struct connecting &c, uint32_t i, uint32_t j, bool first,
                             unsigned long long *distances)
{
    struct ps_cu_range a = {c.cells.start[i], c.cells.start[i + 1]},
                       b = {c.cells.start[j], c.cells.start[j + 1]};
    const int64_t pairs = (int64_t)(a.hi - a.lo) * (b.hi - b.lo);
    if (a.hi - a.lo > b.hi - b.lo) {
        const struct ps_cu_range t = a;
        a = b;
        b = t;
    }
    if (first || pairs <= FEW_PAIRS)
        return pairs_touch<C, D>(c.space, a, b, pairs < FEW_PAIRS ? pairs : FEW_PAIRS, distances);
    return large_touch<C, D>(c.space, a, b, distances);
}

/* A group takes a cell and goes through those after it that are not in its set yet. The first pass looks at
 * close cells, and not long at any: it connects most, so that the second finds most pairs connected. */
template <class C, int D>
static __global__ void connect_cells(struct connecting c, bool first, struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    const int lane = ps_lane(G);
    unsigned long long distances = 0, links = 0;
    for (int64_t a = (int64_t)blockIdx.x * (PS_CU_BLOCK / G) + threadIdx.x / G; a < c.cells.n;
         a += (int64_t)gridDim.x * (PS_CU_BLOCK / G)) {
        const struct ps_cu_walk walk = ps_walk<G>(ps_cells_around(c.cells, *c.around, lane, c.cells.key[a]));
        PS_CU_WALK(at, G, walk.total)
        {
            const uint32_t b = ps_walk_at<G>(walk, (uint32_t)at);
            const bool apart = at < (int64_t)walk.total && ps_find(c.set, (uint32_t)a) != ps_find(c.set, b);
            for (unsigned todo = ps_ballot<G>(apart); todo; todo &= todo - 1) {
                const uint32_t other = ps_from<G>(b, __ffs((int)todo) - 1);
                /* all lanes do what the first one sees */
                if (ps_from<G>(ps_find(c.set, (uint32_t)a) == ps_find(c.set, other), 0)) continue;
                links += lane == 0;
                if (touch<C, D>(c, (uint32_t)a, other, first, &distances) && lane == 0)
                    ps_unite(c.set, (uint32_t)a, other);
            }
        }
    }
    ps_count<G>(work, distances, links);
}

/* --- wide cells: sets of points --- */

/* A group takes a core point and goes through those after it in the cells around. */
template <class C, int D> static __global__ void connect_points(struct connecting c, struct ps_cu_work *work)
{
    constexpr int G = ps_group<D>;
    const int lane = ps_lane(G);
    unsigned long long distances = 0;
    for (int64_t j = (int64_t)blockIdx.x * (PS_CU_BLOCK / G) + threadIdx.x / G; j < c.cores;
         j += (int64_t)gridDim.x * (PS_CU_BLOCK / G)) {
        struct ps_cu_point<C, D> p;
        struct ps_cu_range range =
            ps_places(c.cells, ps_cells_around(c.cells, *c.around, lane, c.cells.key[c.cell[j] - 1]));
        if (range.lo <= j) range.lo = (uint32_t)j + 1;
        const struct ps_cu_walk walk = ps_walk<G>(range);
        ps_load_point(c.space, j, p);
        PS_CU_WALK(at, G, walk.total)
        {
            const uint32_t q = ps_walk_at<G>(walk, (uint32_t)at);
            if (at >= walk.total || ps_find(c.set, (uint32_t)j) == ps_find(c.set, q)) continue;
            distances++;
            if (ps_near(c.space, p, q)) ps_unite(c.set, (uint32_t)j, q);
        }
    }
    ps_count<G>(work, distances, distances);
}

/* --- numbers --- */

static __global__ void alone(uint32_t *set, int64_t n)
{
    PS_CU_EACH(i, n)
    set[i] = (uint32_t)i;
}

static __global__ void roots(uint32_t *set, int64_t n, uint32_t *is_root)
{
    PS_CU_EACH(i, n)
    {
        const uint32_t root = ps_find(set, (uint32_t)i);
        set[i] = root;
        is_root[i] = root == (uint32_t)i;
    }
}

static __global__ void numbers(uint32_t *set, int64_t n, const uint32_t *number)
{
    PS_CU_EACH(i, n)
    set[i] = number[set[i]] - 1;
}

/** Sets get numbers in the order of their roots. */
static enum ps_status number_sets(uint32_t *set, int64_t n, uint32_t *components)
{
    uint32_t *number;
    if (!ps_cu_take(&number, n)) return PS_ENOMEM;
    PS_LAUNCH(roots, ps_cu_blocks(n), PS_CU_BLOCK, 0, set, n, number);
    const bool had = ps_cuda_sum_along(number, n);
    PS_LAUNCH(numbers, ps_cu_blocks(n), PS_CU_BLOCK, 0, set, n, number);
    if (n > 0) ps_cuda_memory.get(components, number + n - 1, sizeof *components);
    const enum ps_status rc = ps_cuda_memory.wait();
    ps_cuda_memory.free(number);
    return had ? rc : PS_ENOMEM;
}

enum ps_status ps_cu_connect(struct ps_dbscan *s, uint32_t *components)
{
    const int64_t sets = s->tight ? s->core_cells.n : s->cores;
    struct connecting c = {s->space, s->core_cells, s->cores, s->core_cell, &s->reach->close, NULL};
    *components = 0;
    if (!ps_cu_take(&s->set, sets)) return PS_ENOMEM;
    c.set = s->set;
    PS_LAUNCH(alone, ps_cu_blocks(sets), PS_CU_BLOCK, 0, s->set, sets);
    ps_cu_form(s, [&]<class C, int D>() {
        const unsigned blocks = ps_cu_blocks(sets * ps_group<D>);
        if constexpr (D > 0) {
            auto *const kernel = connect_cells<C, D>;
            if (s->tight) {
                PS_LAUNCH(kernel, blocks, PS_CU_BLOCK, 0, c, true, s->work);
                c.around = &s->reach->after;
                PS_LAUNCH(kernel, blocks, PS_CU_BLOCK, 0, c, false, s->work);
                return;
            }
        }
        auto *const kernel = connect_points<C, D>;
        c.around = &s->reach->all;
        PS_LAUNCH(kernel, blocks, PS_CU_BLOCK, 0, c, s->work);
    });
    return number_sets(s->set, sets, components);
}
