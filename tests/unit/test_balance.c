/* ranks: 1 2 3 4 16 */
#include "mpicheck.h"
#include "apps/hpdbscan/dbscan_balance.h"
#include "common/par/block.h"
#include "kernels/rng.h"
#include <math.h>
#include <string.h>

enum shape { UNIFORM, TOWNS, SPOT, LINE, EQUAL, FEW, NONE, SHAPES };
static const char *const names[] = {"uniform", "towns", "spot", "line", "equal", "few", "none"};

/* Everything a test looks at: this rank's rows, their keys, the cut. */
struct world {
    int rank, size, d;
    int64_t n;
    struct ps_range mine;
    double *x;
    uint64_t *key;
    struct dbscan_domain dom;
    struct dbscan_load load;
    struct dbscan_cut cut;
};

static double coordinate(enum shape shape, int64_t i, int k)
{
    const struct ps_rng r = {42, (uint32_t)shape};
    const double u = ps_rng_uniform(r, i, (uint32_t)k);
    if (shape == EQUAL) return 3;
    if (shape == LINE) return k == 0 ? u : 0.5;
    if (shape == SPOT) return i % 20 == 0 ? u : 0.3 + 1e-4 * ps_rng_normal(r, i, (uint32_t)(k + 8));
    if (shape == TOWNS) { /* a tenth everywhere, the rest in towns of falling size */
        const int64_t town = (int64_t)(300 * pow(ps_rng_uniform(r, i, 30), 5));
        const struct ps_rng places = {43, 0};
        return i % 10 == 0 ? u
                           : ps_rng_uniform(places, town, (uint32_t)k) +
                                 2e-3 * ps_rng_normal(r, i, (uint32_t)(k + 8));
    }
    return u;
}

static void make(enum shape shape, int64_t n, int d, double eps, int64_t min_points, struct world *w)
{
    *w = (struct world){.d = d, .n = n, .load = {eps, min_points}};
    MPI_Comm_rank(MPI_COMM_WORLD, &w->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &w->size);
    w->mine = ps_block(n, w->size, w->rank);
    const int64_t own = w->mine.hi - w->mine.lo;
    w->x = malloc((size_t)(own * d + 1) * sizeof *w->x);
    w->key = malloc((size_t)(own + 1) * sizeof *w->key);
    for (int64_t i = 0; i < own; i++)
        for (int k = 0; k < d; k++) w->x[i * d + k] = coordinate(shape, w->mine.lo + i, k);
    const struct ps_points p = {w->x, own, d, PS_F64};
    mck_assert(dbscan_domain_make(MPI_COMM_WORLD, &p, w->mine.lo, "test", &w->dom) == PS_OK, "domain");
    mck_assert(dbscan_domain_keys_of(&w->dom, &p, 1, w->key) == PS_OK, "keys");
    mck_assert(dbscan_cut_make(MPI_COMM_WORLD, &w->dom, &w->load, w->key, own, 1, &w->cut) == PS_OK, "cut");
}

static void done(struct world *w)
{
    free(w->x), free(w->key);
    dbscan_domain_free(&w->dom);
    dbscan_cut_free(&w->cut);
}

/* Bins are aligned ranges of one prefix that cover all keys once; ranks own consecutive ones, all of them. */
static int covers(const struct dbscan_cut *cut)
{
    int right = cut->start[0] == 0 && cut->start[cut->bins] == (uint64_t)1 << DBSCAN_KEY_BITS;
    for (int64_t b = 0; b < cut->bins && right; b++) {
        const uint64_t lo = cut->start[b], width = cut->start[b + 1] - lo;
        right = cut->start[b + 1] > lo && (width & (width - 1)) == 0 && lo % width == 0;
        right = right && dbscan_cut_bin(cut, lo) == b && dbscan_cut_bin(cut, lo + width - 1) == b;
    }
    right = right && cut->first[0] == 0 && cut->first[cut->size] == cut->bins;
    for (int r = 0; r < cut->size && right; r++) {
        right = cut->first[r] <= cut->first[r + 1];
        for (int64_t b = cut->first[r]; b < cut->first[r + 1]; b++)
            right = right && dbscan_cut_owner(cut, b) == r;
    }
    return right;
}

/* Counts are those of the keys, and each key's owner is the rank whose interval it lies in. */
static int counts(const struct world *w)
{
    const struct dbscan_cut *cut = &w->cut;
    int64_t *count = calloc((size_t)cut->bins, sizeof *count);
    int right = 1;
    for (int64_t i = 0; i < w->mine.hi - w->mine.lo; i++) {
        const int64_t bin = dbscan_cut_bin(cut, w->key[i]);
        const int owner = dbscan_cut_owner(cut, bin);
        right = right && cut->start[bin] <= w->key[i] && w->key[i] < cut->start[bin + 1];
        right = right && cut->start[cut->first[owner]] <= w->key[i] &&
                w->key[i] < cut->start[cut->first[owner + 1]];
        count[bin]++;
    }
    MPI_Allreduce(MPI_IN_PLACE, count, (int)cut->bins, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    right = right && memcmp(count, cut->count, (size_t)cut->bins * sizeof *count) == 0;
    free(count);
    return right;
}

/* The same on all ranks. */
static int agrees(const struct dbscan_cut *cut)
{
    uint64_t sum[2] = {(uint64_t)cut->bins, 0}, least[2], most[2];
    for (int64_t b = 0; b < cut->bins; b++) sum[1] = sum[1] * 31 + cut->start[b] + (uint64_t)cut->count[b];
    for (int r = 0; r < cut->size; r++) sum[1] = sum[1] * 31 + (uint64_t)cut->first[r];
    MPI_Allreduce(sum, least, 2, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(sum, most, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    return least[0] == most[0] && least[1] == most[1];
}

/* A rank's cost is the sum of its bins' costs. Returns the mean of the ranks' costs over the largest. */
static double balance(const struct world *w, double *wrong)
{
    double share[2][DBSCAN_KEY_BITS + 1], total = 0, largest = 0;
    dbscan_cost_shares(&w->dom, w->load.eps, share);
    *wrong = 0;
    for (int r = 0; r < w->size; r++) {
        double sum = 0;
        for (int64_t b = w->cut.first[r]; b < w->cut.first[r + 1]; b++)
            sum += dbscan_cost(&w->load, (const double(*)[DBSCAN_KEY_BITS + 1]) share, w->cut.count[b],
                               DBSCAN_KEY_BITS - __builtin_ctzll(w->cut.start[b + 1] - w->cut.start[b]));
        *wrong = fmax(*wrong, fabs(sum - w->cut.cost[r]) / (1 + sum));
        total += sum;
        largest = fmax(largest, sum);
    }
    return largest > 0 ? total / w->size / largest : 1;
}

static double check(enum shape shape, int64_t n, int d, double eps, int64_t min_points)
{
    struct world w;
    double wrong;
    make(shape, n, d, eps, min_points, &w);
    const char *name = names[shape];
    mck_assert(covers(&w.cut), "%s, d %d: bins do not cover the keys once", name, d);
    mck_assert(counts(&w), "%s, d %d: points are counted or owned wrongly", name, d);
    mck_assert(agrees(&w.cut), "%s, d %d: ranks have different cuts", name, d);
    const double load = balance(&w, &wrong);
    mck_assert(wrong < 1e-9, "%s, d %d: costs are wrong by %g", name, d, wrong);
    done(&w);
    return load;
}

START_TEST(every_shape)
{
    for (int shape = 0; shape < SHAPES; shape++)
        for (int d = 1; d <= 12; d = d < 3 ? d + 1 : 2 * d) {
            const int64_t n = shape == NONE ? 0 : shape == FEW ? 3 : 4000;
            check((enum shape)shape, n, d, 0.01, 5);
            check((enum shape)shape, n, d, 1e-9, 1);
            check((enum shape)shape, n, d, 1e9, 1000);
        }
}
END_TEST

/* Skewed or not, a rank has hardly more than its share. */
START_TEST(even_shares)
{
    static const enum shape shapes[] = {UNIFORM, TOWNS, SPOT, LINE};
    static const double eps[] = {1e-4, 2e-3, 0.05};
    for (int s = 0; s < 4; s++)
        for (int e = 0; e < 3; e++)
            for (int d = 2; d <= 3; d++) {
                const double even = check(shapes[s], 100000, d, eps[e], 20);
                mck_assert(even >= 0.94, "%s, d %d, eps %g: mean over largest cost is %.3f", names[shapes[s]],
                           d, eps[e], even);
            }
}
END_TEST

/* What points cost: one where the cell is core as a whole, else distances on top, no more than a search that
 * ends at min_points needs. */
START_TEST(costs)
{
    struct world w;
    double share[2][DBSCAN_KEY_BITS + 1];
    make(UNIFORM, 4000, 2, 0.01, 20, &w);
    dbscan_cost_shares(&w.dom, w.load.eps, share);
    const double(*s)[DBSCAN_KEY_BITS + 1] = (const double(*)[DBSCAN_KEY_BITS + 1]) share;
    mck_assert(dbscan_cost(&w.load, s, 0, 10) == 0, "no points");
    mck_assert(dbscan_cost(&w.load, s, 1, 0) >= 1 && dbscan_cost(&w.load, s, 1, 0) < 1.1, "one point");
    mck_assert(dbscan_cost(&w.load, s, 1000000, 0) == 1e6,
               "a million points are dense: 1e6 * (0.01/sqrt 2)^2 > 20");
    const double thin = dbscan_cost(&w.load, s, 100, 4) / 100,
                 thick = dbscan_cost(&w.load, s, 10000, 4) / 10000;
    mck_assert(thin > 1 && thick > thin, "denser is dearer: %g, %g", thin, thick);
    mck_assert(share[1][4] / share[1][3] == 2 && share[0][1] / share[0][0] == 2,
               "half a box, twice the share");
    done(&w);
}
END_TEST

/* One key of each run of rows, from any place in it: a period in the rows' order is no bias. */
START_TEST(sampled_keys)
{
    enum { N = 8003, EACH = 8 };
    double x[N];
    uint64_t all[N], some[N / EACH + 1];
    int64_t phase[EACH] = {0}, right = 1;
    for (int64_t i = 0; i < N; i++) x[i] = (double)(i % EACH);
    const struct ps_points p = {x, N, 1, PS_F64};
    struct dbscan_domain dom;
    mck_assert(dbscan_domain_make(MPI_COMM_WORLD, &p, 0, "test", &dom) == PS_OK, "domain");
    mck_assert(dbscan_domain_sampled(N, EACH) == 1001 && dbscan_domain_sampled(0, EACH) == 0, "how many");
    mck_assert(dbscan_domain_keys_of(&dom, &p, 1, all) == PS_OK, "keys");
    mck_assert(dbscan_domain_keys_of(&dom, &p, EACH, some) == PS_OK, "keys of some");
    for (int64_t s = 0; s < N / EACH + 1; s++) {
        int k = 0;
        while (k < EACH && s * EACH + k < N && all[s * EACH + k] != some[s]) k++;
        right = right && k < EACH && s * EACH + k < N;
        phase[k % EACH]++;
    }
    mck_assert(right, "a key comes from another run");
    for (int k = 0; k < EACH; k++) /* mean 125, four standard deviations 42 */
        mck_assert(phase[k] > 83 && phase[k] < 167, "place %d of a run is drawn %lld times in 1001", k,
                   (long long)phase[k]);
    dbscan_domain_free(&dom);
}
END_TEST

/* A cut by some keys shares all points out nearly as evenly: slack 3 % at both ends, and four standard
 * deviations of a share of 3125 sampled keys or more, 7.2 %. */
START_TEST(sampled_cut)
{
    enum { N = 200000, EACH = 4 };
    struct world w;
    make(UNIFORM, N, 2, 1e-4, 20, &w);
    dbscan_cut_free(&w.cut);
    const int64_t own = w.mine.hi - w.mine.lo, n = dbscan_domain_sampled(own, EACH);
    const struct ps_points p = {w.x, own, 2, PS_F64};
    uint64_t *some = malloc((size_t)n * sizeof *some);
    int64_t *points = calloc((size_t)w.size, sizeof *points);
    mck_assert(dbscan_domain_keys_of(&w.dom, &p, EACH, some) == PS_OK, "keys of some");
    mck_assert(dbscan_cut_make(MPI_COMM_WORLD, &w.dom, &w.load, some, n, EACH, &w.cut) == PS_OK, "cut");
    for (int64_t i = 0; i < own; i++) points[dbscan_cut_owner(&w.cut, dbscan_cut_bin(&w.cut, w.key[i]))]++;
    MPI_Allreduce(MPI_IN_PLACE, points, w.size, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    for (int r = 0; r < w.size; r++)
        mck_assert(fabs((double)points[r] * w.size / N - 1) < 0.132, "rank %d has %lld of %d points", r,
                   (long long)points[r], N);
    mck_assert(covers(&w.cut) && agrees(&w.cut), "bins do not cover the keys once, equally on all ranks");
    mck_assert(dbscan_cut_each(4000, 1) == 1 && dbscan_cut_each(70000, 2) == 2 &&
                   dbscan_cut_each(INT64_C(1) << 40, 2) == 4,
               "keys stand for more points where there are many");
    free(some), free(points);
    done(&w);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_shape, even_shares, costs, sampled_keys, sampled_cut, NULL};
    return mck_main(argc, argv, "balance", tests);
}
