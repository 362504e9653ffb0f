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

/* This rank's leaves from its bins; all leaves from all ranks; inner nodes from their children, which come
 * after them. */
static enum ps_status fill_boxes(MPI_Comm comm, struct dbscan_trie *t, const struct dbscan_cut *cut,
                                 const double *bin_box)
{
    const int width = 2 * t->d;
    const int64_t bin0 = cut->first[t->rank], bin1 = cut->first[t->rank + 1];
    double *leaf_box = NULL;
    int *count = NULL, *start = NULL;
    enum ps_status rc = ps_alloc(&leaf_box, (int64_t)t->leaves * width, sizeof *leaf_box, "boxes of ranks");
    if (rc == PS_OK) rc = ps_zalloc(&count, t->size, sizeof *count, "boxes of ranks");
    if (rc == PS_OK) rc = ps_alloc(&start, t->size, sizeof *start, "boxes of ranks");
    if (rc == PS_OK && (int64_t)t->leaves * width > INT32_MAX)
        rc = ps_fail(PS_EINTERNAL, "too many boxes of ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    int64_t bin = bin0;
    for (int32_t l = 0; l < t->leaves; l++) {
        double *box = leaf_box + (int64_t)l * width;
        dbscan_box_clear(t->d, box);
        count[t->node[t->leaf[l]].rank] += width;
        if (t->node[t->leaf[l]].rank != t->rank) continue;
        for (; bin < bin1 && cut->start[bin] < t->start[l + 1]; bin++)
            dbscan_box_add(t->d, box, bin_box + (bin - bin0) * width);
    }
    for (int r = 0, at = 0; r < t->size; r++) start[r] = at, at += count[r];
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, leaf_box, count, start, MPI_DOUBLE, comm);
    for (int32_t l = 0; l < t->leaves; l++)
        memcpy(t->box + (int64_t)t->leaf[l] * width, leaf_box + (int64_t)l * width,
               (size_t)width * sizeof *leaf_box);
    for (int32_t i = t->nodes - 1; i >= 0; i--) {
        if (t->node[i].child < 0) continue;
        dbscan_box_clear(t->d, t->box + (int64_t)i * width);
        for (int c = 0; c < 2; c++)
            dbscan_box_add(t->d, t->box + (int64_t)i * width,
                           t->box + (int64_t)(t->node[i].child + c) * width);
    }
done:
    free(leaf_box);
    free(count);
    free(start);
    return rc;
}

enum ps_status dbscan_trie_make(MPI_Comm comm, const struct dbscan_cut *cut, int d, const double *bin_box,
                                struct dbscan_trie *out)
{
    struct dbscan_trie t = {.d = d, .nodes = 1};
    struct build b = {.t = &t, .cut = cut};
    MPI_Comm_size(comm, &t.size);
    MPI_Comm_rank(comm, &t.rank);
    enum ps_status rc = build_room(&b);
    if (rc == PS_OK) rc = build_node(&b, 0, 0, 0);
    if (rc == PS_OK) t.start[t.leaves] = (uint64_t)1 << DBSCAN_KEY_BITS;
    if (rc == PS_OK) rc = ps_alloc(&t.box, (int64_t)t.nodes * 2 * d, sizeof *t.box, "boxes of ranks");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = fill_boxes(comm, &t, cut, bin_box);
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
    *t = (struct dbscan_trie){0};
}
