#include "apps/hpdbscan/dbscan_balance.h"
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/block.h"
#include "common/run/err.h"

enum { TOP = 1 << DBSCAN_TOP_BITS, PIECES = 32 };

/* A share is off by 1 part in sqrt(PIECES * BIN_KEYS), which is below SLACK; beyond MOST_EACH the keys cost
 * nothing beside the points. */
enum { BIN_KEYS = 512, MOST_EACH = 4 };

/* what a distance costs beside a point's share of sorting, moving and labelling */
static const double DISTANCE_COST = 0.04;
/* points around a point that are looked at for one that is a neighbour */
static const double MISSES = 3;
/* part of its share that a rank may get more or less */
static const double SLACK = 0.03;

void dbscan_cost_shares(const struct dbscan_domain *dom, double eps, double (*share)[DBSCAN_KEY_BITS + 1])
{
    double cell = 1, near = 1;
    for (int k = 0; k < dom->d; k++) {
        const double extent = dom->hi[k] - dom->lo[k];
        if (!(dom->scale[k] > 0)) continue;
        cell *= fmin(1, eps / sqrt(dom->d) / extent);
        near *= fmin(1, 2 * eps / extent);
    }
    for (int bits = 0; bits <= DBSCAN_KEY_BITS; bits++) {
        share[0][bits] = cell;
        share[1][bits] = near;
        if (bits < dom->bits) cell *= 2, near *= 2;
    }
}

double dbscan_cost(const struct dbscan_load *load, const double (*share)[DBSCAN_KEY_BITS + 1], int64_t count,
                   int bits)
{
    const double n = (double)count, dense = n * share[0][bits] / (double)load->min_points;
    if (dense >= 1) return n;
    return n * (1 + DISTANCE_COST * fmin(n * share[1][bits], MISSES * (double)load->min_points));
}

double dbscan_cost_counted(int64_t points, int64_t distances)
{
    return (double)points + DISTANCE_COST * (double)distances;
}

/* The trie of bins while it grows. A node is an entry of `top` or of a row of `next`. */
struct growth {
    MPI_Comm comm;
    const struct dbscan_domain *dom;
    const struct dbscan_load *load;
    double share[2][DBSCAN_KEY_BITS + 1];
    const uint64_t *key;
    int64_t n, each;
    int size, threads;
    int32_t *top, (*next)[DBSCAN_STEP];
    int64_t *top_count, (*next_count)[DBSCAN_STEP];
    int64_t rows, room;
    double total; /* cost of all points by the bins so far */

    /* keys in heavy bins and the row that each has come to; thread t's part starts where its keys start */
    uint64_t *live_key; /* [n] */
    int32_t *live_row;  /* [n] */
    int64_t *live;      /* [threads] how many */
};

enum { LEAF = -1 };

/* Add up the threads' histograms, as points. */
static void sum_threads(const struct growth *g, const uint32_t *mine, int64_t *count, int64_t counts)
{
    for (int64_t i = 0; i < counts; i++) {
        count[i] = 0;
        for (int t = 0; t < g->threads; t++) count[i] += mine[counts * t + i];
        count[i] *= g->each;
    }
}

/* Count the keys of this rank by their first bits. */
static enum ps_status count_top(const struct growth *g)
{
    uint32_t *mine;
    PS_TRY(ps_zalloc(&mine, (int64_t)TOP * g->threads, sizeof *mine, "histograms of keys"));
#pragma omp parallel for num_threads(g->threads) schedule(static, 1)
    for (int t = 0; t < g->threads; t++) {
        const struct ps_range part = ps_block(g->n, g->threads, t);
        uint32_t *c = mine + (int64_t)TOP * t;
        for (int64_t i = part.lo; i < part.hi; i++) c[g->key[i] >> (DBSCAN_KEY_BITS - DBSCAN_TOP_BITS)]++;
    }
    sum_threads(g, mine, g->top_count, TOP);
    free(mine);
    return PS_OK;
}

/* Bits of a key that choose a column of a row, the rows of level 1 being those that `top` points to. */
static int64_t column(uint64_t key, int level)
{
    return (int64_t)(key >> (DBSCAN_KEY_BITS - DBSCAN_TOP_BITS - DBSCAN_STEP_BITS * level) &
                     (DBSCAN_STEP - 1));
}

/* Keep the keys that lead to a row of this level. They are few where few bins are heavy. */
static enum ps_status keep_live(struct growth *g, int level)
{
    if (level == 1) {
        PS_TRY(ps_alloc(&g->live_key, g->n, sizeof *g->live_key, "keys of heavy bins"));
        PS_TRY(ps_alloc(&g->live_row, g->n, sizeof *g->live_row, "keys of heavy bins"));
        PS_TRY(ps_zalloc(&g->live, g->threads, sizeof *g->live, "keys of heavy bins"));
    }
#pragma omp parallel for num_threads(g->threads) schedule(static, 1)
    for (int t = 0; t < g->threads; t++) {
        const struct ps_range part = ps_block(g->n, g->threads, t);
        const int64_t n = level == 1 ? part.hi - part.lo : g->live[t];
        const uint64_t *from = level == 1 ? g->key + part.lo : g->live_key + part.lo;
        uint64_t *key = g->live_key + part.lo;
        int32_t *row = g->live_row + part.lo;
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) {
            const uint64_t k = from[i];
            const int32_t at = level == 1 ? g->top[k >> (DBSCAN_KEY_BITS - DBSCAN_TOP_BITS)]
                                          : g->next[row[i]][column(k, level - 1)];
            key[kept] = k;
            row[kept] = at;
            kept += at >= 0;
        }
        g->live[t] = kept;
    }
    return PS_OK;
}

/* Count the kept keys by the column of their rows, of which `from` is the first. */
static enum ps_status count_rows(struct growth *g, int64_t from, int level)
{
    const int64_t counts = (g->rows - from) * DBSCAN_STEP;
    uint32_t *mine;
    PS_TRY(keep_live(g, level));
    PS_TRY(ps_zalloc(&mine, counts * g->threads, sizeof *mine, "histograms of keys"));
#pragma omp parallel for num_threads(g->threads) schedule(static, 1)
    for (int t = 0; t < g->threads; t++) {
        const int64_t first = ps_block(g->n, g->threads, t).lo;
        uint32_t *c = mine + counts * t;
        for (int64_t i = first; i < first + g->live[t]; i++)
            c[(g->live_row[i] - from) * DBSCAN_STEP + column(g->live_key[i], level)]++;
    }
    sum_threads(g, mine, &g->next_count[from][0], counts);
    free(mine);
    return PS_OK;
}

static enum ps_status make_room(struct growth *g, int64_t rows)
{
    if (rows <= g->room) return PS_OK;
    const int64_t room = 2 * rows;
    PS_CHECK(room <= INT32_MAX, PS_EINTERNAL, "too many bins of keys");
    void *next = realloc(g->next, (size_t)room * sizeof *g->next);
    if (next) g->next = next;
    void *count = realloc(g->next_count, (size_t)room * sizeof *g->next_count);
    if (count) g->next_count = count;
    PS_CHECK(next && count, PS_ENOMEM, "no memory for %lld bins of keys", (long long)room * DBSCAN_STEP);
    g->room = room;
    return PS_OK;
}

static double node_cost(const struct growth *g, int64_t count, int bits)
{
    return dbscan_cost(g->load, (const double(*)[DBSCAN_KEY_BITS + 1]) g->share, count, bits);
}

/* Divide the heavy ones of n nodes of `bits` bits: each gets a row. Equal on all ranks, as the counts are. */
static enum ps_status divide(struct growth *g, bool in_top, int64_t from, int64_t n, int bits)
{
    if (bits >= g->dom->bits) return PS_OK;
    const double limit = g->total / PIECES / g->size;
    for (int64_t i = 0; i < n; i++) {
        const int64_t row = from + i / DBSCAN_STEP, column = i % DBSCAN_STEP;
        const int64_t count = in_top ? g->top_count[i] : g->next_count[row][column];
        if (count < 2 * g->each || node_cost(g, count, bits) <= limit) continue;
        PS_TRY(make_room(g, g->rows + 1));
        if (in_top)
            g->top[i] = (int32_t)g->rows;
        else
            g->next[row][column] = (int32_t)g->rows;
        for (int j = 0; j < DBSCAN_STEP; j++) g->next[g->rows][j] = LEAF;
        g->rows++;
    }
    return PS_OK;
}

static enum ps_status grow(struct growth *g)
{
    PS_TRY(ps_agree(g->comm, count_top(g)));
    MPI_Allreduce(MPI_IN_PLACE, g->top_count, TOP, MPI_INT64_T, MPI_SUM, g->comm);
    for (int i = 0; i < TOP; i++) g->total += node_cost(g, g->top_count[i], DBSCAN_TOP_BITS);
    PS_TRY(ps_agree(g->comm, divide(g, true, 0, TOP, DBSCAN_TOP_BITS)));
    int64_t from = 0;
    for (int level = 1; from < g->rows; level++) {
        const int64_t rows = g->rows, counts = (rows - from) * DBSCAN_STEP;
        const int bits = DBSCAN_TOP_BITS + level * DBSCAN_STEP_BITS;
        PS_TRY(ps_agree(g->comm, count_rows(g, from, level)));
        for (int64_t at = from; at < rows; at += 1 << 20) {
            const int64_t n = rows - at < 1 << 20 ? rows - at : 1 << 20;
            MPI_Allreduce(MPI_IN_PLACE, g->next_count[at], (int)n * DBSCAN_STEP, MPI_INT64_T, MPI_SUM,
                          g->comm);
        }
        PS_TRY(ps_agree(g->comm, divide(g, false, from, counts, bits)));
        from = rows;
    }
    return PS_OK;
}

/* The bins in key order, with what the cut needs of them. */
struct listing {
    const struct growth *g;
    struct dbscan_cut *cut;
    double *cost; /* [bins] */
};

static int32_t list_node(struct listing *l, int32_t at, uint64_t start, int64_t count, int bits)
{
    struct dbscan_cut *cut = l->cut;
    if (at < 0) {
        const int64_t bin = cut->bins++;
        cut->start[bin] = start;
        cut->count[bin] = count;
        l->cost[bin] = node_cost(l->g, count, bits);
        return (int32_t)~bin;
    }
    const int shift = DBSCAN_KEY_BITS - bits - DBSCAN_STEP_BITS;
    for (int j = 0; j < DBSCAN_STEP; j++)
        cut->next[at][j] = list_node(l, cut->next[at][j], start + ((uint64_t)j << shift),
                                     l->g->next_count[at][j], bits + DBSCAN_STEP_BITS);
    return at;
}

/* Bits of a key that a border of bins is made of: the fewer, the fewer boxes a rank's region has, and the
 * smaller its surface. */
static int border_bits(uint64_t start)
{
    return start ? DBSCAN_KEY_BITS - __builtin_ctzll(start) : 0;
}

/* Give each rank consecutive bins. Its share of the total cost ends in a bin; the border is the one of fewest
 * bits among those that miss the share by less than SLACK of it, and else the nearest. */
static void assign(struct dbscan_cut *cut, const double *cost)
{
    double total = 0, before = 0;
    int64_t bin = 0;
    for (int64_t i = 0; i < cut->bins; i++) total += cost[i];
    const double slack = total / cut->size * SLACK;
    for (int r = 0; r < cut->size; r++) {
        const double goal = total * (r + 1) / cut->size;
        cut->first[r] = bin;
        cut->cost[r] = 0;
        while (bin < cut->bins && (r == cut->size - 1 || before + cost[bin] / 2 <= goal)) {
            before += cost[bin];
            cut->cost[r] += cost[bin++];
        }
        if (r == cut->size - 1) break;
        int64_t best = bin;
        double at = before, best_at = before;
        for (int64_t b = bin; b > cut->first[r] && goal - (at -= cost[b - 1]) < slack; b--)
            if (border_bits(cut->start[b - 1]) < border_bits(cut->start[best])) best = b - 1, best_at = at;
        at = before;
        for (int64_t b = bin; b + 1 < cut->bins && (at += cost[b]) - goal < slack; b++)
            if (border_bits(cut->start[b + 1]) < border_bits(cut->start[best])) best = b + 1, best_at = at;
        cut->cost[r] += best_at - before;
        before = best_at;
        bin = best;
    }
    cut->first[cut->size] = cut->bins;
}

static enum ps_status flatten(struct growth *g, struct dbscan_cut *cut)
{
    const int64_t room = TOP + g->rows * DBSCAN_STEP;
    struct listing l = {.g = g, .cut = cut};
    enum ps_status rc = ps_alloc(&cut->start, room + 1, sizeof *cut->start, "bins of keys");
    if (rc == PS_OK) rc = ps_alloc(&cut->count, room, sizeof *cut->count, "bins of keys");
    if (rc == PS_OK) rc = ps_alloc(&cut->first, cut->size + 1, sizeof *cut->first, "bins of keys");
    if (rc == PS_OK) rc = ps_alloc(&cut->cost, cut->size, sizeof *cut->cost, "bins of keys");
    if (rc == PS_OK) rc = ps_alloc(&l.cost, room, sizeof *l.cost, "bins of keys");
    if (rc == PS_OK) {
        for (int i = 0; i < TOP; i++)
            cut->top[i] = list_node(&l, cut->top[i], (uint64_t)i << (DBSCAN_KEY_BITS - DBSCAN_TOP_BITS),
                                    g->top_count[i], DBSCAN_TOP_BITS);
        cut->start[cut->bins] = (uint64_t)1 << DBSCAN_KEY_BITS;
        assign(cut, l.cost);
    }
    free(l.cost);
    return rc;
}

enum ps_status dbscan_cut_make(MPI_Comm comm, const struct dbscan_domain *dom, const struct dbscan_load *load,
                               const uint64_t *key, int64_t n, int64_t each, struct dbscan_cut *out)
{
    struct growth g = {.comm = comm, .dom = dom, .load = load, .key = key, .n = n, .each = each};
    struct dbscan_cut cut = {0};
    MPI_Comm_size(comm, &g.size);
    cut.size = g.size;
    g.threads = omp_get_max_threads();
    dbscan_cost_shares(dom, load->eps, g.share);
    enum ps_status rc = ps_alloc(&g.top, TOP, sizeof *g.top, "bins of keys");
    if (rc == PS_OK) rc = ps_alloc(&g.top_count, TOP, sizeof *g.top_count, "bins of keys");
    for (int i = 0; rc == PS_OK && i < TOP; i++) g.top[i] = LEAF;
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = grow(&g);
    cut.top = g.top;
    cut.next = g.next;
    if (rc == PS_OK) rc = ps_agree(comm, flatten(&g, &cut));
    free(g.top_count);
    free(g.next_count);
    free(g.live_key);
    free(g.live_row);
    free(g.live);
    if (rc != PS_OK) dbscan_cut_free(&cut);
    *out = cut;
    return rc;
}

void dbscan_cut_free(struct dbscan_cut *cut)
{
    free(cut->start);
    free(cut->count);
    free(cut->first);
    free(cut->cost);
    free(cut->top);
    free(cut->next);
    *cut = (struct dbscan_cut){0};
}

int64_t dbscan_cut_each(int64_t rows, int ranks)
{
    const int64_t each = rows / ((int64_t)ranks * PIECES * BIN_KEYS);
    return each < 1 ? 1 : each < MOST_EACH ? each : MOST_EACH;
}

int dbscan_cut_owner(const struct dbscan_cut *cut, int64_t bin)
{
    int lo = 0, hi = cut->size; /* the last rank whose first bin is <= bin: ranks before it with the same
                                   first bin are empty */
    while (hi - lo > 1) {
        const int mid = lo + (hi - lo) / 2;
        if (cut->first[mid] <= bin)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}
