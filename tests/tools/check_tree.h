/** The checker's own k-d tree and distances; it shares nothing with kernels/ but the types' names.
 *
 * The distance of two points is the sum over k, in order, of (x_k - y_k)^2 in double precision. Rounding
 * keeps order, so the same sum over the gaps (or the spans) of two boxes is never more (less) than the
 * distance, as evaluated, of any two points in them: pruning by boxes is exact. */
#ifndef CHECK_TREE_H
#define CHECK_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A coordinate: a double, or a 64-bit integer where these must be subtracted exactly. */
union coord {
    double f;
    int64_t i;
};

enum { LEAF = 16, TASK = 20000 };

struct node {
    int64_t lo, hi; /* points [lo, hi) in the order of the tree */
    int child;      /* the left one, the right one follows; -1: a leaf */
    int parent;     /* -1: the root */
};

struct tree {
    int64_t n;
    int d;
    bool whole;     /* coordinates are 64-bit integers */
    union coord *x; /* [n][d] in the order of the tree */
    int64_t *row;   /* [n] input row of each */
    struct node *node;
    union coord *box; /* [nodes][2 d] minima, then maxima */
    int nodes;
};

static void *grab(int64_t n, size_t size)
{
    void *p = calloc((size_t)(n > 0 ? n : 1), size);
    if (!p) {
        fprintf(stderr, "dbscan-check: no memory for %lld objects of %zu bytes\n", (long long)n, size);
        exit(2);
    }
    return p;
}

static inline bool less(const struct tree *t, union coord a, union coord b)
{
    return t->whole ? a.i < b.i : a.f < b.f;
}

/** a - b where a > b, else 0. */
static inline double over(const struct tree *t, union coord a, union coord b)
{
    if (!less(t, b, a)) return 0;
    return t->whole ? (double)((uint64_t)a.i - (uint64_t)b.i) : a.f - b.f;
}

static inline double square_distance(const struct tree *t, const union coord *a, const union coord *b)
{
    double sum = 0;
    for (int k = 0; k < t->d; k++) {
        const double v = t->whole ? over(t, a[k], b[k]) + over(t, b[k], a[k]) : a[k].f - b[k].f;
        sum += v * v;
    }
    return sum;
}

/** The least that points of two boxes can be apart. A point is a box with lo = hi. */
static inline double least(const struct tree *t, const union coord *alo, const union coord *ahi,
                           const union coord *blo, const union coord *bhi)
{
    double sum = 0;
    for (int k = 0; k < t->d; k++) {
        const double left = over(t, alo[k], bhi[k]), right = over(t, blo[k], ahi[k]);
        const double v = left > right ? left : right;
        sum += v * v;
    }
    return sum;
}

/** The most that they can be apart. */
static inline double most(const struct tree *t, const union coord *alo, const union coord *ahi,
                          const union coord *blo, const union coord *bhi)
{
    double sum = 0;
    for (int k = 0; k < t->d; k++) {
        const double left = over(t, ahi[k], blo[k]), right = over(t, bhi[k], alo[k]);
        const double v = left > right ? left : right;
        sum += v * v;
    }
    return sum;
}

static inline const union coord *low(const struct tree *t, int a)
{
    return t->box + (int64_t)a * 2 * t->d;
}
static inline const union coord *high(const struct tree *t, int a)
{
    return low(t, a) + t->d;
}
static inline const union coord *point(const struct tree *t, int64_t i)
{
    return t->x + i * t->d;
}
static inline double nodes_least(const struct tree *t, int a, int b)
{
    return least(t, low(t, a), high(t, a), low(t, b), high(t, b));
}
static inline double nodes_most(const struct tree *t, int a, int b)
{
    return most(t, low(t, a), high(t, a), low(t, b), high(t, b));
}

/** All its points are equal. */
static inline bool flat(const struct tree *t, int a)
{
    for (int k = 0; k < t->d; k++)
        if (less(t, low(t, a)[k], high(t, a)[k])) return false;
    return true;
}

static void swap_points(struct tree *t, int64_t i, int64_t j)
{
    const int64_t row = t->row[i];
    t->row[i] = t->row[j];
    t->row[j] = row;
    for (int k = 0; k < t->d; k++) {
        const union coord c = t->x[i * t->d + k];
        t->x[i * t->d + k] = t->x[j * t->d + k];
        t->x[j * t->d + k] = c;
    }
}

/* Hoare's selection: afterwards nothing before `mid` is more, and nothing after it less, along axis k. */
static void select_middle(struct tree *t, int64_t lo, int64_t hi, int64_t mid, int k)
{
    const int d = t->d;
    hi--;
    while (lo < hi) {
        const int64_t third = (hi - lo) / 3;
        union coord a = t->x[(lo + third) * d + k], b = t->x[(lo + (hi - lo) / 2) * d + k],
                    c = t->x[(hi - third) * d + k], pivot;
        pivot = less(t, a, b) ? (less(t, b, c)   ? b
                                 : less(t, a, c) ? c
                                                 : a)
                              : (less(t, a, c)   ? a
                                 : less(t, b, c) ? c
                                                 : b);
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (less(t, t->x[i * d + k], pivot)) i++;
            while (less(t, pivot, t->x[j * d + k])) j--;
            if (i <= j) swap_points(t, i++, j--);
        }
        if (mid <= j)
            hi = j;
        else if (mid >= i)
            lo = i;
        else
            return;
    }
}

static void bound(struct tree *t, int a)
{
    const int d = t->d;
    union coord *lo = t->box + (int64_t)a * 2 * d, *hi = lo + d;
    memcpy(lo, point(t, t->node[a].lo), (size_t)d * sizeof *lo);
    memcpy(hi, lo, (size_t)d * sizeof *hi);
    for (int64_t i = t->node[a].lo + 1; i < t->node[a].hi; i++)
        for (int k = 0; k < d; k++) {
            const union coord c = t->x[i * d + k];
            if (less(t, c, lo[k])) lo[k] = c;
            if (less(t, hi[k], c)) hi[k] = c;
        }
}

static void grow(struct tree *t, int a)
{
    struct node *n = &t->node[a];
    int widest = 0, child;
    n->child = -1;
    bound(t, a);
    if (n->hi - n->lo <= LEAF || flat(t, a)) return;
    for (int k = 1; k < t->d; k++)
        if (over(t, high(t, a)[k], low(t, a)[k]) > over(t, high(t, a)[widest], low(t, a)[widest])) widest = k;
    const int64_t mid = n->lo + (n->hi - n->lo) / 2;
    select_middle(t, n->lo, n->hi, mid, widest);
#pragma omp atomic capture
    {
        child = t->nodes;
        t->nodes += 2;
    }
    n->child = child;
    t->node[child] = (struct node){.lo = n->lo, .hi = mid, .parent = a};
    t->node[child + 1] = (struct node){.lo = mid, .hi = n->hi, .parent = a};
#pragma omp task if (n->hi - n->lo > TASK)
    grow(t, child);
    grow(t, child + 1);
}

/** Build the tree over t->x and t->row, which it puts in order. No nodes without points. */
static void tree_build(struct tree *t)
{
    const int64_t room = 4 * t->n / LEAF + 3; /* a leaf holds LEAF/2 points or more */
    t->node = grab(room, sizeof *t->node);
    t->box = grab(room * 2 * t->d, sizeof *t->box);
    if (t->n == 0) return;
    t->node[0] = (struct node){.lo = 0, .hi = t->n, .parent = -1};
    t->nodes = 1;
#pragma omp parallel
#pragma omp single
    grow(t, 0);
}

static void tree_free(struct tree *t)
{
    free(t->x);
    free(t->row);
    free(t->node);
    free(t->box);
}

#endif
