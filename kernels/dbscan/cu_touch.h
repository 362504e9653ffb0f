/** Do two tight cells touch: has a core point of one a neighbour among the core points of the other. */
#ifndef PS_DBSCAN_CU_TOUCH_H
#define PS_DBSCAN_CU_TOUCH_H

#include "kernels/dbscan/cu_near.h"
#include "kernels/dbscan/cu_unite.h"

/** Core points, cells of core points, sets of either. */
struct ps_cu_connecting {
    struct ps_cu_space space;
    struct ps_cu_cells cells;
    int64_t cores;
    const uint32_t *cell;
    const struct ps_cu_around *around;
    uint32_t *set;
};

/** Sets of core points in wide cells. */
void ps_cu_connect_points(const struct ps_dbscan *s, const struct ps_cu_connecting &c);

/** Are a and b in one set, as the group's first lane sees it: all lanes do the same then. */
template <int G> __device__ static inline bool ps_joined(uint32_t *set, uint32_t a, uint32_t b)
{
    return ps_from<G>(ps_find(set, a) == ps_find(set, b), 0);
}

/** Is one of the first `pairs` pairs of points of a and b one of neighbours. The lanes take pairs beside each
 * other. */
template <class C, int D>
__device__ static inline bool ps_pairs_touch(const struct ps_cu_space &space, struct ps_cu_range a,
                                             struct ps_cu_range b, int64_t pairs,
                                             unsigned long long *distances)
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

/** The box around a range of points, for all lanes. */
template <class C, int D> struct ps_cu_box_of {
    C lo[D], hi[D];
};

template <class C, int D>
__device__ static inline void ps_find_box(const struct ps_cu_space &space, struct ps_cu_range r,
                                          struct ps_cu_box_of<C, D> &box)
{
    constexpr int G = ps_group<D>;
    for (int k = 0; k < D; k++) {
        const C *const x = (const C *)space.x + k * space.stride;
        C lo = x[r.lo], hi = lo;
        for (int64_t j = (int64_t)r.lo + ps_lane(G); j < r.hi; j += G) {
            lo = x[j] < lo ? x[j] : lo;
            hi = x[j] > hi ? x[j] : hi;
        }
        for (int i = G / 2; i > 0; i /= 2) {
            const C l = __shfl_xor_sync(ps_mask<G>(), lo, i, G), h = __shfl_xor_sync(ps_mask<G>(), hi, i, G);
            lo = l < lo ? l : lo;
            hi = h > hi ? h : hi;
        }
        box.lo[k] = lo;
        box.hi[k] = hi;
    }
}

/** Can a point have a neighbour in a box. Roundings of the gap and of distances are below 2^-40 of them. */
template <class C, int D>
__device__ static inline bool ps_box_near(const struct ps_cu_space &space, int64_t place,
                                          const struct ps_cu_box_of<C, D> &box)
{
    double gap2 = 0;
    for (int k = 0; k < D; k++) {
        const C v = ((const C *)space.x)[k * space.stride + place];
        const C face = v < box.lo[k] ? box.lo[k] : v > box.hi[k] ? box.hi[k] : v;
        const double gap = ps_difference(v, face);
        gap2 += gap * gap;
    }
    return gap2 <= space.eps2.exact * (1 + 0x1p-40);
}

#endif
