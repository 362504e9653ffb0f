#include "apps/hpdbscan/dbscan_groups.h"
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* Boxes are kept per thread while they grow; this bounds their memory. */
static int box_threads(int64_t groups, int d)
{
    const int64_t bytes = groups * 2 * d * (int64_t)sizeof(double),
                  most = bytes > 0 ? ((int64_t)256 << 20) / bytes : 1;
    const int threads = omp_get_max_threads();
    return most < 1 ? 1 : most < threads ? (int)most : threads;
}

static void group_rows(const struct ps_points *p, const struct dbscan_domain *dom,
                       const struct dbscan_cut *cut, int64_t first, struct ps_range rows, double *work,
                       uint32_t *of, double *box)
{
    const int d = p->d;
    const int64_t block = dbscan_rows_block(d);
    uint64_t *key = (uint64_t *)(work + block * d);
    for (int64_t at = rows.lo; at < rows.hi; at += block) {
        const int64_t end = at + block < rows.hi ? at + block : rows.hi;
        const double *x = dbscan_rows_double(p, at, end, work);
        dbscan_domain_keys(dom, x, end - at, key);
        for (int64_t i = 0; i < end - at; i++) {
            const int64_t group = dbscan_cut_bin(cut, key[i]) - first;
            double *b = box + group * 2 * d;
            of[at + i] = (uint32_t)group;
            for (int k = 0; k < d; k++) {
                const double v = x[i * d + k];
                b[k] = v < b[k] ? v : b[k];
                b[d + k] = v > b[d + k] ? v : b[d + k];
            }
        }
    }
}

enum ps_status dbscan_groups_make(const struct ps_points *p, const struct dbscan_domain *dom,
                                  const struct dbscan_cut *cut, int rank, struct dbscan_groups *out)
{
    struct dbscan_groups g = {.n = cut->first[rank + 1] - cut->first[rank]};
    const int d = p->d, threads = box_threads(g.n, d);
    const int64_t block = dbscan_rows_block(d), all = g.n * 2 * d;
    double *work = NULL, *boxes = NULL;
    *out = g;
    PS_CHECK(g.n < UINT32_MAX, PS_EINTERNAL, "too many groups of points");
    enum ps_status rc = ps_alloc(&work, threads * block * (d + 1), sizeof *work, "groups of points");
    if (rc == PS_OK) rc = ps_alloc(&boxes, all * threads, sizeof *boxes, "boxes of groups");
    if (rc == PS_OK) rc = ps_alloc(&g.of, p->n, sizeof *g.of, "groups of points");
    if (rc == PS_OK) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int t = 0; t < threads; t++) {
            double *box = boxes + all * t;
            for (int64_t i = 0; i < g.n; i++) dbscan_box_clear(d, box + i * 2 * d);
            group_rows(p, dom, cut, cut->first[rank], dbscan_rows_part(p->n, d, threads, t),
                       work + t * block * (d + 1), g.of, box);
        }
        for (int t = 1; t < threads; t++)
            for (int64_t i = 0; i < g.n; i++)
                dbscan_box_add(d, boxes + i * 2 * d, boxes + all * t + i * 2 * d);
        g.box = boxes;
    }
    free(work);
    if (rc != PS_OK) {
        free(boxes);
        dbscan_groups_free(&g);
    }
    *out = g;
    return rc;
}

/* One group's walk. */
struct walk {
    const struct dbscan_trie *trie;
    const double *slack;
    double eps2;
    struct dbscan_near *near;
    int64_t n, room;
};

static enum ps_status walk_add(struct walk *w, int rank, const double *box)
{
    if (w->n == w->room) {
        const int64_t room = w->room ? 2 * w->room : 1024;
        void *near = realloc(w->near, (size_t)room * sizeof *w->near);
        PS_CHECK(near, PS_ENOMEM, "no memory for %lld boxes of near ranks", (long long)room);
        w->near = near;
        w->room = room;
    }
    w->near[w->n++] = (struct dbscan_near){rank, box};
    return PS_OK;
}

/* Leaves are met in key order, so a rank's leaves are met one after another. */
static enum ps_status walk_node(struct walk *w, int64_t list, const double *group, int32_t at)
{
    const struct dbscan_trie *t = w->trie;
    const double *box = t->box + (int64_t)at * 2 * t->d;
    const struct dbscan_node *node = t->node + at;
    if (box[0] > box[t->d] || (node->child < 0 && node->rank == t->rank)) return PS_OK;
    if (!(dbscan_box_distance(t->d, group, box, w->slack) <= w->eps2)) return PS_OK;
    if (node->child >= 0) {
        PS_TRY(walk_node(w, list, group, node->child));
        return walk_node(w, list, group, node->child + 1);
    }
    if (w->n > list && w->near[w->n - 1].rank == node->rank && !w->near[w->n - 1].box) return PS_OK;
    if (dbscan_box_farthest(t->d, group, box) <= w->eps2) {
        while (w->n > list && w->near[w->n - 1].rank == node->rank) w->n--;
        return walk_add(w, node->rank, NULL);
    }
    return walk_add(w, node->rank, box);
}

enum ps_status dbscan_groups_walk(struct dbscan_groups *g, const struct dbscan_trie *trie,
                                  const struct dbscan_domain *dom, double eps)
{
    struct walk w = {.trie = trie, .slack = dom->slack, .eps2 = eps * eps};
    enum ps_status rc = ps_alloc(&g->first, g->n + 1, sizeof *g->first, "lists of near ranks");
    for (int64_t i = 0; rc == PS_OK && i < g->n; i++) {
        const double *box = g->box + i * 2 * trie->d;
        g->first[i] = w.n;
        if (box[0] <= box[trie->d]) rc = walk_node(&w, w.n, box, 0);
    }
    if (rc == PS_OK) g->first[g->n] = w.n;
    g->near = w.near;
    return rc;
}

void dbscan_groups_free(struct dbscan_groups *g)
{
    free(g->of);
    free(g->box);
    free(g->first);
    free(g->near);
    *g = (struct dbscan_groups){0};
}
