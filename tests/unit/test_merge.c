/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "apps/hpdbscan/dbscan_merge.h"
#include "kernels/rng.h"
#include <math.h>

/* A graph that every rank knows whole: vertex v is number place[v] of rank home[v]. */
struct graph {
    int64_t n, edges;
    int *home;
    int64_t *place, (*edge)[2];
    int64_t *offset; /* [size + 1] */
};

static int rank, size;

static void graph_alloc(struct graph *g, int64_t n, int64_t room)
{
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    *g = (struct graph){.n = n};
    g->home = calloc((size_t)n + 1, sizeof *g->home);
    g->place = calloc((size_t)n + 1, sizeof *g->place);
    g->edge = calloc((size_t)room + 1, sizeof *g->edge);
    g->offset = calloc((size_t)size + 2, sizeof *g->offset);
}

static void graph_free(struct graph *g)
{
    free(g->home), free(g->place), free(g->edge), free(g->offset);
}

/* Number the vertices of each rank in a shuffled order. */
static void settle(struct graph *g, uint64_t seed)
{
    int64_t *order = malloc((size_t)(g->n + 1) * sizeof *order);
    int64_t *count = calloc((size_t)size, sizeof *count);
    for (int64_t i = 0; i < g->n; i++) {
        const int64_t j = ps_rng_below((struct ps_rng){seed, 1}, i, 0, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (int64_t i = 0; i < g->n; i++) g->place[order[i]] = count[g->home[order[i]]]++;
    for (int r = 0; r < size; r++) g->offset[r + 1] = g->offset[r] + count[r];
    free(order), free(count);
}

/* Only edges between two ranks exist. */
static void link_vertices(struct graph *g, int64_t a, int64_t b)
{
    if (g->home[a] == g->home[b]) return;
    g->edge[g->edges][0] = a;
    g->edge[g->edges++][1] = b;
}

static int64_t number(const struct graph *g, int64_t v)
{
    return g->offset[g->home[v]] + g->place[v];
}

static int64_t root(int64_t *parent, int64_t v)
{
    while (parent[v] != v) v = parent[v] = parent[parent[v]];
    return v;
}

/* The serial answer: the smallest number in each vertex's component, by number. */
static int64_t *serial(const struct graph *g)
{
    int64_t *parent = malloc((size_t)(g->n + 1) * sizeof *parent);
    for (int64_t v = 0; v < g->n; v++) parent[v] = v;
    for (int64_t e = 0; e < g->edges; e++) {
        const int64_t a = root(parent, number(g, g->edge[e][0])), b = root(parent, number(g, g->edge[e][1]));
        parent[a > b ? a : b] = a > b ? b : a;
    }
    for (int64_t v = 0; v < g->n; v++) root(parent, v);
    for (int64_t v = 0; v < g->n; v++) parent[v] = parent[parent[v]];
    return parent;
}

/* An edge is told to its first vertex's rank, its second's, or both. */
static int rounds_of(const struct graph *g, uint64_t seed)
{
    struct dbscan_edge *mine = malloc((size_t)(g->edges + 1) * sizeof *mine);
    int64_t n = 0, *want = serial(g);
    for (int64_t e = 0; e < g->edges; e++) {
        const int64_t who = ps_rng_below((struct ps_rng){seed, 2}, e, 0, 3);
        for (int end = 0; end < 2; end++) {
            const int64_t a = g->edge[e][end], b = g->edge[e][!end];
            if (g->home[a] == rank && (who == 2 || who == end))
                mine[n++] = (struct dbscan_edge){(uint32_t)g->place[a], (uint32_t)g->place[b], g->home[b]};
        }
    }
    struct dbscan_forest forest;
    const int64_t own = g->offset[rank + 1] - g->offset[rank];
    mck_assert(dbscan_merge(MPI_COMM_WORLD, own, mine, n, &forest) == PS_OK, "merge");
    int64_t wrong = 0;
    for (int r = 0; r <= size; r++) wrong += forest.offset[r] != g->offset[r];
    for (int64_t v = 0; v < g->n; v++) wrong += dbscan_forest_rank(&forest, number(g, v)) != g->home[v];
    mck_assert(wrong == 0, "%lld vertices or ranks are numbered wrongly", (long long)wrong);
    for (int64_t v = 0; v < own; v++) wrong += forest.root[v] != want[g->offset[rank] + v];
    mck_assert(wrong == 0, "%lld of %lld vertices have a wrong root", (long long)wrong, (long long)own);
    const int rounds = forest.rounds;
    dbscan_forest_free(&forest);
    free(mine), free(want);
    return rounds;
}

START_TEST(random_graphs)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct graph g;
        const struct ps_rng r = {seed, 0};
        const int64_t n = ps_rng_below(r, 0, 0, 600), edges = ps_rng_below(r, 0, 1, 2 * n + 1);
        graph_alloc(&g, n, edges);
        /* some graphs leave all ranks but two without vertices */
        for (int64_t v = 0; v < n; v++)
            g.home[v] = (int)ps_rng_below(r, v, 2, seed % 3 && size > 2 ? 2 : size);
        settle(&g, seed);
        for (int64_t e = 0; e < edges; e++)
            link_vertices(&g, ps_rng_below(r, e, 3, n), ps_rng_below(r, e, 4, n));
        rounds_of(&g, seed);
        graph_free(&g);
    }
}
END_TEST

/* A spiral that crosses the ranks again and again, in any numbering: rounds grow with the logarithm. */
START_TEST(long_chains)
{
    for (int64_t n = 10; n <= 20000; n *= 5)
        for (int scrambled = 0; scrambled < 2; scrambled++) {
            struct graph g;
            graph_alloc(&g, n, n);
            for (int64_t v = 0; v < n; v++) g.home[v] = (int)(v % size);
            if (scrambled) {
                settle(&g, 7);
            } else { /* in the order of the chain */
                for (int64_t v = 0; v < n; v++) g.place[v] = v / size;
                for (int r = 0; r < size; r++) g.offset[r + 1] = g.offset[r] + (n - r + size - 1) / size;
            }
            for (int64_t v = 1; v < n; v++) link_vertices(&g, v - 1, v);
            const int rounds = rounds_of(&g, 3);
            mck_assert(rounds <= 3 * log2((double)n) + 5, "%d rounds for a chain of %lld", rounds,
                       (long long)n);
            graph_free(&g);
        }
}
END_TEST

/* Many chains side by side, a star, and a ring. */
START_TEST(shapes)
{
    enum { N = 3000 };
    for (int shape = 0; shape < 3; shape++) {
        struct graph g;
        graph_alloc(&g, N, N);
        for (int64_t v = 0; v < N; v++) g.home[v] = (int)((v / (shape + 1)) % size);
        settle(&g, 11 + (uint64_t)shape);
        for (int64_t v = 0; v < N; v++) {
            if (shape == 0 && v >= 61) link_vertices(&g, v, v - 61);
            if (shape == 1 && v > 0) link_vertices(&g, N - 1 - v, N - 1);
            if (shape == 2) link_vertices(&g, v, (v + 7) % N);
        }
        rounds_of(&g, (uint64_t)shape);
        graph_free(&g);
    }
}
END_TEST

/* The same edge many times, and vertices without edges. */
START_TEST(repeated)
{
    struct graph g;
    graph_alloc(&g, 200, 1000);
    for (int64_t v = 0; v < g.n; v++) g.home[v] = (int)(v / 50 % size);
    settle(&g, 5);
    for (int i = 0; i < 1000; i++) link_vertices(&g, 3, g.n - 1 - i % 2);
    rounds_of(&g, 9);
    graph_free(&g);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {random_graphs, long_chains, shapes, repeated, NULL};
    return mck_main(argc, argv, "merge", tests);
}
