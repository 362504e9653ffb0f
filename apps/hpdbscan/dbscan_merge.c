#include "apps/hpdbscan/dbscan_merge.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_route.h"
#include "common/run/err.h"

/* --- edges -----------------------------------------------------------------------------------------------
 */

static int by_edge(const void *a, const void *b)
{
    const struct dbscan_edge *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    if (x->mine != y->mine) return x->mine < y->mine ? -1 : 1;
    return (x->theirs > y->theirs) - (x->theirs < y->theirs);
}

/* A border runs through few components but many points, so most edges repeat one just seen: a small table of
 * the last ones drops these before anything is sorted. */
enum { RECENT = 4096 };

static int64_t collect(const struct dbscan_halo *h, const uint32_t *component, const uint32_t *theirs,
                       struct dbscan_edge *recent, struct dbscan_edge *edges)
{
    int64_t n = 0;
    for (int i = 0; i < RECENT; i++) recent[i] = (struct dbscan_edge){.rank = -1};
    for (int r = 0; r < h->plan.size; r++)
        for (int64_t i = h->plan.send_start[r]; i < h->plan.send_start[r + 1]; i++) {
            if (theirs[i] == UINT32_MAX) continue;
            const struct dbscan_edge e = {component[h->sent[i]], theirs[i], r};
            struct dbscan_edge *last =
                recent + (e.mine * 2654435761u + e.theirs * 2246822519u + (uint32_t)r) % RECENT;
            if (by_edge(&e, last) == 0) continue;
            *last = e;
            if (edges) edges[n] = e;
            n++;
        }
    return n;
}

enum ps_status dbscan_merge_edges(const struct dbscan_halo *h, const uint32_t *component, int64_t own,
                                  struct dbscan_edge **edges, int64_t *n)
{
    uint32_t *theirs = NULL;
    struct dbscan_edge *recent = NULL;
    int64_t kept = 0;
    *edges = NULL;
    enum ps_status rc = ps_alloc(&theirs, h->sending, sizeof *theirs, "components of other ranks");
    if (rc == PS_OK) rc = ps_alloc(&recent, RECENT, sizeof *recent, "edges between components");
    PS_TRY_DONE(ps_agree(h->plan.comm, rc));
    PS_TRY_DONE(ps_exchange_back(&h->plan, component + own, theirs, sizeof *theirs));
    const int64_t found = collect(h, component, theirs, recent, NULL);
    PS_TRY_DONE(ps_agree(h->plan.comm, ps_alloc(edges, found, sizeof **edges, "edges between components")));
    collect(h, component, theirs, recent, *edges);
    qsort(*edges, (size_t)found, sizeof **edges, by_edge);
    for (int64_t i = 0; i < found; i++)
        if (i == 0 || by_edge(*edges + i, *edges + i - 1) != 0) (*edges)[kept++] = (*edges)[i];
    *n = kept;
done:
    free(theirs);
    free(recent);
    return rc;
}

/* --- connected components ---------------------------------------------------------------------------------
 */

/* What a round works on. Names f, gf, mngf are the paper's: parent, grandparent, least grandparent among
 * neighbours. */
struct sv {
    struct dbscan_forest *forest;
    int64_t base, n;        /* own vertices [base, base + n) */
    int64_t *f, *gf, *mngf; /* [n] */
    uint32_t *active;       /* [actives] own vertices that have an edge */
    int64_t actives;
    struct dbscan_route edges; /* along the edges, from the rank that knows one to the other */
    uint32_t *here, *there;    /* [edges.n], [edges.arriving] the own vertex of each edge */
    int64_t *value;            /* [edges.n] and then [edges.arriving] */
};

int dbscan_forest_rank(const struct dbscan_forest *f, int64_t vertex)
{
    int lo = 0, hi = f->size;
    while (hi - lo > 1) {
        const int mid = lo + (hi - lo) / 2;
        if (f->offset[mid] <= vertex)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void take_least(struct sv *s, const uint32_t *vertex, const int64_t *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (value[i] < s->mngf[vertex[i]]) s->mngf[vertex[i]] = value[i];
}

/* mngf[u] = least gf among u and its neighbours: values travel along the edges both ways. */
static enum ps_status neighbours(struct sv *s)
{
    int64_t *arrived = NULL, *mine = s->value, *answers = s->value + s->edges.n;
    for (int64_t i = 0; i < s->actives; i++) s->mngf[s->active[i]] = s->gf[s->active[i]];
    for (int64_t i = 0; i < s->edges.n; i++) mine[i] = s->gf[s->here[i]];
    PS_TRY(dbscan_route_send(&s->edges, mine, sizeof *mine, &arrived));
    take_least(s, s->there, arrived, s->edges.arriving);
    free(arrived);
    for (int64_t i = 0; i < s->edges.arriving; i++) answers[i] = s->gf[s->there[i]];
    PS_TRY(dbscan_route_back(&s->edges, answers, sizeof *answers, mine));
    take_least(s, s->here, mine, s->edges.n);
    return PS_OK;
}

struct hook {
    int64_t vertex, value;
};

static int by_hook(const void *a, const void *b)
{
    const struct hook *x = a, *y = b;
    if (x->vertex != y->vertex) return x->vertex < y->vertex ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* f[f[u]] = min(f[f[u]], mngf[u]): the least value for each parent goes to the parent's rank. */
static enum ps_status hook_parents(struct sv *s)
{
    struct dbscan_route route = {0};
    struct hook *hooks = NULL, *arrived = NULL;
    int *to = NULL;
    int64_t n = 0, kept = 0;
    enum ps_status rc = ps_alloc(&hooks, s->actives, sizeof *hooks, "edges between components");
    if (rc == PS_OK) rc = ps_alloc(&to, s->actives, sizeof *to, "edges between components");
    PS_TRY_DONE(ps_agree(s->forest->comm, rc));
    for (int64_t i = 0; i < s->actives; i++) {
        const uint32_t u = s->active[i];
        if (s->mngf[u] < s->gf[u]) hooks[n++] = (struct hook){s->f[u], s->mngf[u]};
    }
    qsort(hooks, (size_t)n, sizeof *hooks, by_hook);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || hooks[i].vertex != hooks[i - 1].vertex) {
            to[kept] = dbscan_forest_rank(s->forest, hooks[i].vertex);
            hooks[kept++] = hooks[i];
        }
    PS_TRY_DONE(dbscan_route_make(s->forest->comm, to, kept, &route));
    PS_TRY_DONE(dbscan_route_send(&route, hooks, sizeof *hooks, &arrived));
    for (int64_t i = 0; i < route.arriving; i++) {
        int64_t *f = s->f + (arrived[i].vertex - s->base);
        if (arrived[i].value < *f) *f = arrived[i].value;
    }
done:
    free(hooks);
    free(to);
    free(arrived);
    dbscan_route_free(&route);
    return rc;
}

static int by_vertex(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t find(const int64_t *sorted, int64_t n, int64_t vertex)
{
    int64_t lo = 0, hi = n;
    while (hi - lo > 1) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] <= vertex)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* gf[u] = f[f[u]]: each distinct parent is asked for once. */
static enum ps_status grandparents(struct sv *s, bool *changed)
{
    struct dbscan_route route = {0};
    int64_t *ask = NULL, *asked = NULL, kept = 0;
    int *to = NULL;
    enum ps_status rc = ps_alloc(&ask, s->actives, sizeof *ask, "parents of components");
    if (rc == PS_OK) rc = ps_alloc(&to, s->actives, sizeof *to, "parents of components");
    PS_TRY_DONE(ps_agree(s->forest->comm, rc));
    for (int64_t i = 0; i < s->actives; i++) ask[i] = s->f[s->active[i]];
    qsort(ask, (size_t)s->actives, sizeof *ask, by_vertex);
    for (int64_t i = 0; i < s->actives; i++)
        if (i == 0 || ask[i] != ask[i - 1]) {
            to[kept] = dbscan_forest_rank(s->forest, ask[i]);
            ask[kept++] = ask[i];
        }
    PS_TRY_DONE(dbscan_route_make(s->forest->comm, to, kept, &route));
    PS_TRY_DONE(dbscan_route_send(&route, ask, sizeof *ask, &asked));
    for (int64_t i = 0; i < route.arriving; i++) asked[i] = s->f[asked[i] - s->base];
    int64_t *answer = s->mngf; /* not needed before the next round; kept <= n */
    PS_TRY_DONE(dbscan_route_back(&route, asked, sizeof *asked, answer));
    for (int64_t i = 0; i < s->actives; i++) {
        const uint32_t u = s->active[i];
        const int64_t gf = answer[find(ask, kept, s->f[u])];
        *changed = *changed || gf != s->gf[u];
        s->gf[u] = gf;
    }
done:
    free(ask);
    free(asked);
    free(to);
    dbscan_route_free(&route);
    return rc;
}

static enum ps_status rounds(struct sv *s)
{
    for (int any = 1; any; s->forest->rounds++) {
        bool changed = false;
        PS_TRY(neighbours(s));
        PS_TRY(hook_parents(s));
        for (int64_t i = 0; i < s->actives; i++) {
            const uint32_t u = s->active[i];
            int64_t least = s->mngf[u] < s->gf[u] ? s->mngf[u] : s->gf[u];
            if (least < s->f[u]) s->f[u] = least, changed = true;
        }
        PS_TRY(grandparents(s, &changed));
        any = changed;
        MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, s->forest->comm);
    }
    return PS_OK;
}

/* Tell the other rank of each edge which of its vertices it ends at, and list the vertices that have edges.
 */
static enum ps_status spread_edges(struct sv *s, const struct dbscan_edge *edges, int64_t n)
{
    uint32_t *ends = NULL;
    int *to = NULL;
    uint8_t *seen = NULL;
    enum ps_status rc = ps_alloc(&to, n, sizeof *to, "edges between components");
    if (rc == PS_OK) rc = ps_alloc(&ends, n, sizeof *ends, "edges between components");
    if (rc == PS_OK) rc = ps_alloc(&s->here, n, sizeof *s->here, "edges between components");
    if (rc == PS_OK) rc = ps_zalloc(&seen, s->n, sizeof *seen, "edges between components");
    PS_TRY_DONE(ps_agree(s->forest->comm, rc));
    for (int64_t i = 0; i < n; i++) {
        to[i] = edges[i].rank;
        ends[i] = edges[i].theirs;
        s->here[i] = edges[i].mine;
        seen[edges[i].mine] = 1;
    }
    PS_TRY_DONE(dbscan_route_make(s->forest->comm, to, n, &s->edges));
    PS_TRY_DONE(dbscan_route_send(&s->edges, ends, sizeof *ends, &s->there));
    for (int64_t i = 0; i < s->edges.arriving; i++) seen[s->there[i]] = 1;
    for (int64_t v = 0; v < s->n; v++) s->actives += seen[v];
    rc = ps_alloc(&s->active, s->actives, sizeof *s->active, "components at borders");
    if (rc == PS_OK)
        rc = ps_alloc(&s->value, n + s->edges.arriving, sizeof *s->value, "edges between components");
    PS_TRY_DONE(ps_agree(s->forest->comm, rc));
    for (int64_t v = 0, at = 0; v < s->n; v++)
        if (seen[v]) s->active[at++] = (uint32_t)v;
done:
    free(to);
    free(ends);
    free(seen);
    return rc;
}

enum ps_status dbscan_merge(MPI_Comm comm, int64_t components, const struct dbscan_edge *edges, int64_t n,
                            struct dbscan_forest *out)
{
    struct dbscan_forest forest = {.comm = comm};
    struct sv s = {.forest = &forest, .n = components};
    MPI_Comm_rank(comm, &forest.rank);
    MPI_Comm_size(comm, &forest.size);
    enum ps_status rc =
        ps_alloc(&forest.offset, forest.size + 1, sizeof *forest.offset, "numbers of components");
    if (rc == PS_OK) rc = ps_alloc(&s.f, components, sizeof *s.f, "components");
    if (rc == PS_OK) rc = ps_alloc(&s.gf, components, sizeof *s.gf, "components");
    if (rc == PS_OK) rc = ps_alloc(&s.mngf, components, sizeof *s.mngf, "components");
    PS_TRY_DONE(ps_agree(comm, rc));
    forest.offset[0] = 0;
    MPI_Allgather(&components, 1, MPI_INT64_T, forest.offset + 1, 1, MPI_INT64_T, comm);
    for (int r = 0; r < forest.size; r++) forest.offset[r + 1] += forest.offset[r];
    s.base = forest.offset[forest.rank];
    for (int64_t v = 0; v < components; v++) s.f[v] = s.gf[v] = s.base + v;
    PS_TRY_DONE(spread_edges(&s, edges, n));
    PS_TRY_DONE(rounds(&s));
    forest.root = s.gf;
    s.gf = NULL;
done:
    free(s.f);
    free(s.gf);
    free(s.mngf);
    free(s.active);
    free(s.here);
    free(s.there);
    free(s.value);
    dbscan_route_free(&s.edges);
    if (rc != PS_OK) dbscan_forest_free(&forest);
    *out = forest;
    return rc;
}

void dbscan_forest_free(struct dbscan_forest *f)
{
    free(f->offset);
    free(f->root);
    *f = (struct dbscan_forest){0};
}
