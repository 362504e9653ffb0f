/* The steps of DBSCAN for one coordinate class. Included once per class with
 *   CLASS  the class's name in ps_CLASS, ps_CLASS_near, ps_CLASS_boxes_near, ps_CLASS_gap, and PS_LANES its
 * lanes, LOWEST and HIGHEST, numbers below and above all coordinates. */

#include "kernels/dbscan/cpu_near.h"
#include "kernels/dbscan/cpu_unite.h"
#include <stdlib.h>
#include <string.h>

/* Cells are handed to threads in runs: long enough to make a cursor's search cheap, short enough to balance.
 */
enum { RUN = 512 };

/* Ranges of cells that the tree's first pass looks at. */
enum { FIRST_RANGES = 8 };

/* ---- neighbourhoods ---------------------------------------------------------------------------------- */

static inline void FN(fetch)(const struct ps_dbscan *s, int64_t j, COORD *p)
{
    for (int k = 0; k < s->d; k++) p[k] = ((const COORD *)s->x)[k * s->stride + j];
}

/** Bounding box of places [lo, hi). */
static void FN(box)(const struct ps_dbscan *s, int64_t lo, int64_t hi, COORD *low, COORD *high)
{
    for (int k = 0; k < s->d; k++) {
        const COORD *x = (const COORD *)s->x + k * s->stride;
        COORD a = HIGHEST, b = LOWEST;
        for (int64_t j = lo; j < hi; j++) {
            a = x[j] < a ? x[j] : a;
            b = x[j] > b ? x[j] : b;
        }
        low[k] = a;
        high[k] = b;
    }
}

/** Append the cells of a group of boxes that near->box may hold neighbours of, from number `from` on. `self`
 * is left out, and so are, once roots are known, boxes whose cells are all connected with it. */
static void FN(descend)(const struct ps_dbscan *s, struct ps_near *near, int l, int64_t group, uint32_t self,
                        uint32_t from)
{
    const struct ps_box_level *level = &s->level[l];
    const COORD *low = near->box, *high = low + s->d;
    for (unsigned hits = FN(boxes_near)(s, level, group * PS_BOX_FAN, low, high); hits; hits &= hits - 1) {
        int64_t i = group * PS_BOX_FAN + __builtin_ctz(hits);
        if (i >= level->n || ((i + 1) << 4 * l) <= from || near->n >= near->limit) continue;
        if (!l) {
            if (i != self) ps_near_add(near, (uint32_t)i, (uint32_t)i + 1);
            continue;
        }
        if (self != PS_NEAR_NONE && level->root && level->root[i] != PS_MIXED &&
            ps_find(s->parent, level->root[i]) == ps_find(s->parent, self))
            continue;
        FN(descend)(s, near, l - 1, i, self, from);
    }
}

/** Tree: list the cells of near->in that can hold neighbours of places [lo, hi); self and after as in
 * ps_near_grid_list. */
static void FN(tree_list)(const struct ps_dbscan *s, struct ps_near *near, int64_t lo, int64_t hi,
                          uint32_t self, bool after)
{
    near->n = 0;
    if (!s->levels) return;
    FN(box)(s, lo, hi, near->box, (COORD *)near->box + s->d);
    FN(descend)(s, near, s->levels - 1, 0, self, after ? self + 1 : 0);
}

/* ---- boxes --------------------------------------------------------------------------------------------- */

static enum ps_status FN(level_make)(const struct ps_dbscan *s, struct ps_box_level *level, int64_t n)
{
    level->n = n;
    level->stride = (n + PS_BOX_FAN - 1) / PS_BOX_FAN * PS_BOX_FAN;
    level->lo = ps_dbscan_alloc(level->stride * s->d, sizeof(COORD));
    level->hi = ps_dbscan_alloc(level->stride * s->d, sizeof(COORD));
    if (!level->lo || !level->hi) return PS_ENOMEM;
    for (int k = 0; k < s->d; k++) /* boxes beyond the last are empty */
        for (int64_t i = n; i < level->stride; i++) {
            ((COORD *)level->lo)[k * level->stride + i] = HIGHEST;
            ((COORD *)level->hi)[k * level->stride + i] = LOWEST;
        }
    return PS_OK;
}

/** Box of boxes [16 i, 16 i + 16) of the level below. */
static void FN(cover)(const struct ps_dbscan *s, const struct ps_box_level *below, struct ps_box_level *level,
                      int64_t i)
{
    for (int k = 0; k < s->d; k++) {
        const COORD *lo = (const COORD *)below->lo + k * below->stride,
                    *hi = (const COORD *)below->hi + k * below->stride;
        COORD a = HIGHEST, b = LOWEST;
        for (int64_t j = i * PS_BOX_FAN; j < (i + 1) * PS_BOX_FAN; j++) {
            a = lo[j] < a ? lo[j] : a;
            b = hi[j] > b ? hi[j] : b;
        }
        ((COORD *)level->lo)[k * level->stride + i] = a;
        ((COORD *)level->hi)[k * level->stride + i] = b;
    }
}

static enum ps_status FN(boxes)(struct ps_dbscan *s, const struct ps_cells *cells)
{
    ps_dbscan_boxes_free(s);
    if (!cells->n) return PS_OK;
    struct ps_box_level *level = &s->level[0];
    s->levels = 1;
    if (FN(level_make)(s, level, cells->n) != PS_OK) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (uint32_t c = 0; c < cells->n; c++)
        for (int k = 0; k < s->d; k++) {
            const COORD *x = (const COORD *)s->x + k * s->stride;
            COORD a = HIGHEST, b = LOWEST;
            for (uint32_t j = cells->start[c]; j < cells->end[c]; j++) {
                a = x[j] < a ? x[j] : a;
                b = x[j] > b ? x[j] : b;
            }
            ((COORD *)level->lo)[k * level->stride + c] = a;
            ((COORD *)level->hi)[k * level->stride + c] = b;
        }
    while (!s->rows && s->level[s->levels - 1].n > PS_BOX_FAN) {
        const struct ps_box_level *below = &s->level[s->levels - 1];
        level = &s->level[s->levels++];
        if (FN(level_make)(s, level, (below->n + PS_BOX_FAN - 1) / PS_BOX_FAN) != PS_OK) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < level->n; i++) FN(cover)(s, below, level, i);
    }
    return PS_OK;
}

/** Can boxes of two cells, or a box and a point (lo = hi), hold neighbours; scaled: within eps * sqrt(scale).
 */
static inline bool FN(reach)(const struct ps_dbscan *s, const COORD *lo, const COORD *hi, int64_t step,
                             uint32_t b, double scale)
{
    const struct ps_box_level *level = &s->level[0];
    double sum = 0;
    for (int k = 0; k < s->d; k++) {
        double gap = FN(gap)(lo[k * step], hi[k * step], ((const COORD *)level->lo)[k * level->stride + b],
                             ((const COORD *)level->hi)[k * level->stride + b]);
        sum += gap * gap;
    }
    return sum <= scale * EPS2_REACH(s);
}

/* ---- core points --------------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) int64_t FN(count_d)(const struct ps_dbscan *s, int d,
                                                                 const COORD *p, int64_t lo, int64_t hi,
                                                                 int64_t need, int64_t *distances)
{
    int64_t found = 0, j = lo;
    for (; j < hi && found < need; j += PS_LANES) found += __builtin_popcount(FN(near)(s, d, p, j, hi - j));
    *distances += j < hi ? j - lo : hi - lo;
    return found;
}

/** Neighbours of p among places [lo, hi), counted until `need` are found. */
static int64_t FN(count)(const struct ps_dbscan *s, const COORD *p, int64_t lo, int64_t hi, int64_t need,
                         int64_t *distances)
{
    switch (s->d) {
    case 2:
        return FN(count_d)(s, 2, p, lo, hi, need, distances);
    case 3:
        return FN(count_d)(s, 3, p, lo, hi, need, distances);
    default:
        return FN(count_d)(s, s->d, p, lo, hi, need, distances);
    }
}

/** Has the point at place j `need` neighbours among the places listed, of which there are `left`? */
static inline __attribute__((always_inline)) bool FN(point_core_d)(const struct ps_dbscan *s,
                                                                   struct ps_near *near, int d, int64_t j,
                                                                   int64_t need, int64_t left)
{
    COORD *p = (COORD *)near->box + 2 * d;
    for (int k = 0; k < d; k++) p[k] = ((const COORD *)s->x)[k * s->stride + j];
    for (int64_t i = 0; i < near->n && left >= need; i++) {
        int64_t lo = near->list[i].lo, hi = near->list[i].hi;
        left -= hi - lo;
        need -= FN(count_d)(s, d, p, lo, hi, need, &near->distances);
        if (need <= 0) return true;
    }
    return false;
}

static bool FN(point_core)(const struct ps_dbscan *s, struct ps_near *near, int64_t j, int64_t need,
                           int64_t left)
{
    switch (s->d) {
    case 2:
        return FN(point_core_d)(s, near, 2, j, need, left);
    case 3:
        return FN(point_core_d)(s, near, 3, j, need, left);
    default:
        return FN(point_core_d)(s, near, s->d, j, need, left);
    }
}

/** Turn the list's ranges of cells into ranges of places; their sum. */
static int64_t FN(places)(struct ps_near *near)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < near->n; i++) {
        near->list[i].lo = near->in->start[near->list[i].lo];
        near->list[i].hi = near->in->end[near->list[i].hi - 1];
        sum += near->list[i].hi - near->list[i].lo;
    }
    return sum;
}

static void FN(cell_core)(struct ps_dbscan *s, struct ps_near *near, uint32_t c)
{
    const struct ps_cells *all = &s->all;
    int64_t from = all->start[c], to = all->end[c], need = s->min_points - (to - from), around;
    if (need <= 0) {
        memset(s->is_core + from, 1, (size_t)(to - from));
        return;
    }
    if (all->has_own && !all->has_own[c]) return;
    if (s->rows) {
        ps_near_grid_move(s, near, all->key[c], false);
        if (ps_near_grid_points(s, near) < s->min_points) return;
        ps_near_grid_list(s, near, c, false, false);
    } else
        FN(tree_list)(s, near, from, to, c, false);
    around = FN(places)(near);
    if (around < need) return;
    for (int64_t j = from; j < to; j++)
        if (s->order[j] < s->own) s->is_core[j] = FN(point_core)(s, near, j, need, around);
}

/* ---- connection ---------------------------------------------------------------------------------------- */

#include "kernels/dbscan/cpu_touch.h"

/** Connect core cell a with cells after it. The first pass takes close cells (grid) or the first few (tree)
 * only: it connects most, so that the second finds most pairs connected already and looks at no points. */
static void FN(cell_connect)(struct ps_dbscan *s, struct ps_near *near, uint32_t a, bool first)
{
    const struct ps_cells *cores = &s->cores;
    const struct ps_box_level *level = &s->level[0];
    const COORD *lo = (const COORD *)level->lo + a, *hi = (const COORD *)level->hi + a;
    /* pairs that are likely to fail, and dear where they do, wait for the second pass */
    double scale = first && (s->rows || cores->end[a] - cores->start[a] > PS_LANES) ? 1.0 / 16 : 1;
    if (s->rows) {
        ps_near_grid_move(s, near, cores->key[a], first);
        ps_near_grid_list(s, near, a, true, first);
    } else {
        near->limit = first ? FIRST_RANGES : INT64_MAX;
        FN(tree_list)(s, near, cores->start[a], cores->end[a], a, true);
    }
    for (int64_t i = 0; i < near->n; i++)
        for (uint32_t b = near->list[i].lo; b < near->list[i].hi; b++) {
            if (ps_find(s->parent, a) == ps_find(s->parent, b)) continue;
            if (cores->has_own && !cores->has_own[a] && !cores->has_own[b]) continue;
            if (!FN(reach)(s, lo, hi, level->stride, b, scale)) continue;
            near->links++;
            if (FN(touch)(s, near, a, b)) ps_unite(s->parent, a, b);
        }
}

/** Which boxes hold cells of one set only. */
static enum ps_status FN(roots)(struct ps_dbscan *s)
{
    for (int l = 1; l < s->levels; l++) {
        const struct ps_box_level *below = &s->level[l - 1];
        struct ps_box_level *level = &s->level[l];
        level->root = ps_dbscan_alloc(level->n, sizeof *level->root);
        if (!level->root) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < level->n; i++) {
            uint32_t one = PS_MIXED;
            for (int64_t j = i * PS_BOX_FAN; j < (i + 1) * PS_BOX_FAN && j < below->n; j++) {
                uint32_t root = l == 1 ? ps_find(s->parent, (uint32_t)j) : below->root[j];
                bool same = j == i * PS_BOX_FAN || root == one;
                one = same ? root : PS_MIXED;
                if (one == PS_MIXED) break;
            }
            level->root[i] = one;
        }
    }
    return PS_OK;
}

/* ---- labels -------------------------------------------------------------------------------------------- */

/** The smallest cluster number among the core neighbours of place j, or 0. */
static int64_t FN(border)(const struct ps_dbscan *s, struct ps_near *near, int64_t j, const int64_t *cluster)
{
    COORD *p = (COORD *)near->box + 2 * s->d;
    int64_t best = 0;
    FN(fetch)(s, j, p);
    for (int64_t i = 0; i < near->n; i++)
        for (uint32_t b = near->list[i].lo; b < near->list[i].hi; b++) {
            int64_t other = cluster[s->parent[b]];
            if ((best && other >= best) || !FN(reach)(s, p, p, 1, b, 1)) continue;
            if (FN(any)(s, p, s->cores.start[b], s->cores.end[b], &near->distances)) best = other;
        }
    return best;
}

/** Label the points of cell c that are not core points. */
static void FN(cell_label)(const struct ps_dbscan *s, struct ps_near *near, uint32_t c,
                           const int64_t *cluster, int64_t *label)
{
    int64_t from = s->all.start[c], to = s->all.end[c];
    while (from < to && s->is_core[from]) from++;
    if (from == to || (s->all.has_own && !s->all.has_own[c])) return;
    if (!s->rows)
        FN(tree_list)(s, near, from, to, PS_NEAR_NONE, false);
    else if (ps_near_grid_move(s, near, s->all.key[c], false))
        ps_near_grid_list(s, near, PS_NEAR_NONE, false, false);
    else
        near->n = 0;
    if (!near->n) return;
    for (int64_t j = from; j < to; j++)
        if (s->order[j] < s->own) label[s->order[j]] = FN(border)(s, near, j, cluster);
}

/* ---- core points first in each cell -------------------------------------------------------------------- */

static void FN(swap)(struct ps_dbscan *s, int64_t i, int64_t j)
{
    for (int k = 0; k < s->d; k++) {
        COORD *x = (COORD *)s->x + k * s->stride, t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
    uint32_t number = s->order[i];
    s->order[i] = s->order[j];
    s->order[j] = number;
    s->is_core[i] = 1;
    s->is_core[j] = 0;
}

/** Core points first in each cell; end[c] tells where they stop. */
static void FN(cores_first)(struct ps_dbscan *s, uint32_t *end)
{
#pragma omp parallel for schedule(dynamic, RUN)
    for (uint32_t c = 0; c < s->all.n; c++) {
        int64_t lo = s->all.start[c], hi = s->all.end[c];
        while (lo < hi) {
            if (s->is_core[lo])
                lo++;
            else if (!s->is_core[hi - 1])
                hi--;
            else
                FN(swap)(s, lo++, --hi);
        }
        end[c] = (uint32_t)lo;
    }
}

/* ---- whole steps --------------------------------------------------------------------------------------- */

enum FN(step) { FN(CORE), FN(CLOSE), FN(FAR), FN(LABEL) };

static enum ps_status FN(run)(struct ps_dbscan *s, enum FN(step) step, const int64_t *cluster, int64_t *label)
{
    const struct ps_cells *of = step == FN(CORE) || step == FN(LABEL) ? &s->all : &s->cores;
    int64_t distances = 0, links = 0, runs = ((int64_t)of->n + RUN - 1) / RUN;
    bool failed = false;
#pragma omp parallel reduction(+ : distances, links) reduction(|| : failed)
    {
        struct ps_near near;
        failed = ps_near_make(s, step == FN(CORE) ? &s->all : &s->cores, &near) != PS_OK;
#pragma omp for schedule(dynamic, 1)
        for (int64_t run = 0; run < runs; run++) {
            uint32_t from = (uint32_t)(run * RUN), to = run + 1 < runs ? from + RUN : of->n;
            if (failed) continue;
            if (s->rows) ps_near_grid_begin(s, &near, of->key[from]);
            for (uint32_t c = from; c < to; c++) {
                if (step == FN(CORE))
                    FN(cell_core)(s, &near, c);
                else if (step == FN(LABEL))
                    FN(cell_label)(s, &near, c, cluster, label);
                else
                    FN(cell_connect)(s, &near, c, step == FN(CLOSE));
            }
        }
        failed = failed || near.failed;
        distances += near.distances;
        links += near.links;
        ps_near_free(&near);
    }
    s->work.distances += distances;
    s->work.links += links;
    return failed ? PS_ENOMEM : PS_OK;
}

static enum ps_status FN(core)(struct ps_dbscan *s)
{
    return FN(run)(s, FN(CORE), NULL, NULL);
}

static enum ps_status FN(connect)(struct ps_dbscan *s)
{
    enum ps_status rc = FN(boxes)(s, &s->cores);
    if (rc == PS_OK) rc = FN(run)(s, FN(CLOSE), NULL, NULL);
    if (rc == PS_OK && !s->rows) rc = FN(roots)(s);
    if (rc == PS_OK) rc = FN(run)(s, FN(FAR), NULL, NULL);
    return rc;
}

static enum ps_status FN(label)(struct ps_dbscan *s, const int64_t *cluster, int64_t *label)
{
    return FN(run)(s, FN(LABEL), cluster, label);
}
