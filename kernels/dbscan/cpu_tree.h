/* The tree index for one coordinate class: a k-d tree whose leaves have a diagonal of at most eps. Included
 * after cpu_steps.h.
 *
 * Only the leaves are kept, in order: they are the cells, and hierarchies of boxes over them (cpu_steps.h)
 * serve the searches. Coordinates stay in columns: a split writes each column's two sides from one buffer to
 * the other. SPLIT  partition of one column (and NUMBERS, of the point numbers) by another column's values */

enum { TASK_POINTS = 16384 };

struct FN(sides) {
    COORD *x[2];        /* [d][stride] each */
    uint32_t *order[2]; /* [n] each */
    uint8_t *first;     /* [n] 1 where a leaf begins */
    const struct ps_dbscan *s;
};

/** The widest dimension of places [lo, hi), and where to cut it; false where the diagonal is at most eps. */
static bool FN(widest)(const struct FN(sides) * t, int from, int64_t lo, int64_t hi, int *dim, COORD *cut)
{
    double diagonal = 0, widest = -1;
    for (int k = 0; k < t->s->d; k++) {
        const COORD *x = t->x[from] + k * t->s->stride;
        COORD a = HIGHEST, b = LOWEST;
#pragma omp simd reduction(min : a) reduction(max : b)
        for (int64_t j = lo; j < hi; j++) {
            a = x[j] < a ? x[j] : a;
            b = x[j] > b ? x[j] : b;
        }
        double width = FN(width)(a, b);
        diagonal += width * width;
        if (width > widest) {
            widest = width;
            *dim = k;
            *cut = FN(middle)(a, b);
        }
    }
    return !(diagonal <= t->s->eps2);
}

static void FN(split)(const struct FN(sides) * t, int from, int64_t lo, int64_t hi)
{
    const struct ps_dbscan *s = t->s;
    int dim = 0;
    COORD cut = 0;
    if (hi - lo == 1 || !FN(widest)(t, from, lo, hi, &dim, &cut)) {
        t->first[lo] = 1;
        if (from == 0) return;
        for (int k = 0; k < s->d; k++)
            memcpy(t->x[0] + k * s->stride + lo, t->x[1] + k * s->stride + lo,
                   (size_t)(hi - lo) * sizeof(COORD));
        memcpy(t->order[0] + lo, t->order[1] + lo, (size_t)(hi - lo) * sizeof(uint32_t));
        return;
    }
    const COORD *by = t->x[from] + dim * s->stride;
    int64_t below = 0;
    for (int64_t j = lo; j < hi; j++) below += by[j] < cut;
    int64_t mid = lo + below;
    for (int k = 0; k < s->d; k++) {
        const COORD *x = t->x[from] + k * s->stride;
        FN(partition)(by, cut, x, t->x[!from] + k * s->stride, lo, mid, hi);
    }
    FN(partition_order)(by, cut, t->order[from], t->order[!from], lo, mid, hi);
#pragma omp task if (mid - lo > TASK_POINTS) default(none) firstprivate(t, from, lo, mid)
    FN(split)(t, !from, lo, mid);
#pragma omp task if (hi - mid > TASK_POINTS) default(none) firstprivate(t, from, mid, hi)
    FN(split)(t, !from, mid, hi);
}

/** Build from s->x and s->order, which hold the points in any order. */
static enum ps_status FN(tree)(struct ps_dbscan *s)
{
    struct FN(sides) t = {.x = {s->x, ps_dbscan_alloc(s->stride * s->d, sizeof(COORD))},
                          .order = {s->order, ps_dbscan_alloc(s->n, sizeof(uint32_t))},
                          .first = ps_dbscan_alloc(s->n, 1),
                          .s = s};
    enum ps_status rc = PS_ENOMEM;
    if (t.x[1] && t.order[1] && t.first) {
        memset(t.first, 0, (size_t)s->n);
#pragma omp parallel
#pragma omp single
        if (s->n) FN(split)(&t, 0, 0, s->n);
        rc = ps_dbscan_cells_all(s, t.first);
    }
    free(t.x[1]);
    free(t.order[1]);
    free(t.first);
    if (rc == PS_OK) rc = FN(boxes)(s, &s->all);
    return rc;
}

const struct ps_dbscan_steps PS_JOIN(ps_dbscan_steps_, CLASS, ) = {.size = sizeof(COORD),
                                                                   .cores_first = FN(cores_first),
                                                                   .core = FN(core),
                                                                   .connect = FN(connect),
                                                                   .label = FN(label),
                                                                   .tree = FN(tree)};
