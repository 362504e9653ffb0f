/** Core points by counting: a leaf of the tree at a time, each point no further than minPts. */
#ifndef CHECK_CORE_H
#define CHECK_CORE_H

#include "tests/tools/check_tree.h"

enum { NEARBY = 4096 }; /* points of a common ancestor that are tried before the whole tree */

/* What the points of one leaf may have as neighbours. */
struct around {
    int64_t sure; /* points within eps of all of the leaf */
    int *leaf;    /* [n] leaves that may hold more */
    int n, room;
};

static void gather(const struct tree *t, int leaf, int a, double eps2, int64_t enough, struct around *out)
{
    if (out->sure >= enough || nodes_least(t, leaf, a) > eps2) return;
    if (nodes_most(t, leaf, a) <= eps2) {
        out->sure += t->node[a].hi - t->node[a].lo;
        return;
    }
    const int child = t->node[a].child;
    if (child < 0) {
        if (out->n == out->room) {
            out->room = 2 * out->room + 64;
            out->leaf = realloc(out->leaf, (size_t)out->room * sizeof *out->leaf);
            if (!out->leaf) abort();
        }
        out->leaf[out->n++] = a;
        return;
    }
    const bool right = nodes_least(t, leaf, child + 1) < nodes_least(t, leaf, child);
    gather(t, leaf, child + right, eps2, enough, out);
    gather(t, leaf, child + !right, eps2, enough, out);
}

/** Points in [lo, hi) near to point i, counted up to `enough`. */
static int64_t count_range(const struct tree *t, int64_t i, int64_t lo, int64_t hi, double eps2,
                           int64_t enough)
{
    int64_t count = 0;
    for (int64_t j = lo; j < hi && count < enough; j++)
        count += square_distance(t, point(t, i), point(t, j)) <= eps2;
    return count;
}

static bool enough_around(const struct tree *t, int64_t i, const struct around *near, double eps2,
                          int64_t enough)
{
    int64_t count = near->sure;
    const union coord *x = point(t, i);
    for (int c = 0; c < near->n && count < enough; c++) {
        const int b = near->leaf[c];
        const struct node *leaf = &t->node[b];
        if (least(t, x, x, low(t, b), high(t, b)) > eps2) continue;
        if (most(t, x, x, low(t, b), high(t, b)) <= eps2)
            count += leaf->hi - leaf->lo;
        else
            count += count_range(t, i, leaf->lo, leaf->hi, eps2, enough - count);
    }
    return count >= enough;
}

/* The range of the nearest ancestor that holds points enough, if it is small; else an empty one. */
static struct node nearby(const struct tree *t, int leaf, int64_t enough)
{
    int a = leaf;
    while (t->node[a].parent >= 0 && t->node[a].hi - t->node[a].lo < 4 * enough) a = t->node[a].parent;
    struct node out = t->node[a];
    if (out.hi - out.lo > NEARBY || flat(t, leaf)) out.hi = out.lo;
    return out;
}

static void core_leaf(const struct tree *t, int leaf, double eps2, int64_t enough, struct around *near,
                      uint8_t *core)
{
    const struct node n = t->node[leaf];
    int64_t left = 0;
    if (n.hi - n.lo >= enough && nodes_most(t, leaf, leaf) <= eps2) {
        for (int64_t i = n.lo; i < n.hi; i++) core[t->row[i]] = 1;
        return;
    }
    const struct node first = enough < NEARBY ? nearby(t, leaf, enough) : (struct node){0};
    for (int64_t i = n.lo; i < n.hi; i++) {
        core[t->row[i]] = count_range(t, i, first.lo, first.hi, eps2, enough) >= enough;
        left += !core[t->row[i]];
    }
    if (left == 0) return;
    near->sure = near->n = 0;
    gather(t, leaf, 0, eps2, enough, near);
    for (int64_t i = n.lo; i < n.hi; i++)
        if (!core[t->row[i]]) core[t->row[i]] = enough_around(t, i, near, eps2, enough);
}

/** core[row] = 1 for points with at least `enough` points, themselves included, within eps. */
static void find_core(const struct tree *t, double eps2, int64_t enough, uint8_t *core)
{
#pragma omp parallel
    {
        struct around near = {0};
#pragma omp for schedule(dynamic, 64)
        for (int a = 0; a < t->nodes; a++)
            if (t->node[a].child < 0) core_leaf(t, a, eps2, enough, &near, core);
        free(near.leaf);
    }
}

#endif
