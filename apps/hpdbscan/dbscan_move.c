#include "apps/hpdbscan/dbscan_move.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* Count the points of each thread's part for each rank. count is [threads][size]. */
static void count_points(const struct dbscan_cut *cut, const int *owner, const uint64_t *key, int64_t n,
                         int threads, int64_t *count)
{
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++) {
        const struct ps_range part = ps_block(n, threads, t);
        int64_t *mine = count + (int64_t)t * cut->size;
        for (int64_t i = part.lo; i < part.hi; i++) mine[owner[dbscan_cut_bin(cut, key[i])]]++;
    }
}

/* Turn counts into the places where each thread's points of each rank start. */
static void starts(int64_t *count, int threads, int size)
{
    int64_t at = 0;
    for (int r = 0; r < size; r++)
        for (int t = 0; t < threads; t++) {
            const int64_t n = count[(int64_t)t * size + r];
            count[(int64_t)t * size + r] = at;
            at += n;
        }
}

static void pack(const struct ps_points *p, const struct dbscan_cut *cut, const int *owner,
                 const uint64_t *key, int threads, int64_t *next, struct dbscan_move *m)
{
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++) {
        const struct ps_range part = ps_block(p->n, threads, t);
        int64_t *mine = next + (int64_t)t * cut->size;
        for (int64_t i = part.lo; i < part.hi; i++) {
            const int64_t at = mine[owner[dbscan_cut_bin(cut, key[i])]]++;
            m->order[at] = (uint32_t)i;
            dbscan_rows_copy(m->packed + (size_t)at * m->row, (const char *)p->data + (size_t)i * m->row,
                             m->row);
        }
    }
}

enum ps_status dbscan_move_pack(MPI_Comm comm, const struct ps_points *p, const struct dbscan_cut *cut,
                                const uint64_t *key, struct dbscan_move *out)
{
    struct dbscan_move m = {.row = dbscan_rows_size(p), .n = p->n};
    const int threads = omp_get_max_threads();
    int *owner = NULL;
    int64_t *next = NULL, *count = NULL;
    enum ps_status rc = ps_alloc(&owner, cut->bins, sizeof *owner, "owners of bins");
    if (rc == PS_OK) rc = ps_zalloc(&next, (int64_t)cut->size * threads, sizeof *next, "counts per rank");
    if (rc == PS_OK) rc = ps_zalloc(&count, cut->size, sizeof *count, "counts per rank");
    if (rc == PS_OK) rc = ps_alloc(&m.order, p->n, sizeof *m.order, "the order of points");
    if (rc == PS_OK) rc = ps_alloc(&m.packed, p->n, m.row, "points for other ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int r = 0; r < cut->size; r++)
        for (int64_t bin = cut->first[r]; bin < cut->first[r + 1]; bin++) owner[bin] = r;
    count_points(cut, owner, key, p->n, threads, next);
    for (int t = 0; t < threads; t++)
        for (int r = 0; r < cut->size; r++) count[r] += next[(int64_t)t * cut->size + r];
    PS_TRY_DONE(ps_exchange_make(comm, count, &m.plan));
    starts(next, threads, cut->size);
    pack(p, cut, owner, key, threads, next, &m);
    m.own = m.plan.recv_start[cut->size];
done:
    free(owner);
    free(next);
    free(count);
    if (rc != PS_OK) dbscan_move_free(&m);
    *out = m;
    return rc;
}

enum ps_status dbscan_move_run(struct dbscan_move *m, void **own)
{
    *own = NULL;
    enum ps_status rc = ps_agree(m->plan.comm, ps_alloc(own, m->own, m->row, "this rank's points"));
    if (rc == PS_OK) rc = ps_exchange_run(&m->plan, m->packed, *own, m->row);
    free(m->packed);
    m->packed = NULL;
    if (rc != PS_OK) free(*own), *own = NULL;
    return rc;
}

enum ps_status dbscan_move_back(const struct dbscan_move *m, int64_t *own, int64_t **label)
{
    int64_t *sent = NULL;
    *label = NULL;
    enum ps_status rc = ps_agree(m->plan.comm, ps_alloc(&sent, m->n, sizeof *sent, "labels"));
    if (rc == PS_OK) rc = ps_exchange_back(&m->plan, own, sent, sizeof *sent);
    free(own);
    if (rc == PS_OK) rc = ps_agree(m->plan.comm, ps_alloc(label, m->n, sizeof **label, "labels"));
    if (rc == PS_OK) {
        int64_t *to = *label;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < m->n; i++) to[m->order[i]] = sent[i];
    }
    free(sent);
    return rc;
}

void dbscan_move_free(struct dbscan_move *m)
{
    ps_exchange_free(&m->plan);
    free(m->order);
    free(m->packed);
    *m = (struct dbscan_move){0};
}
