#include "kernels/dbscan/pieces.h"
#include <stdlib.h>
#include <string.h>
#include "kernels/dbscan/pieces_cut.h"

struct ps_dbscan_pieces {
    const struct ps_dbscan_kernels *base;
    struct ps_dbscan_spec spec;
    struct ps_dbscan *whole; /* NULL: the points do not fit */
    int64_t most, made;
    uint32_t *component; /* [n], of all points; UINT32_MAX: not core */
    struct ps_dbscan_work work;
};

enum ps_status ps_dbscan_pieces_create(const struct ps_dbscan_kernels *base,
                                       const struct ps_dbscan_spec *spec, struct ps_dbscan_pieces **out)
{
    struct ps_dbscan_pieces *s = calloc(1, sizeof *s);
    enum ps_status rc = s ? PS_OK : PS_ENOMEM;
    *out = NULL;
    if (rc == PS_OK) {
        s->base = base;
        s->spec = *spec;
        s->most = base->fits ? base->fits(spec) : spec->points.n;
        if (spec->points.n <= s->most)
            rc = base->create(spec, &s->whole);
        else if (s->most <= 0)
            rc = PS_ENOMEM;
    }
    if (rc == PS_OK)
        *out = s;
    else
        ps_dbscan_pieces_destroy(s);
    return rc;
}

void ps_dbscan_pieces_destroy(struct ps_dbscan_pieces *s)
{
    if (!s) return;
    if (s->whole) s->base->destroy(s->whole);
    free(s->component);
    free(s);
}

bool ps_dbscan_pieces_cut(const struct ps_dbscan_pieces *s)
{
    return !s->whole;
}

int64_t ps_dbscan_pieces_made(const struct ps_dbscan_pieces *s)
{
    return s->whole ? 1 : s->made;
}

struct ps_dbscan_work ps_dbscan_pieces_work(const struct ps_dbscan_pieces *s)
{
    return s->whole ? s->base->work(s->whole) : s->work;
}

/* --- one piece --- */

/* A walk over pieces, and the piece that it is at. */
struct walk {
    struct ps_dbscan_pieces *s;
    int64_t min_points;
    struct ps_dbscan *index;
    uint8_t *core;       /* [points of the piece] */
    uint32_t *component; /* the same */
    /* of all points, as the step has them */
    uint8_t *flag;
    struct join *join;
    const int64_t *cluster;
    int64_t *label;
};

/* Rows of a piece beside each other. */
static void *gather(const struct ps_points *p, const uint32_t *point, int64_t n)
{
    const size_t row = (size_t)p->d * ps_dtype_size(p->type);
    char *rows = malloc((size_t)n * row);
    if (!rows) return NULL;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        memcpy(rows + (size_t)i * row, (const char *)p->data + point[i] * row, row);
    return rows;
}

/* Index and core points of a piece. */
static enum ps_status enter(struct walk *w, const uint32_t *point, int64_t own, int64_t n)
{
    struct ps_dbscan_spec spec = w->s->spec;
    spec.points.data = gather(&w->s->spec.points, point, n);
    spec.points.n = n;
    spec.own = own;
    spec.min_points = w->min_points;
    w->core = malloc((size_t)n);
    enum ps_status rc = spec.points.data && w->core ? PS_OK : PS_ENOMEM;
    if (rc == PS_OK) rc = w->s->base->create(&spec, &w->index);
    if (rc == PS_OK) rc = w->s->base->core(w->index, w->core);
    free((void *)spec.points.data);
    return rc;
}

static void leave(struct walk *w)
{
    if (w->index) {
        const struct ps_dbscan_work work = w->s->base->work(w->index);
        w->s->work.distances += work.distances;
        w->s->work.links += work.links;
        w->s->base->destroy(w->index);
    }
    free(w->core);
    free(w->component);
    w->index = NULL;
    w->core = NULL;
    w->component = NULL;
}

/* The same, and components. As long as those of all points are not known, only core points are in pieces. */
static enum ps_status enter_cores(struct walk *w, const uint32_t *point, int64_t own, int64_t n,
                                  uint32_t *components)
{
    enum ps_status rc = enter(w, point, own, n);
    if (rc != PS_OK) return rc;
    for (int64_t i = own; i < n; i++)
        w->core[i] = !w->s->component || w->s->component[point[i]] != UINT32_MAX;
    w->component = malloc((size_t)n * sizeof *w->component);
    return w->component ? w->s->base->connect(w->index, w->core, w->component, components) : PS_ENOMEM;
}

static enum ps_status go(struct walk *w,
                         enum ps_status (*visit)(void *walk, const uint32_t *point, int64_t own, int64_t n),
                         uint32_t *point, int64_t own, int64_t n)
{
    const struct ps_pieces_rule rule = {w->s->spec.points, w->s->spec.eps, w->s->most, visit, w};
    return ps_pieces_cut(&rule, point, own, n);
}

/* --- core points --- */

static enum ps_status visit_core(void *walk, const uint32_t *point, int64_t own, int64_t n)
{
    struct walk *w = walk;
    const enum ps_status rc = enter(w, point, own, n);
    for (int64_t i = 0; rc == PS_OK && i < own; i++) w->flag[point[i]] = w->core[i];
    w->s->made++;
    if (rc == PS_OK) w->s->work.cells += w->s->base->work(w->index).cells; /* later pieces leave points out */
    leave(w);
    return rc;
}

enum ps_status ps_dbscan_pieces_core(struct ps_dbscan_pieces *s, uint8_t *core)
{
    if (s->whole) return s->base->core(s->whole, core);
    struct walk w = {.s = s, .min_points = s->spec.min_points, .flag = core};
    uint32_t *point = malloc((size_t)s->spec.points.n * sizeof *point);
    if (!point) return PS_ENOMEM;
    for (int64_t i = 0; i < s->spec.points.n; i++) point[i] = (uint32_t)i;
    const enum ps_status rc = go(&w, visit_core, point, s->spec.own, s->spec.points.n);
    free(point);
    return rc;
}

/* --- components ---
 * Core points alone make the pieces: with one point for a neighbourhood, all of them are core again, at no
 * cost. Of two neighbours one is own in some piece and the other is there, too, so the piece connects them.
 */

struct join {
    uint32_t *name;   /* [n] a number of the component of each point that some piece had, else UINT32_MAX */
    uint32_t *parent; /* of these numbers */
    uint32_t names;
};

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static uint32_t name_new(struct join *j)
{
    j->parent[j->names] = j->names;
    return j->names++;
}

/* A piece's components in those of all. Each takes a new number only with a point that had none, so there are
 * no more numbers than points. */
static void join_piece(struct join *j, const uint32_t *point, int64_t n, const uint32_t *component,
                       uint32_t *name)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t *here = name + component[i], *there = j->name + point[i];
        if (*there == UINT32_MAX) {
            if (*here == UINT32_MAX) *here = name_new(j);
            *there = *here;
        } else if (*here == UINT32_MAX) {
            *here = *there;
        } else {
            const uint32_t a = root_of(j->parent, *here), b = root_of(j->parent, *there);
            j->parent[a > b ? a : b] = a < b ? a : b;
        }
    }
}

static enum ps_status visit_connect(void *walk, const uint32_t *point, int64_t own, int64_t n)
{
    struct walk *w = walk;
    uint32_t components = 0, *name = NULL;
    enum ps_status rc = enter_cores(w, point, own, n, &components);
    if (rc == PS_OK) {
        name = malloc(((size_t)components + 1) * sizeof *name);
        rc = name ? PS_OK : PS_ENOMEM;
    }
    if (rc == PS_OK) {
        memset(name, 0xff, components * sizeof *name);
        join_piece(w->join, point, n, w->component, name);
    }
    free(name);
    leave(w);
    return rc;
}

/* Numbers without gaps. A root is the smallest number of its tree. */
static uint32_t number(struct join *j)
{
    uint32_t components = 0;
    for (uint32_t i = 0; i < j->names; i++) j->parent[i] = root_of(j->parent, i);
    for (uint32_t i = 0; i < j->names; i++)
        j->parent[i] = j->parent[i] == i ? components++ : j->parent[j->parent[i]];
    return components;
}

enum ps_status ps_dbscan_pieces_connect(struct ps_dbscan_pieces *s, const uint8_t *core, uint32_t *component,
                                        uint32_t *components)
{
    if (s->whole) return s->base->connect(s->whole, core, component, components);
    const int64_t n = s->spec.points.n;
    uint32_t *point = malloc((size_t)n * sizeof *point);
    struct join j = {malloc((size_t)n * sizeof *j.name), malloc((size_t)n * sizeof *j.parent), 0};
    struct walk w = {.s = s, .min_points = 1, .join = &j};
    int64_t cores = 0, own = 0;
    enum ps_status rc = point && j.name && j.parent ? PS_OK : PS_ENOMEM;
    for (int64_t i = 0; rc == PS_OK && i < n; i++) {
        j.name[i] = UINT32_MAX;
        if (core[i]) point[cores++] = (uint32_t)i;
        if (i < s->spec.own) own = cores;
    }
    if (rc == PS_OK) rc = go(&w, visit_connect, point, own, cores);
    if (rc == PS_OK) {
        for (int64_t i = own; i < cores; i++) /* of the halo, far from own points */
            if (j.name[point[i]] == UINT32_MAX) j.name[point[i]] = name_new(&j);
        *components = number(&j);
        for (int64_t i = 0; i < cores; i++) j.name[point[i]] = j.parent[j.name[point[i]]];
        memcpy(component, j.name, (size_t)n * sizeof *component);
        s->component = j.name;
        j.name = NULL;
    }
    free(point);
    free(j.name);
    free(j.parent);
    return rc;
}

/* --- labels ---
 * Own points that are not core, among all core points as their halo: with more points wanted for a
 * neighbourhood than there are, they stay so. */

static enum ps_status visit_label(void *walk, const uint32_t *point, int64_t own, int64_t n)
{
    struct walk *w = walk;
    int64_t *cluster = NULL, *label = NULL;
    uint32_t components = 0;
    enum ps_status rc = enter_cores(w, point, own, n, &components);
    if (rc == PS_OK) {
        cluster = malloc(((size_t)components + 1) * sizeof *cluster);
        label = malloc((size_t)own * sizeof *label);
        rc = cluster && label ? PS_OK : PS_ENOMEM;
    }
    for (int64_t i = own; rc == PS_OK && i < n; i++)
        if (w->core[i]) cluster[w->component[i]] = w->cluster[w->s->component[point[i]]];
    if (rc == PS_OK) rc = w->s->base->label(w->index, cluster, label);
    for (int64_t i = 0; rc == PS_OK && i < own; i++) w->label[point[i]] = label[i];
    free(cluster);
    free(label);
    leave(w);
    return rc;
}

enum ps_status ps_dbscan_pieces_label(struct ps_dbscan_pieces *s, const int64_t *cluster, int64_t *label)
{
    if (s->whole) return s->base->label(s->whole, cluster, label);
    struct walk w = {.s = s, .min_points = INT64_MAX, .cluster = cluster, .label = label};
    uint32_t *point = malloc((size_t)s->spec.points.n * sizeof *point);
    int64_t n = 0, own;
    if (!point) return PS_ENOMEM;
    for (int64_t i = 0; i < s->spec.own; i++) {
        if (s->component[i] == UINT32_MAX)
            point[n++] = (uint32_t)i;
        else
            label[i] = -cluster[s->component[i]];
    }
    own = n;
    for (int64_t i = 0; i < s->spec.points.n; i++)
        if (s->component[i] != UINT32_MAX) point[n++] = (uint32_t)i;
    const enum ps_status rc = go(&w, visit_label, point, own, n);
    free(point);
    return rc;
}
