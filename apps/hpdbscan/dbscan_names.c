#include "apps/hpdbscan/dbscan_names.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_marks.h"
#include "apps/hpdbscan/dbscan_route.h"
#include "common/par/block.h"
#include "common/run/err.h"

enum { NONE = -1 };

/* The first own core point of each component; own points are in the order of input rows. NONE for components
 * of halo points. */
static void first_points(const uint32_t *component, int64_t own, int64_t *first, int64_t components)
{
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int64_t c = 0; c < components; c++) first[c] = INT64_MAX;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < own; i++) {
            if (component[i] == UINT32_MAX) continue;
            int64_t *f = first + component[i], seen = __atomic_load_n(f, __ATOMIC_RELAXED);
            while (i < seen &&
                   !__atomic_compare_exchange_n(f, &seen, i, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            }
        }
#pragma omp for schedule(static)
        for (int64_t c = 0; c < components; c++)
            if (first[c] == INT64_MAX) first[c] = NONE;
    }
}

enum ps_status dbscan_names_alone(const uint32_t *component, int64_t n, int64_t components, int64_t **cluster)
{
    int64_t next = 0;
    PS_TRY(ps_zalloc(cluster, components, sizeof **cluster, "cluster numbers"));
    for (int64_t i = 0; i < n && next < components; i++)
        if (component[i] != UINT32_MAX && !(*cluster)[component[i]]) (*cluster)[component[i]] = ++next;
    return PS_OK;
}

/* What the steps share. Lists are by own component unless said otherwise. */
struct naming {
    const struct dbscan_forest *forest;
    const struct dbscan_move *move;
    int64_t rows, n;  /* input rows of all ranks; own components */
    int64_t *row;     /* [n] smallest input row of a core point; INT64_MAX: none here */
    int64_t *cluster; /* [n] */
    int *to;          /* [n] work space */
    int64_t *item;    /* [n] work space */
};

/* Own points are numbers of arrival; the ranks they came from know their rows. first -> row. */
static enum ps_status ask_rows(struct naming *w)
{
    struct dbscan_route route = {0};
    const struct ps_exchange *plan = &w->move->plan;
    int64_t n = 0, *arrived = NULL;
    for (int64_t c = 0; c < w->n; c++) {
        if (w->row[c] == NONE) continue;
        int lo = 0, hi = plan->size;
        while (hi - lo > 1) {
            const int mid = lo + (hi - lo) / 2;
            if (plan->recv_start[mid] <= w->row[c])
                lo = mid;
            else
                hi = mid;
        }
        w->to[n] = lo;
        w->item[n++] = w->row[c] - plan->recv_start[lo];
    }
    enum ps_status rc = dbscan_route_make(plan->comm, w->to, n, &route);
    PS_TRY_DONE(rc);
    PS_TRY_DONE(dbscan_route_send(&route, w->item, sizeof *w->item, &arrived));
    const int64_t first = ps_block(w->rows, plan->size, plan->rank).lo;
    for (int r = 0; r < plan->size; r++)
        for (int64_t i = route.plan.recv_start[r]; i < route.plan.recv_start[r + 1]; i++)
            arrived[i] = first + w->move->order[plan->send_start[r] + arrived[i]];
    PS_TRY_DONE(dbscan_route_back(&route, arrived, sizeof *arrived, w->item));
    n = 0;
    for (int64_t c = 0; c < w->n; c++) w->row[c] = w->row[c] == NONE ? INT64_MAX : w->item[n++];
done:
    free(arrived);
    dbscan_route_free(&route);
    return rc;
}

struct claim {
    int64_t vertex, row;
};

/* A root learns the smallest row of all its components. */
static enum ps_status tell_roots(struct naming *w)
{
    const int64_t base = w->forest->offset[w->forest->rank];
    struct dbscan_route route = {0};
    struct claim *claims = NULL, *arrived = NULL;
    int64_t n = 0;
    enum ps_status rc = ps_agree(w->forest->comm, ps_alloc(&claims, w->n, sizeof *claims, "cluster numbers"));
    PS_TRY_DONE(rc);
    for (int64_t c = 0; c < w->n; c++) {
        if (w->forest->root[c] == base + c || w->row[c] == INT64_MAX) continue;
        w->to[n] = dbscan_forest_rank(w->forest, w->forest->root[c]);
        claims[n++] = (struct claim){w->forest->root[c], w->row[c]};
    }
    PS_TRY_DONE(dbscan_route_make(w->forest->comm, w->to, n, &route));
    PS_TRY_DONE(dbscan_route_send(&route, claims, sizeof *claims, &arrived));
    for (int64_t i = 0; i < route.arriving; i++) {
        int64_t *row = w->row + (arrived[i].vertex - base);
        if (arrived[i].row < *row) *row = arrived[i].row;
    }
done:
    free(claims);
    free(arrived);
    dbscan_route_free(&route);
    return rc;
}

/* A root's smallest row goes to the rank that holds it; the marked rows before it are its number. */
static enum ps_status number_roots(struct naming *w, int64_t *clusters)
{
    const struct dbscan_forest *f = w->forest;
    const struct ps_range mine = ps_block(w->rows, f->size, f->rank);
    const int64_t base = f->offset[f->rank];
    struct dbscan_route route = {0};
    struct dbscan_marks marks = {0};
    int64_t n = 0, before = 0, *arrived = NULL;
    enum ps_status rc = ps_agree(f->comm, dbscan_marks_make(&marks, mine.hi - mine.lo));
    PS_TRY_DONE(rc);
    for (int64_t c = 0; c < w->n; c++) {
        if (f->root[c] != base + c) continue;
        w->to[n] = (int)ps_block_of(w->rows, f->size, w->row[c]);
        w->item[n++] = w->row[c];
    }
    PS_TRY_DONE(dbscan_route_make(f->comm, w->to, n, &route));
    PS_TRY_DONE(dbscan_route_send(&route, w->item, sizeof *w->item, &arrived));
    for (int64_t i = 0; i < route.arriving; i++) dbscan_marks_set(&marks, arrived[i] - mine.lo);
    dbscan_marks_count(&marks);
    MPI_Exscan(&marks.n, &before, 1, MPI_INT64_T, MPI_SUM, f->comm);
    MPI_Allreduce(&marks.n, clusters, 1, MPI_INT64_T, MPI_SUM, f->comm);
    for (int64_t i = 0; i < route.arriving; i++)
        arrived[i] = before + dbscan_marks_rank(&marks, arrived[i] - mine.lo) + 1;
    PS_TRY_DONE(dbscan_route_back(&route, arrived, sizeof *arrived, w->item));
    n = 0;
    for (int64_t c = 0; c < w->n; c++)
        if (f->root[c] == base + c) w->cluster[c] = w->item[n++];
done:
    free(arrived);
    dbscan_marks_free(&marks);
    dbscan_route_free(&route);
    return rc;
}

/* The other components ask their roots. */
static enum ps_status ask_roots(struct naming *w)
{
    const struct dbscan_forest *f = w->forest;
    const int64_t base = f->offset[f->rank];
    struct dbscan_route route = {0};
    int64_t n = 0, *arrived = NULL;
    for (int64_t c = 0; c < w->n; c++) {
        if (f->root[c] == base + c) continue;
        w->to[n] = dbscan_forest_rank(f, f->root[c]);
        w->item[n++] = f->root[c];
    }
    enum ps_status rc = dbscan_route_make(f->comm, w->to, n, &route);
    PS_TRY_DONE(rc);
    PS_TRY_DONE(dbscan_route_send(&route, w->item, sizeof *w->item, &arrived));
    for (int64_t i = 0; i < route.arriving; i++) arrived[i] = w->cluster[arrived[i] - base];
    PS_TRY_DONE(dbscan_route_back(&route, arrived, sizeof *arrived, w->item));
    n = 0;
    for (int64_t c = 0; c < w->n; c++)
        if (f->root[c] != base + c) w->cluster[c] = w->item[n++];
done:
    free(arrived);
    dbscan_route_free(&route);
    return rc;
}

enum ps_status dbscan_names(const struct dbscan_forest *forest, const struct dbscan_move *move, int64_t rows,
                            const uint32_t *component, int64_t own, int64_t **cluster, int64_t *clusters)
{
    struct naming w = {.forest = forest, .move = move, .rows = rows};
    w.n = forest->offset[forest->rank + 1] - forest->offset[forest->rank];
    *cluster = NULL;
    enum ps_status rc = ps_alloc(&w.row, w.n, sizeof *w.row, "cluster numbers");
    if (rc == PS_OK) rc = ps_alloc(&w.cluster, w.n, sizeof *w.cluster, "cluster numbers");
    if (rc == PS_OK) rc = ps_alloc(&w.to, w.n, sizeof *w.to, "cluster numbers");
    if (rc == PS_OK) rc = ps_alloc(&w.item, w.n, sizeof *w.item, "cluster numbers");
    PS_TRY_DONE(ps_agree(forest->comm, rc));
    first_points(component, own, w.row, w.n);
    PS_TRY_DONE(ask_rows(&w));
    PS_TRY_DONE(tell_roots(&w));
    PS_TRY_DONE(number_roots(&w, clusters));
    PS_TRY_DONE(ask_roots(&w));
    *cluster = w.cluster;
    w.cluster = NULL;
done:
    free(w.row);
    free(w.cluster);
    free(w.to);
    free(w.item);
    return rc;
}
