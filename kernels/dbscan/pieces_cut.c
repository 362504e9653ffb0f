#include "kernels/dbscan/pieces_cut.h"
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SAMPLE = 1023 }; /* coordinates from which a median is taken */

/* A coordinate: `whole` of 64-bit integers, which double does not hold; `real` of all others. Unsigned ones
 * keep their order and differences with the top bit flipped. */
union place {
    double real;
    int64_t whole;
};

struct cut {
    const struct ps_pieces_rule *rule;
    double eps2;
    bool whole;
};

struct set {
    uint32_t *point; /* [n]: own, then halo */
    int64_t own, n;
    union place *box; /* [2][d]: least and largest coordinates of the own points */
};

static inline union place place_of(const struct ps_points *p, int64_t i, int k)
{
    const int64_t at = i * p->d + k;
    if (p->type == PS_I64) return (union place){.whole = ((const int64_t *)p->data)[at]};
    if (p->type == PS_U64)
        return (union place){.whole = (int64_t)(((const uint64_t *)p->data)[at] ^ UINT64_C(1) << 63)};
    return (union place){.real = ps_points_at(p, i, k)};
}

static inline bool below(const struct cut *c, union place a, union place b)
{
    return c->whole ? a.whole < b.whole : a.real < b.real;
}

/* a - b, where b is not above a, rounded as the definition of neighbours does. */
static inline double minus(const struct cut *c, union place a, union place b)
{
    return c->whole ? (double)((uint64_t)a.whole - (uint64_t)b.whole) : a.real - b.real;
}

/* Can point i be a neighbour of a point in the box? The sum is that of the definition for the nearest place
 * of the box. Differences, squares and sums are rounded monotonically, so for no point of the box the
 * definition gives less, and what is left out here is no neighbour there. */
static bool is_near(const struct cut *c, int64_t i, const union place *box)
{
    const struct ps_points *p = &c->rule->points;
    double sum = 0;
    for (int k = 0; k < p->d && sum <= c->eps2; k++) {
        const union place v = place_of(p, i, k);
        double gap = 0;
        if (below(c, v, box[k])) gap = minus(c, box[k], v);
        if (below(c, box[p->d + k], v)) gap = minus(c, v, box[p->d + k]);
        sum += gap * gap;
    }
    return sum <= c->eps2;
}

static void find_box(const struct cut *c, struct set *s)
{
    const struct ps_points *p = &c->rule->points;
    union place *lo = s->box, *hi = s->box + p->d;
    for (int k = 0; k < p->d; k++) lo[k] = hi[k] = place_of(p, s->point[0], k);
#pragma omp parallel
    {
        const int64_t threads = omp_get_num_threads(), me = omp_get_thread_num();
        const int64_t from = s->own * me / threads, to = s->own * (me + 1) / threads;
        for (int k = 0; k < p->d && from < to; k++) {
            union place low = place_of(p, s->point[from], k), high = low;
            for (int64_t i = from + 1; i < to; i++) {
                const union place v = place_of(p, s->point[i], k);
                if (below(c, v, low)) low = v;
                if (below(c, high, v)) high = v;
            }
#pragma omp critical(ps_pieces_box)
            {
                if (below(c, low, lo[k])) lo[k] = low;
                if (below(c, hi[k], high)) hi[k] = high;
            }
        }
    }
}

static int by_real(const void *a, const void *b)
{
    const double x = ((const union place *)a)->real, y = ((const union place *)b)->real;
    return (x > y) - (x < y);
}

static int by_whole(const void *a, const void *b)
{
    const int64_t x = ((const union place *)a)->whole, y = ((const union place *)b)->whole;
    return (x > y) - (x < y);
}

/* Into which half each own point goes, 0 or 1; both get some. @return are there two different points? */
static bool halve(const struct cut *c, const struct set *s, uint8_t *half)
{
    const struct ps_points *p = &c->rule->points;
    const union place *lo = s->box, *hi = s->box + p->d;
    union place sample[SAMPLE];
    const int64_t n = s->own < SAMPLE ? s->own : SAMPLE;
    int widest = 0;
    for (int k = 1; k < p->d; k++)
        if (minus(c, hi[k], lo[k]) > minus(c, hi[widest], lo[widest])) widest = k;
    if (!below(c, lo[widest], hi[widest])) return false;
    for (int64_t i = 0; i < n; i++) sample[i] = place_of(p, s->point[i * s->own / n], widest);
    qsort(sample, (size_t)n, sizeof *sample, c->whole ? by_whole : by_real);
    const union place middle = sample[n / 2];
    const bool least = !below(c, lo[widest], middle); /* nothing is below it: it stays in the lower half */
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->own; i++) {
        const union place v = place_of(p, s->point[i], widest);
        half[i] = least ? below(c, middle, v) : !below(c, v, middle);
    }
    return true;
}

/* Those of a list whose mark is `wanted`. @return how many */
static int64_t take(const uint32_t *point, const uint8_t *mark, int64_t n, int wanted, uint32_t *out)
{
    int64_t taken = 0;
    for (int64_t i = 0; i < n; i++)
        if (mark[i] == wanted) out[taken++] = point[i];
    return taken;
}

static enum ps_status make_half(const struct cut *c, const struct set *s, const uint8_t *half, int which,
                                struct set *out)
{
    const size_t d = (size_t)c->rule->points.d;
    uint8_t *near = malloc((size_t)s->n);
    *out = (struct set){.point = malloc((size_t)s->n * sizeof *out->point),
                        .box = malloc(2 * d * sizeof *out->box)};
    const bool room = near && out->point && out->box;
    if (room) {
        out->own = take(s->point, half, s->own, which, out->point);
        find_box(c, out);
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < s->n; i++)
            near[i] = (i >= s->own || half[i] != which) && is_near(c, s->point[i], out->box);
        out->n = out->own + take(s->point, near, s->n, 1, out->point + out->own);
        void *less = realloc(out->point, (size_t)out->n * sizeof *out->point);
        if (less) out->point = less;
    }
    free(near);
    return room ? PS_OK : PS_ENOMEM;
}

static enum ps_status cut_set(const struct cut *c, const struct set *s);

static enum ps_status cut_half(const struct cut *c, const struct set *s, const uint8_t *half, int which)
{
    struct set part;
    enum ps_status rc = make_half(c, s, half, which, &part);
    if (rc == PS_OK) rc = cut_set(c, &part);
    free(part.point);
    free(part.box);
    return rc;
}

static enum ps_status cut_set(const struct cut *c, const struct set *s)
{
    if (s->n <= c->rule->most) return c->rule->visit(c->rule->context, s->point, s->own, s->n);
    uint8_t *half = malloc((size_t)s->own);
    enum ps_status rc = half ? PS_OK : PS_ENOMEM;
    if (rc == PS_OK && !halve(c, s, half)) rc = PS_EBACKEND;
    if (rc == PS_OK) rc = cut_half(c, s, half, 0);
    if (rc == PS_OK) rc = cut_half(c, s, half, 1);
    free(half);
    return rc;
}

enum ps_status ps_pieces_cut(const struct ps_pieces_rule *rule, uint32_t *point, int64_t own, int64_t n)
{
    const struct cut c = {rule, rule->eps * rule->eps,
                          rule->points.type == PS_I64 || rule->points.type == PS_U64};
    const struct set all = {point, own, n, NULL};
    if (own == 0) return PS_OK;
    if (n <= rule->most) return cut_set(&c, &all);
    uint8_t *half = calloc((size_t)own, 1); /* one half is all, without what is far from it */
    const enum ps_status rc = half ? cut_half(&c, &all, half, 0) : PS_ENOMEM;
    free(half);
    return rc;
}
