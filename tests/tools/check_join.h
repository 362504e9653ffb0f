/** Connected components of core points: union-find along a walk over pairs of tree nodes. A pair is left as
 * soon as both nodes are known to be one component, so dense data costs no more than thin data. */
#ifndef CHECK_JOIN_H
#define CHECK_JOIN_H

#include "tests/tools/check_tree.h"

struct join {
    const struct tree *t; /* over the core points alone */
    double eps2;
    int64_t *parent; /* [t->n] union-find; a root is the smallest of its set */
    uint8_t *one;    /* [t->nodes] all points of the node are known to be connected */
};

static int64_t root_of(const struct join *j, int64_t i)
{
    while (j->parent[i] != i) {
        j->parent[i] = j->parent[j->parent[i]];
        i = j->parent[i];
    }
    return i;
}

static void unite(const struct join *j, int64_t a, int64_t b)
{
    a = root_of(j, a);
    b = root_of(j, b);
    if (a < b)
        j->parent[b] = a;
    else
        j->parent[a] = b;
}

static bool refresh(const struct join *j, int a)
{
    const struct node *n = &j->t->node[a];
    if (j->one[a]) return true;
    if (n->child >= 0) {
        if (!j->one[n->child] || !j->one[n->child + 1]) return false;
        j->one[a] = root_of(j, n->lo) == root_of(j, j->t->node[n->child + 1].lo);
        return j->one[a];
    }
    const int64_t first = root_of(j, n->lo);
    for (int64_t i = n->lo + 1; i < n->hi; i++)
        if (root_of(j, i) != first) return false;
    j->one[a] = true;
    return true;
}

/** Connect all points of a node. */
static void fuse(const struct join *j, int a)
{
    const struct node *n = &j->t->node[a];
    if (j->one[a]) return;
    if (n->child >= 0) {
        fuse(j, n->child);
        fuse(j, n->child + 1);
        unite(j, n->lo, j->t->node[n->child + 1].lo);
    } else {
        for (int64_t i = n->lo + 1; i < n->hi; i++) unite(j, n->lo, i);
    }
    j->one[a] = true;
}

static void leaves(const struct join *j, int a, int b)
{
    const struct tree *t = j->t;
    const struct node *na = &t->node[a], *nb = &t->node[b];
    const int64_t ahi = flat(t, a) ? na->lo + 1 : na->hi, bhi = flat(t, b) ? nb->lo + 1 : nb->hi;
    for (int64_t p = na->lo; p < ahi; p++)
        for (int64_t q = nb->lo; q < bhi; q++) {
            if (root_of(j, p) == root_of(j, q)) continue;
            if (square_distance(t, point(t, p), point(t, q)) > j->eps2) continue;
            unite(j, p, q);
            if (j->one[a] && j->one[b]) return;
        }
}

static void connect(const struct join *j, int a, int b)
{
    const struct tree *t = j->t;
    const struct node *na = &t->node[a], *nb = &t->node[b];
    const bool ones = refresh(j, a) & refresh(j, b);
    if (ones && root_of(j, na->lo) == root_of(j, nb->lo)) return;
    if (nodes_least(t, a, b) > j->eps2) return;
    if (nodes_most(t, a, b) <= j->eps2) {
        fuse(j, a);
        fuse(j, b);
        unite(j, na->lo, nb->lo);
        return;
    }
    if (na->child < 0 && nb->child < 0) {
        leaves(j, a, b);
        return;
    }
    if (nb->child < 0 || (na->child >= 0 && na->hi - na->lo >= nb->hi - nb->lo)) {
        const int other = a; /* divide the larger one; it stands second from here */
        a = b;
        b = other;
    }
    const int child = t->node[b].child;
    const bool right = nodes_least(t, a, child + 1) < nodes_least(t, a, child);
    connect(j, a, child + right);
    connect(j, a, child + !right);
}

static void join_node(const struct join *j, int a)
{
    const struct node *n = &j->t->node[a];
    if (nodes_most(j->t, a, a) <= j->eps2) {
        fuse(j, a);
        return;
    }
    if (n->child < 0) {
        leaves(j, a, a);
        refresh(j, a);
        return;
    }
#pragma omp task if (n->hi - n->lo > TASK)
    join_node(j, n->child);
    join_node(j, n->child + 1);
#pragma omp taskwait
    connect(j, n->child, n->child + 1);
    refresh(j, a);
}

/** The component of each core point.
 * @param component out [rows]: a number that points of a component share, by input row; -1 where not core */
static void find_components(const struct tree *t, double eps2, int64_t *component)
{
    struct join j = {t, eps2, grab(t->n, sizeof *j.parent), grab(t->nodes, sizeof *j.one)};
    for (int64_t i = 0; i < t->n; i++) j.parent[i] = i;
    if (t->n > 0) {
#pragma omp parallel
#pragma omp single
        join_node(&j, 0);
    }
    for (int64_t i = 0; i < t->n; i++) component[t->row[i]] = root_of(&j, i);
    free(j.parent);
    free(j.one);
}

#endif
