#include "apps/hpdbscan/dbscan_halo.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_groups.h"
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* What one pass over the own points needs. */
struct choice {
    const struct ps_points *p;
    const struct dbscan_groups *g;
    const double *slack;
    double eps2;
    int threads, size;
    double *work;  /* [threads][block][d] */
    int64_t *next; /* [threads][size] counts, then places */
    uint32_t *sent;
};

/* The ranks that point x of a group goes to: a list is ascending by rank, so a rank's boxes are neighbours in
 * it. */
static void choose_point(const struct choice *c, const double *x, uint32_t i, int64_t lo, int64_t hi,
                         int64_t *next)
{
    int taken = -1;
    for (int64_t j = lo; j < hi; j++) {
        const struct dbscan_near *near = c->g->near + j;
        if (near->rank == taken) continue;
        if (near->box && !(dbscan_point_distance(c->p->d, x, near->box, c->slack) <= c->eps2)) continue;
        taken = near->rank;
        if (c->sent) c->sent[next[taken]] = i;
        next[taken]++;
    }
}

/* Count, or with c->sent note, the points of each thread's rows for each rank. */
static void choose(const struct choice *c)
{
    const int d = c->p->d;
    const int64_t block = dbscan_rows_block(d);
#pragma omp parallel for num_threads(c->threads) schedule(static, 1)
    for (int t = 0; t < c->threads; t++) {
        const struct ps_range rows = dbscan_rows_part(c->p->n, d, c->threads, t);
        for (int64_t at = rows.lo; at < rows.hi; at += block) {
            const int64_t end = at + block < rows.hi ? at + block : rows.hi;
            const double *x = NULL;
            for (int64_t i = at; i < end; i++) {
                const int64_t *first = c->g->first + c->g->of[i];
                if (first[0] == first[1]) continue;
                if (!x) x = dbscan_rows_double(c->p, at, end, c->work + t * block * d);
                choose_point(c, x + (i - at) * d, (uint32_t)i, first[0], first[1],
                             c->next + (int64_t)t * c->size);
            }
        }
    }
}

/* Choose the points to send and plan their exchange. */
static enum ps_status plan(MPI_Comm comm, struct choice *c, struct dbscan_halo *h)
{
    int64_t *count = NULL;
    enum ps_status rc = ps_zalloc(&count, c->size, sizeof *count, "counts per rank");
    if (rc == PS_OK)
        rc = ps_zalloc(&c->next, (int64_t)c->size * c->threads, sizeof *c->next, "counts per rank");
    if (rc == PS_OK)
        rc = ps_alloc(&c->work, c->threads * dbscan_rows_block(c->p->d) * c->p->d, sizeof *c->work,
                      "the halo");
    if (rc == PS_OK) choose(c);
    for (int r = 0; rc == PS_OK && r < c->size; r++)
        for (int t = 0; t < c->threads; t++) {
            const int64_t n = c->next[(int64_t)t * c->size + r];
            c->next[(int64_t)t * c->size + r] = h->sending;
            h->sending += n;
            count[r] += n;
        }
    if (rc == PS_OK) rc = ps_alloc(&h->sent, h->sending, sizeof *h->sent, "points of the halo");
    PS_TRY_DONE(ps_agree(comm, rc));
    c->sent = h->sent;
    choose(c);
    PS_TRY_DONE(ps_exchange_make(comm, count, &h->plan));
    h->arriving = h->plan.recv_start[c->size];
done:
    free(count);
    free(c->next);
    free(c->work);
    return rc;
}

static enum ps_status exchange_points(const struct ps_points *p, const struct dbscan_halo *h, void **own)
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
    if (rc == PS_OK) {
        const size_t bytes = (size_t)(p->n + h->arriving) * row;
        void *grown = realloc(*own, bytes ? bytes : 1);
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
                                const struct dbscan_cut *cut, double eps, void **own, struct dbscan_halo *out)
{
    struct dbscan_groups g = {0};
    struct dbscan_trie trie = {0};
    struct dbscan_halo h = {0};
    struct choice c = {
        .p = p, .g = &g, .slack = dom->slack, .eps2 = eps * eps, .threads = omp_get_max_threads()};
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &c.size);
    enum ps_status rc = ps_agree(comm, dbscan_groups_make(p, dom, cut, rank, &g));
    if (rc == PS_OK) rc = dbscan_trie_make(comm, cut, p->d, g.box, &trie);
    if (rc == PS_OK) rc = ps_agree(comm, dbscan_groups_walk(&g, &trie, dom, eps));
    if (rc == PS_OK) rc = plan(comm, &c, &h);
    dbscan_groups_free(&g);
    dbscan_trie_free(&trie);
    if (rc == PS_OK) rc = exchange_points(p, &h, own);
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
