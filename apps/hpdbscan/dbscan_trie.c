#include "apps/hpdbscan/dbscan_trie.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

double dbscan_box_distance(int d, const double *a, const double *b, const double *slack)
{
    double sum = 0;
    for (int k = 0; k < d; k++) {
        const double below = b[k] - a[d + k], above = a[k] - b[d + k];
        const double gap = (below > above ? below : above) - slack[k];
        if (gap > 0) sum += gap * gap;
    }
    return sum;
}

double dbscan_box_farthest(int d, const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < d; k++) {
        const double below = b[k] - a[k], above = a[d + k] - b[d + k];
        const double gap = below > above ? below : above;
        if (gap > 0) sum += gap * gap;
    }
    return sum;
}

double dbscan_point_distance(int d, const double *x, const double *box, const double *slack)
{
    double sum = 0;
    for (int k = 0; k < d; k++) {
        const double below = box[k] - x[k], above = x[k] - box[d + k];
        const double gap = (below > above ? below : above) - slack[k];
        if (gap > 0) sum += gap * gap;
    }
    return sum;
}

void dbscan_box_clear(int d, double *box)
{
    for (int k = 0; k < d; k++) box[k] = (double)INFINITY, box[d + k] = -(double)INFINITY;
}

void dbscan_box_add(int d, double *a, const double *b)
{
    for (int k = 0; k < d; k++) {
        if (b[k] < a[k]) a[k] = b[k];
        if (b[d + k] > a[d + k]) a[d + k] = b[d + k];
    }
}

/* A trie while it is built. */
struct build {
    struct dbscan_trie *t;
    const struct dbscan_cut *cut;
    int64_t room;
};

static enum ps_status build_room(struct build *b)
{
    struct dbscan_trie *t = b->t;
    if (t->nodes + 2 <= b->room) return PS_OK;
    const int64_t room = 2 * (int64_t)t->nodes + 62;
    void *node = realloc(t->node, (size_t)room * sizeof *t->node);
    if (node) t->node = node;
    void *leaf = realloc(t->leaf, (size_t)room * sizeof *t->leaf);
    if (leaf) t->leaf = leaf;
    void *start = realloc(t->start, ((size_t)room + 1) * sizeof *t->start);
    if (start) t->start = start;
    PS_CHECK(node && leaf && start && room < INT32_MAX, PS_ENOMEM, "no memory for the trie of %d ranks",
             t->size);
    b->room = room;
    return PS_OK;
}

/* Bins are ranges of one prefix and no border lies inside a bin, so a node with a border inside consists of
 * whole bins. */
static enum ps_status build_node(struct build *b, int32_t at, uint64_t start, int bits)
{
    struct dbscan_trie *t = b->t;
    const uint64_t end = start + ((uint64_t)1 << (DBSCAN_KEY_BITS - bits));
    const int first = dbscan_cut_owner(b->cut, dbscan_cut_bin(b->cut, start));
    const int last = dbscan_cut_owner(b->cut, dbscan_cut_bin(b->cut, end - 1));
    if (first == last) {
        t->node[at] = (struct dbscan_node){.child = -1, .rank = first};
        t->start[t->leaves] = start;
        t->leaf[t->leaves++] = at;
        return PS_OK;
    }
    PS_TRY(build_room(b));
    const int32_t child = t->nodes;
    t->nodes += 2;
    t->node[at] = (struct dbscan_node){.child = child, .rank = -1};
    PS_TRY(build_node(b, child, start, bits + 1));
    return build_node(b, child + 1, start + (end - start) / 2, bits + 1);
}

static void boxes_up(struct dbscan_trie *t, const double *leaf_box)
{
    const int width = 2 * t->d;
    for (int32_t l = 0; l < t->leaves; l++)
        memcpy(t->box + (int64_t)t->leaf[l] * width, leaf_box + (int64_t)l * width,
               (size_t)width * sizeof *leaf_box);
    for (int32_t i = t->nodes - 1; i >= 0; i--) { /* children come after their parents */
        if (t->node[i].child < 0) continue;
        dbscan_box_clear(t->d, t->box + (int64_t)i * width);
        for (int c = 0; c < 2; c++)
            dbscan_box_add(t->d, t->box + (int64_t)i * width,
                           t->box + (int64_t)(t->node[i].child + c) * width);
    }
}

enum ps_status dbscan_trie_boxes(MPI_Comm comm, struct dbscan_trie *t, double *leaf_box)
{
    /* minima and negated maxima in one reduction, a part of it at a time because counts are int */
    const int64_t n = (int64_t)t->leaves * 2 * t->d;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < n; i++)
            if (i % (2 * t->d) >= t->d) leaf_box[i] = -leaf_box[i];
        for (int64_t at = 0; pass == 0 && at < n; at += 1 << 24)
            MPI_Allreduce(MPI_IN_PLACE, leaf_box + at, (int)(n - at < 1 << 24 ? n - at : 1 << 24), MPI_DOUBLE,
                          MPI_MIN, comm);
    }
    boxes_up(t, leaf_box);
    MPI_Allreduce(MPI_IN_PLACE, t->seen, 1 << DBSCAN_COARSE_BITS, MPI_UINT8_T, MPI_MAX, comm);
    return PS_OK;
}

enum ps_status dbscan_trie_make(MPI_Comm comm, const struct dbscan_cut *cut, int d, struct dbscan_trie *out)
{
    struct dbscan_trie t = {.d = d, .nodes = 1};
    struct build b = {.t = &t, .cut = cut};
    MPI_Comm_size(comm, &t.size);
    MPI_Comm_rank(comm, &t.rank);
    enum ps_status rc = build_room(&b);
    if (rc == PS_OK) rc = build_node(&b, 0, 0, 0);
    if (rc == PS_OK) t.start[t.leaves] = (uint64_t)1 << DBSCAN_KEY_BITS;
    if (rc == PS_OK) rc = ps_alloc(&t.box, (int64_t)t.nodes * 2 * d, sizeof *t.box, "boxes of ranks");
    if (rc == PS_OK) rc = ps_alloc(&t.of_bin, cut->bins, sizeof *t.of_bin, "leaves of bins");
    if (rc == PS_OK) rc = ps_zalloc(&t.seen, 1 << DBSCAN_COARSE_BITS, sizeof *t.seen, "occupied cells");
    for (int64_t bin = 0, leaf = 0; rc == PS_OK && bin < cut->bins; bin++) {
        while (t.start[leaf + 1] <= cut->start[bin]) leaf++;
        t.of_bin[bin] = (int32_t)leaf;
    }
    if (rc != PS_OK) dbscan_trie_free(&t);
    *out = t;
    return rc;
}

void dbscan_trie_free(struct dbscan_trie *t)
{
    free(t->node);
    free(t->box);
    free(t->leaf);
    free(t->start);
    free(t->of_bin);
    free(t->seen);
    *t = (struct dbscan_trie){0};
}
