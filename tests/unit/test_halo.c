/* ranks: 1 2 3 4 7 */
#include "mpicheck.h"
#include "apps/hpdbscan/dbscan_halo.h"
#include "apps/hpdbscan/dbscan_merge.h"
#include "apps/hpdbscan/dbscan_move.h"
#include "common/par/block.h"
#include "kernels/rng.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum shape { UNIFORM, BLOBS, LATTICE, LINE, DUPLICATES, WALLS, FAR, VAST, TINY, EQUAL, SHAPES };

/* All points, which every rank knows, and what the program makes of them. */
struct world {
    int rank, size, d;
    int64_t n;
    enum ps_dtype type;
    double eps;
    char *all; /* [n] rows */
    size_t row;
    struct dbscan_domain dom;
    struct dbscan_cut cut;
    struct dbscan_trie trie;
    struct dbscan_move move;
    struct dbscan_halo halo;
    char *local;            /* [own + halo] rows */
    int *owner;             /* [n] */
    int64_t own, held, *id; /* [held] input row of each local point */
};

static double coordinate(enum shape shape, int64_t i, int k, int d, double eps)
{
    static const double vast[] = {1, -1, 0.5, -0.5, 0, 0.25, 1e-200, -1e-200};
    static const double tiny[] = {0, -0.0, 5e-324, 1e-320, 1e-308, 2e-308, 1e-170, -1e-170, 1};
    const struct ps_rng r = {5, (uint32_t)shape};
    const double u = ps_rng_uniform(r, i, (uint32_t)k), g = ps_rng_normal(r, i, (uint32_t)(k + 16));
    int64_t rest = i;
    switch (shape) {
    case UNIFORM:
        return u;
    case BLOBS:
        return ps_rng_uniform(r, i % 5, (uint32_t)(k + 40)) + 0.01 * (double)(1 + i % 5) * g;
    case LATTICE: /* of side eps, so that ties are everywhere */
        for (int j = 0; j < k; j++) rest /= (int64_t)(pow(600, 1.0 / d) + 1);
        return eps * (double)(rest % (int64_t)(pow(600, 1.0 / d) + 1));
    case LINE: /* steps of exactly eps along the first axis */
        return k == 0 ? eps * (double)(i * 37 % 601) : 0.5;
    case DUPLICATES:
        return floor(4 * ps_rng_uniform(r, i % 30, (uint32_t)k));
    case WALLS: /* at most eps apart here and a rounding more there */
        return k == 0 ? (i % 2 ? 0 : (i % 4 ? eps : nextafter(eps, 9))) : floor(64 * u) / 64;
    case FAR:
        return 16777216 + floor(40 * u);
    case VAST:
        return vast[i * 7 % 8] * DBL_MAX * (k % 2 ? 1 : u > 0.5 ? 1 : 1 - 1e-15);
    case TINY:
        return tiny[ps_rng_below(r, i, (uint32_t)k, 9)];
    default:
        return 2;
    }
}

static void fill(struct world *w, enum shape shape)
{
    for (int64_t i = 0; i < w->n * w->d; i++) {
        const double v = coordinate(shape, i / w->d, (int)(i % w->d), w->d, w->eps);
        if (w->type == PS_F64) ((double *)w->all)[i] = v;
        if (w->type == PS_F32) ((float *)w->all)[i] = (float)v;
        if (w->type == PS_I64 && shape == LINE) /* steps that doubles round to multiples of 1024 */
            ((int64_t *)w->all)[i] = ((int64_t)1 << 62) + (i % w->d ? 0 : 613 * (i / w->d * 37 % 601));
        else if (w->type == PS_I64) /* near the ends, where a double holds no units */
            ((int64_t *)w->all)[i] =
                (i % 3 ? INT64_MAX : INT64_MIN) + (i % 3 ? -1 : 1) * (int64_t)(40 * fabs(v));
    }
}

/* Neighbours, by the definition in dbscan_kernels.h. */
static int near(const struct world *w, int64_t i, int64_t j)
{
    double sum = 0;
    for (int k = 0; k < w->d; k++) {
        const int64_t a = i * w->d + k, b = j * w->d + k;
        double v;
        if (w->type == PS_I64) {
            const int64_t x = ((const int64_t *)w->all)[a], y = ((const int64_t *)w->all)[b];
            v = (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
        } else if (w->type == PS_F32) {
            v = (double)((const float *)w->all)[a] - (double)((const float *)w->all)[b];
        } else {
            v = ((const double *)w->all)[a] - ((const double *)w->all)[b];
        }
        sum += v * v;
    }
    return sum <= w->eps * w->eps;
}

/* The program's steps up to the halo. */
static void distribute(struct world *w)
{
    const struct ps_range mine = ps_block(w->n, w->size, w->rank);
    const struct dbscan_load load = {w->eps, 4};
    const struct ps_points read = {w->all + (size_t)mine.lo * w->row, mine.hi - mine.lo, w->d, w->type};
    uint64_t *key = malloc((size_t)(read.n + 1) * sizeof *key);
    void *local = NULL;
    mck_assert(dbscan_domain_make(MPI_COMM_WORLD, &read, mine.lo, "test", &w->dom) == PS_OK, "domain");
    mck_assert(dbscan_domain_keys_of(&w->dom, &read, 1, key) == PS_OK, "keys");
    mck_assert(dbscan_cut_make(MPI_COMM_WORLD, &w->dom, &load, key, read.n, 1, &w->cut) == PS_OK, "cut");
    mck_assert(dbscan_trie_make(MPI_COMM_WORLD, &w->cut, w->d, &w->trie) == PS_OK, "trie");
    mck_assert(dbscan_move_pack(MPI_COMM_WORLD, &read, &w->dom, &w->cut, &w->trie, &w->move) == PS_OK,
               "pack");
    mck_assert(dbscan_move_run(&w->move, &local) == PS_OK, "move");
    free(key);
    const struct ps_points own = {local, w->move.own, w->d, w->type};
    mck_assert(dbscan_halo_make(MPI_COMM_WORLD, &own, &w->dom, &w->cut, &w->trie, w->eps, w->move.room,
                                &local, &w->halo) == PS_OK,
               "halo");
    w->local = local;
    w->own = w->move.own;
    w->held = w->own + w->halo.arriving;
}

/* Who owns each point, by its key; own points stand in the order of rows; ids of the halo come with it. */
static void identify(struct world *w)
{
    const struct ps_points all = {w->all, w->n, w->d, w->type};
    uint64_t *key = malloc((size_t)(w->n + 1) * sizeof *key);
    int64_t *sent = malloc((size_t)(w->halo.sending + 1) * sizeof *sent), own = 0;
    w->owner = malloc((size_t)(w->n + 1) * sizeof *w->owner);
    w->id = malloc((size_t)(w->held + w->n + 1) * sizeof *w->id);
    mck_assert(dbscan_domain_keys_of(&w->dom, &all, 1, key) == PS_OK, "keys");
    for (int64_t i = 0; i < w->n; i++) {
        w->owner[i] = dbscan_cut_owner(&w->cut, dbscan_cut_bin(&w->cut, key[i]));
        if (w->owner[i] == w->rank) w->id[own++] = i;
    }
    mck_assert(own == w->own, "%lld points are owned, not %lld", (long long)w->own, (long long)own);
    for (int64_t i = 0; i < w->halo.sending; i++) sent[i] = w->id[w->halo.sent[i]];
    mck_assert(ps_exchange_run(&w->halo.plan, sent, w->id + own, sizeof *sent) == PS_OK, "ids");
    int64_t wrong = 0;
    for (int64_t i = 0; i < w->held; i++)
        wrong += memcmp(w->local + (size_t)i * w->row, w->all + (size_t)w->id[i] * w->row, w->row) != 0;
    mck_assert(wrong == 0, "%lld of %lld points are others", (long long)wrong, (long long)w->held);
    free(key), free(sent);
}

/* No pair is missed, nothing comes twice, and nothing that is owned comes back. */
static void complete(const struct world *w, const char *name)
{
    uint8_t *have = calloc((size_t)w->n + 1, 1);
    int64_t twice = 0, missed = 0;
    for (int64_t i = 0; i < w->held; i++) twice += have[w->id[i]]++ != 0;
    for (int64_t i = 0; i < w->own; i++)
        for (int64_t q = 0; q < w->n; q++) missed += !have[q] && near(w, w->id[i], q);
    mck_assert(twice == 0, "%s: %lld points are held twice", name, (long long)twice);
    mck_assert(missed == 0, "%s: %lld neighbours are missed", name, (long long)missed);
    free(have);
}

/* What is known of point `id` on a rank: its core flag, and a component number. */
static uint8_t flag_of(int64_t id)
{
    return ps_rng_below((struct ps_rng){8, 0}, id, 0, 3) > 0;
}
static uint32_t component_of(int64_t id, int rank)
{
    return flag_of(id) ? (uint32_t)ps_rng_below((struct ps_rng){9, (uint32_t)rank}, id, 0, 12) : UINT32_MAX;
}

static void flags(const struct world *w)
{
    uint8_t *core = malloc((size_t)w->held + 1);
    int64_t wrong = 0;
    for (int64_t i = 0; i < w->held; i++) core[i] = i < w->own ? flag_of(w->id[i]) : 2;
    mck_assert(dbscan_halo_flags(&w->halo, core, w->own) == PS_OK, "flags");
    for (int64_t i = 0; i < w->held; i++) wrong += core[i] != flag_of(w->id[i]);
    mck_assert(wrong == 0, "%lld of %lld flags are wrong", (long long)wrong, (long long)w->held);
    free(core);
}

/* Edges join the component of a core point here with the one at each rank that it was sent to, once each. */
static void edges(const struct world *w)
{
    enum { NUMBERS = 12 };
    uint32_t *component = malloc((size_t)(w->held + 1) * sizeof *component);
    uint8_t *want = calloc((size_t)w->size, NUMBERS * NUMBERS);
    struct dbscan_edge *edge;
    int64_t n, wrong = 0;
    for (int64_t i = 0; i < w->held; i++) component[i] = component_of(w->id[i], w->rank);
    for (int r = 0; r < w->size; r++)
        for (int64_t i = w->halo.plan.send_start[r]; i < w->halo.plan.send_start[r + 1]; i++) {
            const int64_t id = w->id[w->halo.sent[i]];
            if (flag_of(id))
                want[(r * NUMBERS + (int)component_of(id, w->rank)) * NUMBERS + (int)component_of(id, r)] = 1;
        }
    mck_assert(dbscan_merge_edges(&w->halo, component, w->own, &edge, &n) == PS_OK, "edges");
    for (int64_t i = 0; i < n; i++) {
        uint8_t *at = want + (edge[i].rank * NUMBERS + (int)edge[i].mine) * NUMBERS + edge[i].theirs;
        wrong += *at != 1;
        *at = 2;
    }
    for (int i = 0; i < w->size * NUMBERS * NUMBERS; i++) wrong += want[i] == 1;
    mck_assert(wrong == 0, "%lld edges are wrong, missing or there twice", (long long)wrong);
    free(component), free(want), free(edge);
}

/* Labels return to the rows that they belong to, as 32-bit and as 64-bit numbers. */
static void labels(const struct world *w, int64_t scale)
{
    const struct ps_range mine = ps_block(w->n, w->size, w->rank);
    int64_t *own = malloc((size_t)(w->own + 1) * sizeof *own), *label, wrong = 0;
    for (int64_t i = 0; i < w->own; i++) own[i] = (w->id[i] % 2 ? -scale : scale) * w->id[i];
    mck_assert(dbscan_move_back(&w->move, own, scale * w->n, &label) == PS_OK, "labels");
    for (int64_t i = mine.lo; i < mine.hi; i++) wrong += label[i - mine.lo] != (i % 2 ? -scale : scale) * i;
    mck_assert(wrong == 0, "%lld labels came to other rows", (long long)wrong);
    free(label);
}

/* Returns the points of all halos. */
static int64_t check(enum shape shape, enum ps_dtype type, int64_t n, int d, double eps)
{
    struct world w = {.d = d, .n = n, .type = type, .eps = eps, .row = (size_t)d * ps_dtype_size(type)};
    char name[100];
    MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &w.size);
    snprintf(name, sizeof name, "shape %d, %s, d %d, eps %g", shape, ps_dtype_name(type), d, eps);
    w.all = malloc((size_t)n * w.row + 1);
    fill(&w, shape);
    distribute(&w);
    identify(&w);
    complete(&w, name);
    flags(&w);
    edges(&w);
    labels(&w, 1);
    labels(&w, (int64_t)1 << 40);
    int64_t halo = w.halo.arriving;
    MPI_Allreduce(MPI_IN_PLACE, &halo, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    dbscan_halo_free(&w.halo);
    dbscan_move_free(&w.move);
    dbscan_trie_free(&w.trie);
    dbscan_cut_free(&w.cut);
    dbscan_domain_free(&w.dom);
    free(w.all), free(w.local), free(w.owner), free(w.id);
    return halo;
}

START_TEST(real_points)
{
    static const double eps[] = {0.05, 0.1, 0.25, 1, 3};
    for (int shape = 0; shape < SHAPES; shape++)
        for (int d = 1; d <= 8; d++)
            for (int e = 0; e < 5; e++) {
                check((enum shape)shape, PS_F64, 300, d, eps[e]);
                if (shape != VAST) check((enum shape)shape, PS_F32, 300, d, eps[e]);
            }
}
END_TEST

/* Squares of distances that overflow and underflow. */
START_TEST(extremes)
{
    static const double eps[] = {5e-324, 1e-300, 1e-160, 1e-154, 1e154, 1e300, DBL_MAX};
    for (int e = 0; e < 7; e++)
        for (int d = 1; d <= 4; d++)
            for (int shape = FAR; shape < SHAPES; shape++) check((enum shape)shape, PS_F64, 200, d, eps[e]);
}
END_TEST

START_TEST(integers)
{
    static const double eps[] = {0.5, 1, 2, 5, 300, 9.3e18, 2e19};
    for (int e = 0; e < 7; e++)
        for (int d = 1; d <= 4; d++) {
            check(UNIFORM, PS_I64, 300, d, eps[e]);
            check(BLOBS, PS_I64, 300, d, eps[e]);
        }
    for (int d = 1; d <= 4; d++)
        for (int steps = 1; steps < 5; steps++) check(LINE, PS_I64, 601, d, 613.0 * steps);
}
END_TEST

START_TEST(few_points)
{
    for (int64_t n = 0; n < 10; n++) check(UNIFORM, PS_F64, n, 2, 0.5);
}
END_TEST

/* The halo is a border, not everything. */
START_TEST(small)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int64_t halo = check(UNIFORM, PS_F64, 4000, 2, 0.01);
    mck_assert(size > 1 ? halo > 0 && halo < 80 * size : halo == 0, "%lld points in halos of %d ranks",
               (long long)halo, size);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {real_points, extremes, integers, few_points, small, NULL};
    return mck_main(argc, argv, "halo", tests);
}
