/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <omp.h>
#include <string.h>
#include "common/nn/gradients.h"
#include "common/nn/gradients_tree.h"
#include "kernels/rng.h"

enum { N = 2003, ALL = N + PS_GRADIENT_EXTRA, STEPS = 3 };

/* What grains give: of widely different size, so that every other order of addition shows, and zeros whose
 * sign an addition of zero would change. */
static float value(int64_t step, int64_t grain, int64_t i)
{
    const struct ps_rng r = {.seed = 5, .stream = (uint32_t)step};
    if (i % 97 == 0) return -0.0f;
    return (float)(ps_rng_normal(r, grain * 100000 + i, 0) *
                   exp2((double)ps_rng_below(r, grain, 1 + (uint32_t)i, 24) - 12));
}

/* How a test goes through its steps. */
enum told { NOTHING, AT_ONCE, IN_PIECES, OUT_OF_ORDER, BY_FIRST_THREAD, TOLDS };

struct way {
    int threads, node_ranks;
    struct ps_gradients_plan plan;
    enum told told;
    int64_t empty; /* every so many grains has no samples; 0: none */
    int micro;     /* micro-batches of a grain */
};

static bool is_empty(const struct way *w, int64_t grain)
{
    return w->empty > 0 && grain % w->empty == w->empty - 1;
}

/* A grain's gradient: micro-batches are added in single precision. */
static float gradient(const struct way *w, int64_t step, int64_t grain, int64_t i)
{
    float v = value(step, grain, i);
    for (int m = 1; m < w->micro; m++) v += value(step + 100 * m, grain, i);
    return v;
}

/* The tree as its definition says it. @return is there a grain? */
static bool tree(const struct way *w, int64_t step, int64_t lo, int64_t width, int64_t i, float *sum)
{
    float right;
    if (lo >= w->plan.grains) return false;
    if (width == 1) {
        *sum = is_empty(w, lo) ? 0 : gradient(w, step, lo, i);
        return !is_empty(w, lo);
    }
    const bool is_left = tree(w, step, lo, width / 2, i, sum);
    const bool is_right = tree(w, step, lo + width / 2, width / 2, i, &right);
    if (is_right) *sum = is_left ? *sum + right : right;
    return is_left || is_right;
}

static void tell(struct ps_gradients *g, int thread, enum told told)
{
    const int64_t cut[] = {ALL, N, 1700, 1690, 600, 600, 7, 0};
    const int cuts = sizeof cut / sizeof *cut;
    if (told == AT_ONCE || (told == BY_FIRST_THREAD && thread == 0)) ps_gradients_ready(g, thread, 0, ALL);
    for (int i = 1; i < cuts && told == IN_PIECES; i++) ps_gradients_ready(g, thread, cut[i], cut[i - 1]);
    for (int i = cuts - 1; i > 0 && told == OUT_OF_ORDER; i--)
        ps_gradients_ready(g, thread, cut[i], cut[i - 1]);
}

/* A thread's grains of a step. */
static void go_through(struct ps_gradients *g, const struct way *w, int thread, int64_t step)
{
    const struct ps_range mine = ps_gradients_grains(g, thread);
    int64_t last = mine.hi - 1;
    while (last >= mine.lo && is_empty(w, last)) last--;
    if (step == 1) memset(ps_gradients_clear(g, thread), 127, ALL * sizeof(float)); /* to be forgotten */
    if (last < mine.lo || step == 1) ps_gradients_clear(g, thread)[N + PS_GRADIENT_BAD] = 1;
    for (int64_t k = mine.lo; k <= last; k++)
        for (int m = 0; m < w->micro && !is_empty(w, k); m++) {
            bool first;
            float *slot = ps_gradients_slot(g, thread, k, &first);
            for (int64_t i = 0; i < N; i++)
                slot[i] = first ? value(step, k, i) : slot[i] + value(step + 100 * m, k, i);
            slot[N + PS_GRADIENT_STOP] = 1;
            if (first) slot[N + PS_GRADIENT_BAD] = slot[N + PS_GRADIENT_SAVE] = 0;
            if (k == last && m == w->micro - 1) tell(g, thread, w->told);
        }
}

/* Sums of a step, as they should be. */
struct sums {
    float *exact;
    double *sum, *size; /* sum of absolute values */
};

static void expect(const struct way *w, int64_t step, struct sums *want)
{
    int64_t width = 1;
    while (width < w->plan.grains) width *= 2;
    for (int64_t i = 0; i < N; i++) {
        want->sum[i] = want->size[i] = 0;
        if (!tree(w, step, 0, width, i, &want->exact[i])) want->exact[i] = -0.0f;
        for (int64_t k = 0; k < w->plan.grains; k++) {
            if (is_empty(w, k)) continue;
            for (int m = 0; m < w->micro; m++) {
                want->sum[i] += value(step + 100 * m, k, i);
                want->size[i] += fabs(value(step + 100 * m, k, i));
            }
        }
    }
}

/* Elements of the sum that are not what they should be. Roundings: one of 2^-24 for each addition on the way;
 * with bf16, one of 2^-8 of what comes from other nodes, and one of the sum. */
static int wrong(const struct way *w, const struct ps_team *team, const float *sum, const struct sums *want)
{
    const double adds = (double)(w->plan.grains * w->micro + team->all + team->count);
    const int64_t first = w->plan.compressed, lines = first < ALL ? first / 16 * 16 : ALL;
    const int64_t compressed = team->count > 1 ? lines : 0;
    int bad = 0;
    for (int64_t i = 0; i < N; i++) {
        const double bound = adds * exp2(-24) + (i < compressed ? 2 * exp2(-8) + exp2(-16) : 0);
        if (w->plan.reduce == PS_REDUCE_EXACT)
            bad += memcmp(&sum[i], &want->exact[i], sizeof *sum) != 0;
        else
            bad += !(fabs(sum[i] - want->sum[i]) <= bound * want->size[i]);
    }
    return bad;
}

/* Threads that have no grain with samples, and grains that have some. */
static void count_all(const struct way *w, const struct ps_team *team, int64_t *idle, int64_t *full)
{
    *idle = *full = 0;
    for (int64_t t = 0; t < team->all; t++) {
        const struct ps_range r = ps_block(w->plan.grains, team->all, t);
        int64_t here = 0;
        for (int64_t k = r.lo; k < r.hi; k++) here += !is_empty(w, k);
        *full += here;
        *idle += here == 0;
    }
}

static int check_step(struct ps_gradients *g, const struct way *w, struct ps_team *team, int64_t step,
                      const struct sums *want)
{
    int bad = 0;
    int64_t idle, full, exact_full;
    const float *sum = ps_gradients_total(g);
    count_all(w, team, &idle, &full);
    exact_full = w->plan.reduce == PS_REDUCE_EXACT ? full : team->all - idle; /* slots that were written */
    bad += wrong(w, team, sum, want);
    bad += sum[N + PS_GRADIENT_STOP] != (float)exact_full;
    bad += sum[N + PS_GRADIENT_SAVE] != 0;
    /* in step 1 all threads cleared, but those with grains overwrote what they had told */
    if (step != 1) bad += sum[N + PS_GRADIENT_BAD] != (float)idle;
    return bad;
}

static struct ps_gradients_count run(const struct way *w)
{
    struct ps_team team;
    struct ps_gradients *g;
    struct sums want = {malloc(N * sizeof(float)), malloc(N * sizeof(double)), malloc(N * sizeof(double))};
    float *first = malloc(ALL * sizeof *first);
    mck_assert(ps_team_open(MPI_COMM_WORLD, w->threads, w->node_ranks, &team) == PS_OK, "team");
    mck_assert(ps_gradients_open(&team, &w->plan, &g) == PS_OK, "open");
    for (int64_t step = 0; step < STEPS; step++) {
        int failed = 0;
#pragma omp parallel num_threads(w->threads) reduction(+ : failed)
        {
            const int thread = omp_get_thread_num();
            go_through(g, w, thread, step);
            failed += ps_gradients_sum(g, thread) != PS_OK;
            ps_team_wait(&team);
        }
        expect(w, step, &want);
        const int bad = check_step(g, w, &team, step, &want);
        mck_assert(failed == 0 && bad == 0,
                   "%d wrong sums in step %d: %lld grains, %d threads, nodes of %d, %s, told %d, empty %d",
                   bad, (int)step, (long long)w->plan.grains, w->threads, w->node_ranks,
                   w->plan.reduce == PS_REDUCE_EXACT ? "exact"
                   : w->plan.compressed > 0          ? "bf16"
                                                     : "fast",
                   w->told, (int)w->empty);
        memcpy(first, ps_gradients_total(g), ALL * sizeof *first);
        MPI_Bcast(first, ALL, MPI_FLOAT, 0, MPI_COMM_WORLD);
        mck_assert(memcmp(first, ps_gradients_total(g), ALL * sizeof *first) == 0, "nodes have other sums");
    }
    const struct ps_gradients_count count = ps_gradients_sent(g);
    ps_gradients_close(g);
    ps_team_close(&team);
    free(want.exact), free(want.sum), free(want.size), free(first);
    return count;
}

/* `exact`: the bits of the tree, wherever grains are. */
START_TEST(same_bits)
{
    const int64_t grains[] = {1, 4, 7, 20};
    for (int k = 0; k < 4; k++)
        for (int threads = 1; threads <= 2; threads++)
            for (int ranks = 0; ranks <= 2; ranks++) {
                const struct way w = {.threads = threads,
                                      .node_ranks = ranks,
                                      .plan = {ALL, grains[k], PS_REDUCE_EXACT, false, 1600},
                                      .told = IN_PIECES,
                                      .micro = 1};
                run(&w);
            }
}
END_TEST

START_TEST(fast)
{
    const int64_t grains[] = {1, 4, 7}, compressed[] = {0, 1000, ALL};
    for (int k = 0; k < 3; k++)
        for (int ranks = 0; ranks <= 2; ranks++)
            for (int c = 0; c < 3; c++) {
                const struct way w = {.threads = 2,
                                      .node_ranks = ranks,
                                      .plan = {ALL, grains[k], PS_REDUCE_FAST, compressed[c], 1600},
                                      .told = IN_PIECES,
                                      .micro = 1};
                run(&w);
            }
}
END_TEST

/* However and whenever threads tell, with any length of buckets. */
START_TEST(orders)
{
    const int64_t buckets[] = {0, 1, 1000, 20000};
    for (enum told told = 0; told < TOLDS; told++)
        for (int b = 0; b < 4; b++)
            for (enum ps_reduce reduce = PS_REDUCE_FAST; reduce <= PS_REDUCE_EXACT; reduce++) {
                const struct way w = {.threads = 2,
                                      .node_ranks = 1 + b % 2,
                                      .plan = {ALL, 9, reduce, false, buckets[b]},
                                      .told = told,
                                      .micro = 1};
                run(&w);
            }
}
END_TEST

START_TEST(empty_grains_and_micro_batches)
{
    for (int64_t empty = 1; empty <= 4; empty++)
        for (int64_t grains = 3; grains <= 17; grains += 7)
            for (enum ps_reduce reduce = PS_REDUCE_FAST; reduce <= PS_REDUCE_EXACT; reduce++)
                for (int ranks = 0; ranks <= 1; ranks++) {
                    const struct way w = {.threads = 2,
                                          .node_ranks = ranks,
                                          .plan = {ALL, grains, reduce, false, 9000},
                                          .told = empty % 2 ? AT_ONCE : NOTHING,
                                          .empty = empty,
                                          .micro = 1 + (int)(empty % 3)};
                    run(&w);
                }
}
END_TEST

/* Every node sends each element to the others once on its way to be added, and its share of the sums. */
START_TEST(counts)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int64_t buckets = ((ALL + 15) / 16 * 16 + 1023) / 1024, others = size - 1;
    for (int kind = 0; kind < 3; kind++) {
        const struct way w = {
            .threads = 1,
            .node_ranks = 1,
            .plan = {ALL, size, kind == 1 ? PS_REDUCE_EXACT : PS_REDUCE_FAST, kind == 2 ? ALL : 0, 4096},
            .told = IN_PIECES,
            .micro = 1};
        const struct ps_gradients_count mine = run(&w);
        int64_t all[2] = {mine.messages, mine.bytes};
        MPI_Allreduce(MPI_IN_PLACE, all, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
        const int64_t messages = STEPS * size * buckets * 2 * others;
        const int64_t bytes = STEPS * 2 * others * ALL * (kind == 2 ? 2 : 4);
        mck_assert(all[0] == messages, "%lld messages, not %lld", (long long)all[0], (long long)messages);
        /* of an allreduce's bytes each rank may drop a fraction of a byte per bucket */
        const int64_t slack = kind == 0 ? STEPS * size * buckets : 0;
        mck_assert(all[1] <= bytes && all[1] >= bytes - slack, "%lld bytes, not %lld", (long long)all[1],
                   (long long)bytes);
    }
}
END_TEST

/* What is ready travels while the rest is still to come. */
START_TEST(early)
{
    const struct ps_gradients_plan plan = {ALL, 0, PS_REDUCE_FAST, false, 1600};
    struct ps_team team;
    struct ps_gradients *g;
    bool first;
    mck_assert(ps_team_open(MPI_COMM_WORLD, 1, 1, &team) == PS_OK, "team");
    mck_assert(ps_gradients_open(&team, &plan, &g) == PS_OK, "open");
    const int64_t grain = ps_gradients_grains(g, 0).lo, others = team.count - 1;
    mck_assert(grain == team.index, "grain %lld", (long long)grain);
    memset(ps_gradients_slot(g, 0, grain, &first), 0, ALL * sizeof(float));
    ps_gradients_ready(g, 0, ALL - 900, ALL); /* two buckets of 400, and some */
    mck_assert(ps_gradients_sent(g).messages == 2 * 2 * others, "sent %lld",
               (long long)ps_gradients_sent(g).messages);
    mck_assert(ps_gradients_sum(g, 0) == PS_OK, "sum");
    mck_assert(ps_gradients_sent(g).messages == 6 * 2 * others, "sent %lld",
               (long long)ps_gradients_sent(g).messages);
    ps_gradients_close(g);
    ps_team_close(&team);
}
END_TEST

/* Over a slow network a bucket that has left early is there when the rest is; without it all that is missing
 * is waited for. */
START_TEST(slow)
{
    const struct ps_gradients_plan plan = {ALL, 0, PS_REDUCE_FAST, false, 4096}; /* two buckets */
    const struct ps_network network = {.latency = 0.01, .bandwidth = 1e12};
    const int64_t nodes = 5; /* 8 messages: 0.08 s a bucket */
    struct ps_team team;
    struct ps_gradients *g;
    bool first;
    mck_assert(ps_team_open(MPI_COMM_WORLD, 1, 1, &team) == PS_OK, "team");
    mck_assert(ps_gradients_open(&team, &plan, &g) == PS_OK, "open");
    ps_gradients_slow_down(g, &network, nodes);
    memset(ps_gradients_slot(g, 0, team.index, &first), 0, ALL * sizeof(float));
    double start = MPI_Wtime();
    mck_assert(ps_gradients_sum(g, 0) == PS_OK, "sum");
    const double took = MPI_Wtime() - start;
    /* each rank moves the buckets of its lane alone: all of them, as nodes have one rank */
    mck_assert(team.count == 1 || took >= 0.16, "two buckets in %g s", took);
    ps_gradients_close(g);
    ps_team_close(&team);
}
END_TEST

/* bf16 has 8 bits: halfway between two of them, the even one is taken. */
START_TEST(rounded_to_even)
{
    static const float from[] = {1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.8p-8f, -3 - 0x1p-7f,
                                 0x1p-140f,   255,         -0.0f};
    static const float to[] = {1, 1 + 0x1p-6f, 1 + 0x1p-7f, -3, 0, 255, -0.0f};
    enum { COUNT = sizeof from / sizeof *from, LEN = COUNT + PS_GRADIENT_EXTRA };
    const struct ps_gradients_plan plan = {LEN, 1, PS_REDUCE_FAST, LEN, 0};
    struct ps_team team;
    struct ps_gradients *g;
    mck_assert(ps_team_open(MPI_COMM_WORLD, 1, 1, &team) == PS_OK, "team");
    mck_assert(ps_gradients_open(&team, &plan, &g) == PS_OK, "open");
    float *slot = ps_gradients_clear(g, 0);
    if (team.index == 0) memcpy(slot, from, sizeof from);
    if (team.index == team.count - 1) slot[COUNT + PS_GRADIENT_STOP] = INFINITY;
    if (team.index == 0) slot[COUNT + PS_GRADIENT_BAD] = NAN;
    mck_assert(ps_gradients_sum(g, 0) == PS_OK, "sum");
    const float *sum = ps_gradients_total(g), *want = team.count > 1 ? to : from;
    int bad = 0;
    for (int i = 0; i < COUNT; i++) bad += memcmp(&sum[i], &want[i], sizeof *sum) != 0 ? 1 << i : 0;
    mck_assert(bad == 0, "numbers %x are wrong", bad);
    mck_assert(isinf(sum[COUNT + PS_GRADIENT_STOP]) && isnan(sum[COUNT + PS_GRADIENT_BAD]), "not kept");
    ps_gradients_close(g);
    ps_team_close(&team);
}
END_TEST

static float leaf_tree(int64_t lo, int64_t width, int64_t count)
{
    if (width == 1) return value(7, lo, 1);
    const float left = leaf_tree(lo, width / 2, count);
    return lo + width / 2 < count ? left + leaf_tree(lo + width / 2, width / 2, count) : left;
}

enum { LEAVES = 70 };

/* A stack of the said depth is enough for the part from `lo` to `hi` of `mine`, and no smaller one is. */
static void check_depth(int64_t count, struct ps_range mine, int64_t lo, int64_t hi)
{
    int64_t stack[LEAVES];
    int held = 0, most = 0;
    for (int64_t leaf = lo; leaf < hi; leaf++) {
        while (held >= 2 && ps_tree_meet(count, mine, stack[held - 2], stack[held - 1], leaf)) held--;
        stack[held++] = leaf;
        most = held > most ? held : most;
    }
    ck_assert_msg(most == ps_tree_depth(lo, hi), "%d vectors for [%lld, %lld)", most, (long long)lo,
                  (long long)hi);
}

/* Add the leaves of a range. @param first out [parts] their first leaves @param sum out [parts] @return parts
 */
static int add_range(int64_t count, struct ps_range mine, int64_t *first, float *sum)
{
    struct ps_tree_add add[LEAVES];
    int64_t leaf[LEAVES];
    float v[LEAVES];
    int part[LEAVES];
    const int n = (int)(mine.hi - mine.lo), parts = ps_tree_parts(count, mine, first);
    for (int i = 0; i < n; i++) leaf[i] = mine.lo + i, v[i] = value(7, mine.lo + i, 1);
    const int adds = ps_tree_plan(count, mine, n, leaf, add, part);
    ck_assert_msg(n - adds == parts, "%d parts, not %d", n - adds, parts);
    for (int i = 0; i < adds; i++) v[add[i].to] += v[add[i].from];
    for (int i = 0; i < parts; i++) {
        ck_assert_msg(leaf[part[i]] == first[i], "part %d", i);
        check_depth(count, mine, first[i], i + 1 < parts ? first[i + 1] : mine.hi);
        sum[i] = v[part[i]];
    }
    return parts;
}

/* Leaves cut into ranges at will, each range added up alone, then all parts: the sum is that of the tree. */
START_TEST(tree_in_pieces)
{
    const struct ps_rng r = {.seed = 1, .stream = 1};
    for (int64_t count = 1; count <= LEAVES; count++)
        for (int64_t trial = 0; trial < 5; trial++) {
            struct ps_tree_add add[LEAVES];
            float sum[LEAVES];
            int64_t first[LEAVES + PS_TREE_PARTS], width = 1;
            int parts = 0, root[LEAVES];
            while (width < count) width *= 2;
            for (int64_t lo = 0, hi; lo < count; lo = hi) {
                hi = lo + 1 + ps_rng_below(r, count * 100 + lo, (uint32_t)trial, 20);
                if (hi > count) hi = count;
                parts += add_range(count, (struct ps_range){lo, hi}, first + parts, sum + parts);
            }
            const int adds = ps_tree_plan(count, (struct ps_range){0, count}, parts, first, add, root);
            ck_assert_msg(parts - adds == 1 && root[0] == 0, "%d roots", parts - adds);
            for (int i = 0; i < adds; i++) sum[add[i].to] += sum[add[i].from];
            const float want = leaf_tree(0, width, count);
            ck_assert_msg(memcmp(&want, sum, sizeof want) == 0, "%lld leaves: %.9g, not %.9g",
                          (long long)count, sum[0], want);
        }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        tree_in_pieces, same_bits, fast, orders,          empty_grains_and_micro_batches,
        counts,         early,     slow, rounded_to_even, NULL};
    return mck_main(argc, argv, "nn_gradients", tests);
}
