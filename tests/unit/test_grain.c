/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "common/par/grain.h"
#include "kernels/rng.h"
#include <math.h>
#include <string.h>

enum { MAX_LEN = 1000 };

/** Values of widely different size, so that every other order of summation shows. */
static double value(int64_t grain, int64_t i)
{
    struct ps_rng r = {.seed = 5, .stream = 9};
    return ps_rng_normal(r, grain * 100000 + i, 0) *
           pow(10, (double)ps_rng_below(r, grain, 1 + (uint32_t)i, 12));
}

/** The tree as its definition says it: left half of the next power of two, right half. */
static double tree(int64_t lo, int64_t width, int64_t count, int64_t i)
{
    if (width == 1) return value(lo, i);
    double left = tree(lo, width / 2, count, i);
    int64_t right = lo + width / 2;
    return right < count ? left + tree(right, width / 2, count, i) : left;
}

static void check(MPI_Comm comm, int64_t count, int64_t len)
{
    struct ps_grains g = ps_grains_make(comm, count);
    int64_t own = g.mine.hi - g.mine.lo, width = 1;
    double *mine = malloc((size_t)(own * len + 1) * sizeof *mine),
           *sum = malloc((size_t)(len + 1) * sizeof *sum);
    for (int64_t k = 0; k < own; k++)
        for (int64_t i = 0; i < len; i++) mine[k * len + i] = value(g.mine.lo + k, i);
    mck_assert(ps_grain_sum(&g, mine, len, sum) == PS_OK, "status");
    while (width < g.count) width *= 2;
    int same = 1;
    for (int64_t i = 0; i < len; i++) {
        double want = tree(0, width, g.count, i);
        same = same && memcmp(&want, &sum[i], sizeof want) == 0;
    }
    mck_assert(same, "other bits for %lld grains of %lld", (long long)count, (long long)len);
    free(mine), free(sum);
}

START_TEST(same_bits)
{
    for (int64_t count = 1; count <= 17; count++) {
        check(MPI_COMM_WORLD, count, 1);
        check(MPI_COMM_WORLD, count, 5);
    }
    check(MPI_COMM_WORLD, 100, 3);
    check(MPI_COMM_WORLD, 12, MAX_LEN);
    check(MPI_COMM_WORLD, 4, 0);
}
END_TEST

START_TEST(part_of_the_ranks)
{
    int rank;
    MPI_Comm half;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &half); /* the ranks in reverse */
    check(half, 13, 7);
    MPI_Comm_free(&half);
}
END_TEST

START_TEST(cut)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    mck_assert(ps_grains_make(MPI_COMM_WORLD, 0).count == size, "default: one grain per rank");
    struct ps_grains g = ps_grains_make(MPI_COMM_WORLD, 7);
    int64_t at = 0;
    for (int64_t k = 0; k < 7; k++) {
        struct ps_range r = ps_grain_range(&g, 100, k);
        mck_assert(r.lo == at, "grain %lld", (long long)k);
        at = r.hi;
    }
    mck_assert(at == 100, "all elements");
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {same_bits, part_of_the_ranks, cut, NULL};
    return mck_main(argc, argv, "grain", tests);
}
