/* Do two cells touch: has a core point of one a neighbour among the core points of the other? Included by
 * cpu_steps.h, per class.
 *
 * Most pairs are settled by a few vectors. Two large cells that face each other a little farther than eps
 * apart would cost the product of their sizes: copies of them are split in halves instead, and halves whose
 * boxes are too far apart are left out. */

/** Is one of places [lo, hi) a neighbour of p. */
static inline bool FN(any)(const struct ps_dbscan *s, const COORD *p, int64_t lo, int64_t hi,
                           int64_t *distances)
{
    return FN(count)(s, p, lo, hi, 1, distances) > 0;
}

static bool FN(ranges_touch)(const struct ps_dbscan *s, struct ps_near *near, struct ps_range32 a,
                             struct ps_range32 b)
{
    COORD *p = (COORD *)near->box + 2 * s->d;
    for (int64_t j = a.lo; j < a.hi; j++) {
        FN(fetch)(s, j, p);
        if (FN(any)(s, p, b.lo, b.hi, &near->distances)) return true;
    }
    return false;
}

/** How two ranges lie to each other: squared distances of their boxes' nearest and farthest points, and the
 * widest side of both. */
struct FN(faces) {
    double near2, far2, width;
    COORD cut;
    int dim;
    bool split_a;
};

static struct FN(faces) FN(faces)(const struct ps_dbscan *s, struct ps_range32 a, struct ps_range32 b)
{
    struct FN(faces) f = {0, 0, -1, 0, 0, false};
    for (int k = 0; k < s->d; k++) {
        const COORD *x = (const COORD *)s->x + k * s->stride;
        COORD lo[2] = {x[a.lo], x[b.lo]}, hi[2] = {x[a.lo], x[b.lo]};
        for (int64_t j = a.lo; j < a.hi; j++) {
            lo[0] = x[j] < lo[0] ? x[j] : lo[0];
            hi[0] = x[j] > hi[0] ? x[j] : hi[0];
        }
        for (int64_t j = b.lo; j < b.hi; j++) {
            lo[1] = x[j] < lo[1] ? x[j] : lo[1];
            hi[1] = x[j] > hi[1] ? x[j] : hi[1];
        }
        double gap = FN(gap)(lo[0], hi[0], lo[1], hi[1]);
        double far = FN(width)(lo[0] < lo[1] ? lo[0] : lo[1], hi[0] > hi[1] ? hi[0] : hi[1]);
        f.near2 += gap * gap;
        f.far2 += far * far;
        for (int side = 0; side < 2; side++) {
            double width = FN(width)(lo[side], hi[side]);
            if (width <= f.width) continue;
            f.width = width;
            f.dim = k;
            f.cut = FN(middle)(lo[side], hi[side]);
            f.split_a = side == 0;
        }
    }
    return f;
}

/** Reorder a range: what lies below the cut first. @return where the rest begins */
static uint32_t FN(halve)(struct ps_dbscan *s, struct ps_range32 r, int dim, COORD cut)
{
    const COORD *by = (const COORD *)s->x + dim * s->stride;
    while (r.lo < r.hi) {
        if (by[r.lo] < cut)
            r.lo++;
        else if (!(by[r.hi - 1] < cut))
            r.hi--;
        else {
            r.hi--;
            for (int k = 0; k < s->d; k++) {
                COORD *x = (COORD *)s->x + k * s->stride, t = x[r.lo];
                x[r.lo] = x[r.hi];
                x[r.hi] = t;
            }
            r.lo++;
        }
    }
    return r.lo;
}

static bool FN(halves_touch)(struct ps_dbscan *s, struct ps_near *near, struct ps_range32 a,
                             struct ps_range32 b)
{
    struct FN(faces) f = FN(faces)(s, a, b);
    if (f.near2 > EPS2_REACH(s)) return false;
    if (f.far2 <= s->eps2) return true;
    if (f.width == 0) a.hi = a.lo + 1, b.hi = b.lo + 1; /* equal points each: one stands for all */
    if ((int64_t)(a.hi - a.lo) * (b.hi - b.lo) <= PS_TOUCH_PLAIN) return FN(ranges_touch)(s, near, a, b);
    if (f.split_a) {
        uint32_t mid = FN(halve)(s, a, f.dim, f.cut);
        return FN(halves_touch)(s, near, (struct ps_range32){a.lo, mid}, b) ||
               FN(halves_touch)(s, near, (struct ps_range32){mid, a.hi}, b);
    }
    uint32_t mid = FN(halve)(s, b, f.dim, f.cut);
    return FN(halves_touch)(s, near, a, (struct ps_range32){b.lo, mid}) ||
           FN(halves_touch)(s, near, a, (struct ps_range32){mid, b.hi});
}

/** The same for two large cells, on copies of them: other threads read the cells meanwhile. */
static bool FN(large_touch)(const struct ps_dbscan *s, struct ps_near *near, struct ps_range32 a,
                            struct ps_range32 b)
{
    uint32_t n_a = a.hi - a.lo, n_b = b.hi - b.lo;
    struct ps_dbscan copy = *s;
    copy.stride = (int64_t)n_a + n_b;
    copy.x = ps_dbscan_alloc(copy.stride * s->d, sizeof(COORD));
    if (!copy.x) {
        near->failed = true;
        return false;
    }
    for (int k = 0; k < s->d; k++) {
        COORD *to = (COORD *)copy.x + k * copy.stride;
        const COORD *x = (const COORD *)s->x + k * s->stride;
        memcpy(to, x + a.lo, n_a * sizeof(COORD));
        memcpy(to + n_a, x + b.lo, n_b * sizeof(COORD));
    }
    bool touch =
        FN(halves_touch)(&copy, near, (struct ps_range32){0, n_a}, (struct ps_range32){n_a, n_a + n_b});
    free(copy.x);
    return touch;
}

/** Is a core point of core cell i a neighbour of one of core cell j. */
static bool FN(touch)(const struct ps_dbscan *s, struct ps_near *near, uint32_t i, uint32_t j)
{
    const struct ps_cells *cores = &s->cores;
    if (cores->end[i] - cores->start[i] > cores->end[j] - cores->start[j]) {
        uint32_t t = i;
        i = j;
        j = t;
    }
    struct ps_range32 a = {cores->start[i], cores->end[i]}, b = {cores->start[j], cores->end[j]};
    COORD *p = (COORD *)near->box + 2 * s->d;
    int64_t tried = 0;
    for (; a.lo < a.hi && tried < PS_TOUCH_PLAIN; a.lo++) {
        FN(fetch)(s, a.lo, p);
        if (b.hi - b.lo > PS_LANES && !FN(reach)(s, p, p, 1, j, 1)) continue;
        if (FN(any)(s, p, b.lo, b.hi, &near->distances)) return true;
        tried += b.hi - b.lo;
    }
    return a.lo < a.hi && FN(large_touch)(s, near, a, b);
}
