/** What groups of threads share that look for neighbours: distances, and walks over the points of several
 * ranges as if they were one. */
#ifndef PS_DBSCAN_CU_NEAR_H
#define PS_DBSCAN_CU_NEAR_H

#include "kernels/dbscan/cu_state.h"

enum {
    PS_CU_WARP = 32,
    PS_CU_RUN = 8,  /* cells or points that a group takes one after the other: the next ranges are near */
    PS_CU_CHUNK = 8 /* dimensions between looks at a sum */
};

/** Lanes of a group: a range for each of them, and in 1 and 2 dimensions there are few. */
template <int D> inline constexpr int ps_group = D == 1 || D == 2 ? 8 : PS_CU_WARP;

__device__ static inline int ps_lane(int group)
{
    return (int)(threadIdx.x % (unsigned)group);
}

/** What a group does of n things: `run` that follow each other, then others. */
#define PS_CU_RUNS(i, G, run, n)                                                                  \
    for (int64_t ps_at = ((int64_t)blockIdx.x * (PS_CU_BLOCK / (G)) + threadIdx.x / (G)) * (run); \
         ps_at < (n); ps_at += (int64_t)gridDim.x * (PS_CU_BLOCK / (G)) * (run))                  \
        for (int64_t i = ps_at; i < (n) && i < ps_at + (run); i++)

/** Blocks for groups that take runs of n things. */
template <int D> static inline unsigned ps_run_blocks(int64_t n, int run)
{
    return ps_cu_blocks((n + run - 1) / run * ps_group<D>);
}

template <int G> __device__ static inline unsigned ps_mask(void)
{
    return ~0u >> (PS_CU_WARP - G) << (threadIdx.x % PS_CU_WARP / G * G);
}

template <int G> __device__ static inline unsigned ps_ballot(bool v)
{
    return __ballot_sync(ps_mask<G>(), v) >> (threadIdx.x % PS_CU_WARP / G * G);
}

template <int G, class T> __device__ static inline T ps_from(T v, int lane)
{
    return __shfl_sync(ps_mask<G>(), v, lane, G);
}

template <int G> __device__ static inline unsigned long long ps_total(unsigned long long v)
{
    for (int i = G / 2; i > 0; i /= 2) v += __shfl_xor_sync(ps_mask<G>(), v, i, G);
    return v;
}

/* --- distances --- */

/** A point that others are held against: in registers where the number of dimensions is known. */
template <class C, int D> struct ps_cu_point {
    C at[D ? D : 1];
    int64_t place;
};

template <class C, int D>
__device__ static inline void ps_load_point(const struct ps_cu_space &s, int64_t place,
                                            struct ps_cu_point<C, D> &p)
{
    const C *const x = (const C *)s.x + place;
    p.place = place;
    if constexpr (D > 0)
        for (int k = 0; k < D; k++) p.at[k] = x[k * s.stride];
}

/* Integers are subtracted exactly and rounded once. */
__device__ static inline double ps_difference(int64_t a, int64_t b)
{
    return (double)(a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a);
}
__device__ static inline double ps_difference(double a, double b)
{
    return a - b;
}

/** Sum of squared differences, as DBSCAN defines it or, of type float, in single precision; some number above
 * `most` where it is above. Terms are no less than 0, so a sum never falls, rounded or not. */
template <class R, class C, int D>
__device__ static inline R ps_distance2(const struct ps_cu_space &s, const struct ps_cu_point<C, D> &p,
                                        int64_t q, R most)
{
    const C *const y = (const C *)s.x + q, *const x = (const C *)s.x + p.place;
    R sum = 0;
    auto add = [&](C a, C b) {
        if constexpr (sizeof(R) == sizeof(float)) {
            sum = fmaf(a - b, a - b, sum);
        } else {
            const double v = ps_difference(a, b);
            sum = __dadd_rn(sum, __dmul_rn(v, v));
        }
    };
    if constexpr (D > 0) {
        for (int k = 0; k < D; k++) add(p.at[k], y[k * s.stride]);
    } else {
        for (int64_t k = 0; k < s.d && sum <= most;) {
            const int64_t end = k + PS_CU_CHUNK < s.d ? k + PS_CU_CHUNK : s.d;
            for (; k < end; k++) add(x[k * s.stride], y[k * s.stride]);
        }
    }
    return sum;
}

/** Is the point at place q a neighbour of p. In single precision most pairs are settled. */
template <class C, int D>
__device__ static inline bool ps_near(const struct ps_cu_space &s, const struct ps_cu_point<C, D> &p,
                                      int64_t q)
{
    if constexpr (sizeof(C) == sizeof(float)) {
        const float rough = ps_distance2<float, C, D>(s, p, q, s.eps2.maybe);
        if (rough <= s.eps2.in) return true;
        if (rough > s.eps2.maybe) return false;
    }
    return ps_distance2<double, C, D>(s, p, q, s.eps2.exact) <= s.eps2.exact;
}

/* --- ranges --- */

/** First cell in [lo, hi) whose key is not below `key`, or hi. */
__device__ static inline uint32_t ps_search(const struct ps_cu_cells &cells, int64_t lo, int64_t hi,
                                            uint64_t key)
{
    while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (cells.key[mid] < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

/** First cell of all whose key is not below `key`. Who asks for ascending keys is there after a few steps
 * from the last answer, by doubling. */
__device__ static inline uint32_t ps_first_cell(const struct ps_cu_cells &cells, uint64_t key, uint32_t last)
{
    int64_t lo = last, step = 1;
    if (lo >= cells.n || cells.key[lo] >= key)
        return lo > 0 && cells.key[lo - 1] >= key ? ps_search(cells, 0, lo, key) : (uint32_t)lo;
    for (; lo + step < cells.n && cells.key[lo + step] < key; step *= 2) lo += step;
    return ps_search(cells, lo + 1, lo + step < cells.n ? lo + step : cells.n, key);
}

struct ps_cu_range {
    uint32_t lo, hi;
};

/** This lane's range of cells around a cell. Ranges are a few keys long. @param last where the lane's range
 * around the cell before began, at first 0 */
__device__ static inline struct ps_cu_range ps_cells_around(const struct ps_cu_cells &cells,
                                                            const struct ps_cu_around &around, int lane,
                                                            uint64_t key, uint32_t *last)
{
    struct ps_cu_range r = {0, 0};
    if (lane >= around.n) return r;
    const uint64_t to = key + (uint64_t)around.to[lane];
    r.lo = r.hi = *last = ps_first_cell(cells, key + (uint64_t)around.from[lane], *last);
    while (r.hi < cells.n && cells.key[r.hi] <= to) r.hi++;
    return r;
}

__device__ static inline struct ps_cu_range ps_places(const struct ps_cu_cells &cells, struct ps_cu_range r)
{
    return r.lo < r.hi ? ps_cu_range{cells.start[r.lo], cells.start[r.hi]} : ps_cu_range{0, 0};
}

/** The ranges of a group's lanes, one behind the other: this lane's, and how many elements all have. */
struct ps_cu_walk {
    uint32_t end, /* elements up to this lane's last */
        shift,    /* from an element's number to what it is, modulo 2^32 */
        total;
};

template <int G> __device__ static inline struct ps_cu_walk ps_walk(struct ps_cu_range r)
{
    const int lane = ps_lane(G);
    const uint32_t n = r.lo < r.hi ? r.hi - r.lo : 0;
    struct ps_cu_walk w = {n, 0, 0};
    for (int i = 1; i < G; i *= 2) {
        const uint32_t before = __shfl_up_sync(ps_mask<G>(), w.end, (unsigned)i, G);
        if (lane >= i) w.end += before;
    }
    w.shift = r.lo - (w.end - n);
    w.total = ps_from<G>(w.end, G - 1);
    return w;
}

/** Element number `at` < total of the walk; other numbers give anything. All lanes call it. */
template <int G> __device__ static inline uint32_t ps_walk_at(const struct ps_cu_walk &w, uint32_t at)
{
    int lane = 0;
    for (int step = G / 2; step > 0; step /= 2)
        if (ps_from<G>(w.end, lane + step - 1) <= at) lane += step;
    return ps_from<G>(w.shift, lane) + at;
}

/** Elements of a walk, G at a time: `at` is this lane's number, which may be one that is not there. */
#define PS_CU_WALK(at, G, total) \
    for (int64_t ps_base = 0, at = ps_lane(G); ps_base < (int64_t)(total); ps_base += (G), at += (G))

/** Add what a group counted. */
template <int G>
__device__ static inline void ps_count(struct ps_cu_work *work, unsigned long long distances,
                                       unsigned long long links)
{
    distances = ps_total<G>(distances);
    links = ps_total<G>(links);
    if (ps_lane(G) != 0) return;
    if (distances) atomicAdd(&work->distances, distances);
    if (links) atomicAdd(&work->links, links);
}

/** Call what is there for a class of coordinates and a number of dimensions: f<C, D>(). */
template <class F> static inline void ps_cu_form(const struct ps_dbscan *s, F f)
{
    auto dims = [&]<class C>(C) {
        switch (s->d) {
        case 1:
            return f.template operator()<C, 1>();
        case 2:
            return f.template operator()<C, 2>();
        case 3:
            return f.template operator()<C, 3>();
        default:
            return f.template operator()<C, 0>();
        }
    };
    if (s->coord == PS_COORD_F32)
        dims(0.0f);
    else if (s->coord == PS_COORD_F64)
        dims(0.0);
    else
        dims(INT64_C(0));
}

#endif
