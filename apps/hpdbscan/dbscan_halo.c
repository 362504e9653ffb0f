#include "apps/hpdbscan/dbscan_halo.h"
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_groups.h"
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* A point that goes to a rank. */
struct choice {
    uint32_t point;
    int32_t rank;
};

/* The points that one thread chose. */
struct chosen {
    struct choice *item;
    int64_t n, room;
    bool failed;
};

/* What choosing works with. */
struct choosing {
    const struct ps_points *p;
    const struct dbscan_domain *dom;
    const struct dbscan_cut *cut;
    const struct dbscan_groups *g;
    double eps2;
};

static void choose_add(struct chosen *c, uint32_t point, int rank)
{
    if (c->n == c->room) {
        const int64_t room = c->room ? 2 * c->room : 4096;
        void *item = realloc(c->item, (size_t)room * sizeof *c->item);
        c->failed = c->failed || !item;
        if (!item) return;
        c->item = item;
        c->room = room;
    }
    c->item[c->n++] = (struct choice){point, rank};
}

/* The ranks that a point of a bin goes to: a list is ascending by rank, so a rank's boxes are neighbours in
 * it. */
static void choose_point(const struct choosing *w, const double *x, uint32_t point, const int64_t *list,
                         struct chosen *c)
{
    int taken = -1;
    for (int64_t j = list[0]; j < list[1]; j++) {
        const struct dbscan_near *near = w->g->near + j;
        if (near->rank == taken) continue;
        if (near->box && !(dbscan_point_distance(w->p->d, x, near->box, w->dom->slack) <= w->eps2)) continue;
        taken = near->rank;
        choose_add(c, point, taken);
    }
}

/* Keep the rows of a block whose coarse cells lie near another rank: their places in the block, and copies.
 */
static int64_t keep_near(const struct choosing *w, const double *x, int64_t n, const uint32_t *cell,
                         uint32_t *place, double *kept)
{
    const int d = w->p->d;
    int64_t near = 0;
    for (int64_t i = 0; i < n; i++) {
        place[near] = (uint32_t)i;
        near += w->g->coarse[cell[i]];
    }
    for (int64_t j = 0; j < near; j++)
        for (int k = 0; k < d; k++) kept[j * d + k] = x[(int64_t)place[j] * d + k];
    return near;
}

static void choose_rows(const struct choosing *w, struct ps_range rows, struct chosen *c)
{
    const int d = w->p->d;
    const int64_t block = dbscan_rows_block(d);
    double *work = malloc((size_t)(block * (2 * d + 2)) * sizeof *work);
    c->failed = !work;
    if (!work) return;
    double *kept = work + block * d;
    uint64_t *key = (uint64_t *)(kept + block * d);
    uint32_t *cell = (uint32_t *)(key + block), *place = cell + block;
    for (int64_t at = rows.lo; at < rows.hi; at += block) {
        const int64_t end = at + block < rows.hi ? at + block : rows.hi;
        const double *x = dbscan_rows_double(w->p, at, end, work);
        dbscan_domain_coarse(w->dom, x, end - at, cell);
        const int64_t near = keep_near(w, x, end - at, cell, place, kept);
        dbscan_domain_keys(w->dom, kept, near, key);
        for (int64_t j = 0; j < near; j++) {
            const int64_t *list = w->g->first + (dbscan_cut_bin(w->cut, key[j]) - w->g->bin0);
            if (list[0] != list[1]) choose_point(w, kept + j * d, (uint32_t)at + place[j], list, c);
        }
    }
    free(work);
}

/* The threads' choices, one thread after the other, grouped by rank: ascending points in each group. */
static enum ps_status group(const struct chosen *chosen, int threads, int size, int64_t *count,
                            struct dbscan_halo *h)
{
    int64_t *next;
    for (int t = 0; t < threads; t++) {
        PS_CHECK(!chosen[t].failed, PS_ENOMEM, "no memory to choose the points of the halo");
        h->sending += chosen[t].n;
        for (int64_t i = 0; i < chosen[t].n; i++) count[chosen[t].item[i].rank]++;
    }
    PS_TRY(ps_alloc(&h->sent, h->sending, sizeof *h->sent, "points of the halo"));
    PS_TRY(ps_alloc(&next, size, sizeof *next, "counts per rank"));
    for (int64_t r = 0, at = 0; r < size; r++) next[r] = at, at += count[r];
    for (int t = 0; t < threads; t++)
        for (int64_t i = 0; i < chosen[t].n; i++)
            h->sent[next[chosen[t].item[i].rank]++] = chosen[t].item[i].point;
    free(next);
    return PS_OK;
}

/* Choose the points to send and plan their exchange. */
static enum ps_status plan(MPI_Comm comm, const struct choosing *w, struct dbscan_halo *h)
{
    const int threads = omp_get_max_threads();
    struct chosen *chosen = NULL;
    int64_t *count = NULL;
    enum ps_status rc = ps_zalloc(&count, w->cut->size, sizeof *count, "counts per rank");
    if (rc == PS_OK) rc = ps_zalloc(&chosen, threads, sizeof *chosen, "points of the halo");
    if (rc == PS_OK) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int t = 0; t < threads; t++)
            choose_rows(w, dbscan_rows_part(w->p->n, w->p->d, threads, t), chosen + t);
        rc = group(chosen, threads, w->cut->size, count, h);
    }
    for (int t = 0; chosen && t < threads; t++) free(chosen[t].item);
    free(chosen);
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = ps_exchange_make(comm, count, &h->plan);
    if (rc == PS_OK) h->arriving = h->plan.recv_start[w->cut->size];
    free(count);
    return rc;
}

static enum ps_status exchange_points(const struct ps_points *p, const struct dbscan_halo *h, int64_t room,
                                      void **own)
{
    const size_t row = dbscan_rows_size(p);
    char *packed = NULL;
    enum ps_status rc = PS_OK;
    if (p->n + h->arriving > (int64_t)UINT32_MAX - 1)
        rc = ps_fail(PS_EINPUT,
                     "rank %d would hold %lld points and %lld of its neighbours within epsilon, more than "
                     "4294967294: use more ranks or a smaller epsilon",
                     h->plan.rank, (long long)p->n, (long long)h->arriving);
    if (rc == PS_OK) rc = ps_alloc(&packed, h->sending, row, "points for other ranks");
    if (rc == PS_OK && p->n + h->arriving > room) {
        void *grown = realloc(*own, (size_t)(p->n + h->arriving) * row);
        if (grown)
            *own = grown;
        else
            rc = ps_fail(PS_ENOMEM,
                         "no memory for %lld points of other ranks within epsilon of this rank's (%zu bytes)",
                         (long long)h->arriving, (size_t)h->arriving * row);
    }
    PS_TRY_DONE(ps_agree(h->plan.comm, rc));
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < h->sending; i++)
        dbscan_rows_copy(packed + (size_t)i * row, (const char *)*own + (size_t)h->sent[i] * row, row);
    PS_TRY_DONE(ps_exchange_run(&h->plan, packed, (char *)*own + (size_t)p->n * row, row));
done:
    free(packed);
    return rc;
}

enum ps_status dbscan_halo_make(MPI_Comm comm, const struct ps_points *p, const struct dbscan_domain *dom,
                                const struct dbscan_cut *cut, const struct dbscan_trie *trie, double eps,
                                int64_t room, void **own, struct dbscan_halo *out)
{
    struct dbscan_groups g = {0};
    struct dbscan_halo h = {0};
    const struct choosing w = {.p = p, .dom = dom, .cut = cut, .g = &g, .eps2 = eps * eps};
    enum ps_status rc = ps_agree(comm, dbscan_groups_make(cut, trie, dom, eps, &g));
    if (rc == PS_OK) rc = plan(comm, &w, &h);
    dbscan_groups_free(&g);
    if (rc == PS_OK) rc = exchange_points(p, &h, room, own);
    if (rc != PS_OK) dbscan_halo_free(&h);
    *out = h;
    return rc;
}

void dbscan_halo_free(struct dbscan_halo *h)
{
    ps_exchange_free(&h->plan);
    free(h->sent);
    *h = (struct dbscan_halo){0};
}

enum ps_status dbscan_halo_flags(const struct dbscan_halo *h, uint8_t *core, int64_t own)
{
    uint8_t *packed = NULL;
    enum ps_status rc =
        ps_agree(h->plan.comm, ps_alloc(&packed, h->sending, 1, "core flags for other ranks"));
    if (rc == PS_OK) {
        for (int64_t i = 0; i < h->sending; i++) packed[i] = core[h->sent[i]];
        rc = ps_exchange_run(&h->plan, packed, core + own, 1);
    }
    free(packed);
    return rc;
}
