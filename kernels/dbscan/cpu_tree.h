/* The tree index for one coordinate class: a k-d tree whose leaves have a diagonal of at most eps. Included
 * after cpu_steps.h.
 *
 * Only the leaves are kept, in order: they are the cells, and hierarchies of boxes over them (cpu_steps.h)
 * serve the searches. Coordinates stay in columns, and a split partitions them in place: what goes to the
 * upper side waits in one column's room, which stays in cache, where a second copy of all columns would not
 * and its first touch would cost as much as the partition.
 * FN(partition), FN(partition_order)  stable partition of a column, of the point numbers, by a column */

enum { TASK_POINTS = 16384 };

struct FN(sides) {
    COORD *spare;   /* [stride] room for the upper side of one column */
    uint8_t *first; /* [n] 1 where a leaf begins */
    const struct ps_dbscan *s;
};

/** The widest dimension of places [lo, hi), and where to cut it; false where the diagonal is at most eps. */
static bool FN(widest)(const struct ps_dbscan *s, int64_t lo, int64_t hi, int *dim, COORD *cut)
{
    double diagonal = 0, widest = -1;
    for (int k = 0; k < s->d; k++) {
        const COORD *x = (const COORD *)s->x + k * s->stride;
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
    return !(diagonal <= s->eps2);
}

static void FN(split)(const struct FN(sides) * t, int64_t lo, int64_t hi)
{
    const struct ps_dbscan *s = t->s;
    int dim = 0;
    COORD cut = 0;
    if (hi - lo == 1 || !FN(widest)(s, lo, hi, &dim, &cut)) {
        t->first[lo] = 1;
        return;
    }
    COORD *by = (COORD *)s->x + dim * s->stride;
    int64_t below = 0;
    for (int64_t j = lo; j < hi; j++) below += by[j] < cut;
    int64_t mid = lo + below;
    FN(partition_order)(by, cut, s->order, (uint32_t *)t->spare, lo, mid, hi);
    for (int k = 0; k < s->d; k++)
        if (k != dim) FN(partition)(by, cut, (COORD *)s->x + k * s->stride, t->spare, lo, mid, hi);
    FN(partition)(by, cut, by, t->spare, lo, mid, hi);
#pragma omp task if (mid - lo > TASK_POINTS) default(none) firstprivate(t, lo, mid)
    FN(split)(t, lo, mid);
#pragma omp task if (hi - mid > TASK_POINTS) default(none) firstprivate(t, mid, hi)
    FN(split)(t, mid, hi);
}

/** Build from s->x and s->order, which hold the points in any order. */
static enum ps_status FN(tree)(struct ps_dbscan *s)
{
    struct FN(sides)
        t = {.spare = ps_dbscan_alloc(s->stride, sizeof(COORD)), .first = ps_dbscan_alloc(s->n, 1), .s = s};
    enum ps_status rc = PS_ENOMEM;
    if (t.spare && t.first) {
        memset(t.first, 0, (size_t)s->n);
#pragma omp parallel
#pragma omp single
        if (s->n) FN(split)(&t, 0, s->n);
        rc = ps_dbscan_cells_all(s, t.first);
    }
    free(t.spare);
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
