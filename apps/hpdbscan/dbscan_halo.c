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

/* A thread's room for a block of rows: as doubles, those of them that need keys; those near another rank and
 * their bins. */
struct block {
    double *x, *kept;              /* [block][d] */
    uint64_t *key;                 /* [block] */
    uint32_t *cell, *place, *many; /* [block] */
    int32_t *bin;                  /* [block] */
};

/* The bins, counted from the first own one, of the rows whose coarse cells lie near another rank. Returns how
 * many rows that are. */
static int64_t find_near(const struct choosing *w, const double *x, int64_t n, const struct block *b)
{
    const int d = w->p->d;
    int64_t near = 0, many = 0;
    dbscan_domain_coarse(w->dom, x, n, b->cell);
    for (int64_t i = 0; i < n; i++) {
        b->place[near] = (uint32_t)i;
        b->bin[near] = w->g->coarse[b->cell[i]];
        near += b->bin[near] != DBSCAN_NONE;
    }
    for (int64_t j = 0; j < near; j++) {
        b->many[many] = (uint32_t)j;
        many += b->bin[j] == DBSCAN_MANY;
    }
    for (int64_t j = 0; j < many; j++)
        for (int k = 0; k < d; k++) b->kept[j * d + k] = x[(int64_t)b->place[b->many[j]] * d + k];
    dbscan_domain_keys(w->dom, b->kept, many, b->key);
    for (int64_t j = 0; j < many; j++)
        b->bin[b->many[j]] = (int32_t)(dbscan_cut_bin(w->cut, b->key[j]) - w->g->bin0);
    return near;
}

static void choose_rows(const struct choosing *w, struct ps_range rows, struct chosen *c)
{
    const int d = w->p->d;
    const int64_t block = dbscan_rows_block(d);
    struct block b = {.x = malloc((size_t)(block * (2 * d + 3)) * sizeof *b.x)};
    c->failed = !b.x;
    if (!b.x) return;
    b.kept = b.x + block * d;
    b.key = (uint64_t *)(b.kept + block * d);
    b.cell = (uint32_t *)(b.key + block);
    b.place = b.cell + block;
    b.many = b.place + block;
    b.bin = (int32_t *)(b.many + block);
    for (int64_t at = rows.lo; at < rows.hi; at += block) {
        const int64_t end = at + block < rows.hi ? at + block : rows.hi;
        const double *x = dbscan_rows_double(w->p, at, end, b.x);
        const int64_t near = find_near(w, x, end - at, &b);
        for (int64_t j = 0; j < near; j++) {
            const int64_t *list = w->g->first + b.bin[j];
            if (list[0] != list[1])
                choose_point(w, x + (int64_t)b.place[j] * d, (uint32_t)at + b.place[j], list, c);
        }
    }
    free(b.x);
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
