#include "apps/hpdbscan/dbscan_groups.h"
#include <stdlib.h>
#include "common/run/err.h"

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

/* Key bits that the keys of a bin have in common: bins are ranges of one prefix. */
static int prefix_bits(const struct dbscan_cut *cut, int64_t bin)
{
    return DBSCAN_KEY_BITS - __builtin_ctzll(cut->start[bin + 1] - cut->start[bin]);
}

enum ps_status dbscan_groups_make(const struct dbscan_cut *cut, const struct dbscan_trie *trie,
                                  const struct dbscan_domain *dom, double eps, struct dbscan_groups *out)
{
    struct dbscan_groups g = {.bin0 = cut->first[trie->rank]};
    struct walk w = {.trie = trie, .slack = dom->slack, .eps2 = eps * eps};
    double *box = NULL;
    g.n = cut->first[trie->rank + 1] - g.bin0;
    enum ps_status rc = ps_alloc(&g.first, g.n + 1, sizeof *g.first, "lists of near ranks");
    if (rc == PS_OK) rc = ps_alloc(&box, 2 * (int64_t)dom->d, sizeof *box, "lists of near ranks");
    if (rc == PS_OK)
        rc = ps_alloc(&g.coarse, 1 << DBSCAN_COARSE_BITS, sizeof *g.coarse, "lists of near ranks");
    for (int c = 0; rc == PS_OK && c < 1 << DBSCAN_COARSE_BITS; c++) g.coarse[c] = DBSCAN_NONE;
    for (int64_t i = 0; rc == PS_OK && i < g.n; i++) {
        const int64_t bin = g.bin0 + i;
        g.first[i] = w.n;
        const uint32_t coarse = dbscan_domain_coarse_of(dom, cut->start[bin]);
        if (!trie->seen[coarse]) continue;
        const int bits = prefix_bits(cut, bin);
        dbscan_domain_box(dom, cut->start[bin], bits, box);
        rc = walk_node(&w, w.n, box, 0);
        if (w.n > g.first[i]) g.coarse[coarse] = bits == DBSCAN_COARSE_BITS ? (int32_t)i : DBSCAN_MANY;
    }
    if (rc == PS_OK) g.first[g.n] = w.n;
    g.near = w.near;
    free(box);
    if (rc != PS_OK) dbscan_groups_free(&g);
    *out = g;
    return rc;
}

void dbscan_groups_free(struct dbscan_groups *g)
{
    free(g->coarse);
    free(g->first);
    free(g->near);
    *g = (struct dbscan_groups){0};
}
