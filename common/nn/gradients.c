#include "common/nn/gradients.h"
#include <stdlib.h>
#include "common/nn/gradients_parts.h"
#include "common/run/err.h"

/* Elements that go through all additions before the next ones do, to stay in cache. PAGE: vectors begin a
 * line further into a page each, as those that begin at the same place of it push each other out of cache. */
enum { CHUNK = 1024, PAGE = 1024 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct ps_range ps_gradients_leaves(const struct ps_gradients *g, int64_t thread)
{
    if (g->exact) return ps_block(g->count, g->team->all, thread);
    return (struct ps_range){thread - g->team->before, thread - g->team->before + 1};
}

/* Vectors that a thread with these leaves needs. */
static int depth_of(const struct ps_gradients *g, struct ps_range leaves)
{
    int64_t part[PS_TREE_PARTS + 1];
    int depth = 0;
    const int parts = ps_tree_parts(g->count, leaves, part);
    part[parts] = leaves.hi;
    for (int i = 0; i < parts; i++) {
        const int here = i + ps_tree_depth(part[i], part[i + 1]);
        if (here > depth) depth = here;
    }
    return depth;
}

static float *vector_of(const struct ps_gradients *g, const struct ps_gradients_thread *own, int i)
{
    return own->stack + i * g->stride;
}

static void begin_step(const struct ps_gradients *g, struct ps_gradients_thread *own)
{
    own->top = 0;
    own->last = own->kept = -1;
    own->from = g->n - PS_GRADIENT_EXTRA;
    own->told = own->added = 0;
}

/* What threads of this rank have, once the vectors of the node are there. */
static void set_threads(struct ps_gradients *g)
{
    const struct ps_team *team = g->team;
    float *at = g->memory.data;
    for (int i = 0; i < team->threads; i++) {
        const int64_t number = team->before + i;
        const struct ps_range leaves = ps_gradients_leaves(g, number);
        if (i >= team->first && i < team->first + team->mine) {
            struct ps_gradients_thread *own = &g->thread[i - team->first];
            own->grains = ps_block(g->grains, team->all, number);
            own->leaves = leaves;
            own->stack = at;
            own->parts = ps_tree_parts(g->count, leaves, own->part);
            begin_step(g, own);
        }
        at += depth_of(g, leaves) * g->stride;
    }
}

/* Parts of all threads of the node, and how they are added. `first` [vectors] */
static void set_sums(struct ps_gradients *g, int64_t *first)
{
    const struct ps_team *team = g->team;
    float *at = g->memory.data;
    int n = 0, held[PS_TREE_PARTS] = {0};
    for (int i = 0; i < team->threads; i++) {
        const struct ps_range leaves = ps_gradients_leaves(g, team->before + i);
        const int parts = ps_tree_parts(g->count, leaves, first + n);
        for (int k = 0; k < parts; k++) g->vector[n++] = at + k * g->stride;
        at += depth_of(g, leaves) * g->stride;
    }
    if (g->exact)
        g->adds = ps_tree_plan(g->count, g->leaves, n, first, g->add, held);
    else /* in order, so that the first vector alone is written to */
        for (int i = 1; i < n; i++) g->add[g->adds++] = (struct ps_tree_add){0, i};
    g->sums = n - g->adds;
    for (int i = 0; i < g->sums; i++) g->sum[i] = g->vector[held[i]];
}

static enum ps_status make(struct ps_gradients *g)
{
    const struct ps_team *team = g->team;
    int64_t part[PS_TREE_PARTS], *first = NULL, stacked = 0;
    for (int i = 0; i < team->threads; i++) {
        const struct ps_range leaves = ps_gradients_leaves(g, team->before + i);
        g->vectors += ps_tree_parts(g->count, leaves, part);
        stacked += depth_of(g, leaves);
    }
    g->leaves = (struct ps_range){ps_gradients_leaves(g, team->before).lo,
                                  ps_gradients_leaves(g, team->before + team->threads - 1).hi};
    g->stride = (g->n + PAGE - 1) / PAGE * PAGE + PS_GRADIENT_LINE;
    enum ps_status rc = ps_alloc(&g->thread, team->mine, sizeof *g->thread, "threads' sums of gradients");
    if (rc == PS_OK) rc = ps_alloc(&g->vector, g->vectors, sizeof *g->vector, "sums of gradients");
    if (rc == PS_OK) rc = ps_alloc(&g->add, g->vectors, sizeof *g->add, "sums of gradients");
    if (rc == PS_OK) rc = ps_alloc(&first, g->vectors, sizeof *first, "sums of gradients");
    PS_TRY_DONE(ps_agree(team->comm, rc));
    const int64_t bytes = stacked * g->stride * (int64_t)sizeof(float);
    PS_TRY_DONE(ps_agree(team->comm, ps_shared_open(team->node, bytes, &g->memory)));
    for (int i = 0; i < team->mine; i++) g->thread[i].step = 0;
    set_threads(g);
    set_sums(g, first);
done:
    free(first);
    return rc;
}

enum ps_status ps_gradients_open(struct ps_team *team, const struct ps_gradients_plan *plan,
                                 struct ps_gradients **out)
{
    struct ps_gradients *g = NULL;
    enum ps_status rc = ps_agree(team->comm, ps_zalloc(&g, 1, sizeof *g, "sums of gradients"));
    PS_TRY_DONE(rc);
    g->team = team;
    g->exact = plan->reduce == PS_REDUCE_EXACT;
    g->n = plan->n;
    g->compressed = g->exact ? 0 : plan->compressed;
    if (g->compressed < g->n) g->compressed -= g->compressed % PS_GRADIENT_LINE;
    g->grains = plan->grains > 0 ? plan->grains : team->all;
    /* a thread without grains is a leaf that adds nothing */
    g->count = !g->exact ? team->threads : g->grains > team->all ? g->grains : team->all;
    PS_TRY_DONE(make(g));
    if (team->count > 1)
        PS_TRY_DONE(ps_gradients_nodes_open(g, plan->bucket > 0 ? plan->bucket : PS_GRADIENT_BUCKET));
done:
    if (rc != PS_OK) {
        ps_gradients_close(g);
        g = NULL;
    }
    *out = g;
    return rc;
}

void ps_gradients_close(struct ps_gradients *g)
{
    if (!g) return;
    ps_gradients_nodes_close(g);
    ps_shared_close(&g->memory);
    free(g->thread);
    free(g->vector);
    free(g->add);
    free(g);
}

struct ps_range ps_gradients_grains(const struct ps_gradients *g, int thread)
{
    return g->thread[thread].grains;
}

/* Zero with the sign that makes it add nothing, not even to the sign of a zero. */
static void fill(float *v, int64_t lo, int64_t hi)
{
    for (int64_t i = lo; i < hi; i++) v[i] = -0.0f;
}

/* Vectors that stay on the stack when all that can be added is, where leaves below `settled` have come. */
static int keep(const struct ps_gradients *g, const struct ps_gradients_thread *own, int64_t settled)
{
    int top = own->top;
    while (top >= 2 && ps_tree_meet(g->count, own->leaves, own->leaf[top - 2], own->leaf[top - 1], settled))
        top--;
    return top;
}

/* Add elements [lo, hi) of the upper vectors down to the one that stays. */
static void add_down(const struct ps_gradients *g, const struct ps_gradients_thread *own, int kept,
                     int64_t lo, int64_t hi)
{
    if (own->top <= kept) return;
    for (int64_t i = lo; i < hi; i += CHUNK)
        for (int v = own->top - 1; v >= kept; v--)
            ps_gradients_plus(least(CHUNK, hi - i), vector_of(g, own, v) + i, vector_of(g, own, v - 1) + i);
}

/* A vector for a leaf. The first one of a part is where the part's sum is looked for. */
static float *push(const struct ps_gradients *g, struct ps_gradients_thread *own, int64_t leaf)
{
    const int kept = keep(g, own, leaf);
    add_down(g, own, kept, 0, g->n);
    own->top = kept;
    while (own->top + 1 < own->parts && own->part[own->top + 1] <= leaf) {
        own->leaf[own->top] = own->part[own->top];
        fill(vector_of(g, own, own->top++), 0, g->n);
    }
    own->leaf[own->top] = own->last = leaf;
    return vector_of(g, own, own->top++);
}

float *ps_gradients_slot(struct ps_gradients *g, int thread, int64_t grain, bool *first)
{
    struct ps_gradients_thread *own = &g->thread[thread];
    const int64_t leaf = g->exact ? grain : own->leaves.lo;
    *first = leaf != own->last;
    return *first ? push(g, own, leaf) : vector_of(g, own, own->top - 1);
}

float *ps_gradients_clear(struct ps_gradients *g, int thread)
{
    struct ps_gradients_thread *own = &g->thread[thread];
    own->top = 0;
    float *v = push(g, own, own->leaves.lo);
    fill(v, 0, g->n);
    return v;
}

void ps_gradients_final(struct ps_gradients *g, int thread, int64_t lo, int64_t hi)
{
    struct ps_gradients_thread *own = &g->thread[thread];
    if (own->kept < 0) own->kept = keep(g, own, own->leaves.hi);
    add_down(g, own, own->kept, lo, hi);
    for (int part = own->kept; part < own->parts; part++) fill(vector_of(g, own, part), lo, hi);
}

void ps_gradients_node(struct ps_gradients *g, int64_t lo, int64_t hi)
{
    for (int64_t i = lo; i < hi; i += CHUNK)
        for (int k = 0; k < g->adds; k++)
            ps_gradients_plus(least(CHUNK, hi - i), g->vector[g->add[k].from] + i,
                              g->vector[g->add[k].to] + i);
}

void ps_gradients_ready(struct ps_gradients *g, int thread, int64_t lo, int64_t hi)
{
    struct ps_gradients_thread *own = &g->thread[thread];
    if (!g->nodes) return;
    if (hi >= own->from && lo < own->from) own->from = lo;
    ps_gradients_nodes_go(g, thread);
}

enum ps_status ps_gradients_sum(struct ps_gradients *g, int thread)
{
    struct ps_gradients_thread *own = &g->thread[thread];
    enum ps_status rc = PS_OK;
    if (g->nodes) {
        own->from = 0;
        rc = ps_gradients_nodes_end(g, thread);
    } else {
        const struct ps_range part = ps_gradients_part(g, thread);
        ps_gradients_final(g, thread, 0, g->n);
        ps_team_wait(g->team);
        ps_gradients_node(g, part.lo, part.hi);
    }
    begin_step(g, own);
    own->step++;
    return rc;
}

float *ps_gradients_total(struct ps_gradients *g)
{
    return g->sum[0];
}

struct ps_range ps_gradients_part(const struct ps_gradients *g, int thread)
{
    return ps_team_part(g->team, thread, g->n, PS_GRADIENT_LINE);
}

struct ps_gradients_count ps_gradients_sent(const struct ps_gradients *g)
{
    return g->nodes ? ps_gradients_nodes_sent(g) : (struct ps_gradients_count){0, 0};
}

void ps_gradients_slow_down(struct ps_gradients *g, const struct ps_network *network, int64_t nodes)
{
    if (g->nodes) ps_gradients_nodes_slow_down(g, network, nodes);
}
