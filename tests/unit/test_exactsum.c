/* ranks: 1 2 3 4
 *
 * Sums whose exact value is known, integers beyond 53 bits as oracle, and any order and cut. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "common/par/block.h"
#include "common/par/exactsum.h"
#include "kernels/rng.h"
#include "tests/unit/mpicheck.h"

enum { MANY = 3000 };

static double sum_of(const double *x, int n)
{
    struct ps_exact s = {{0}};
    for (int i = 0; i < n; i++) ps_exact_add(&s, x[i]);
    return ps_exact_value(&s);
}

static int same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

#define EXPECT(want, ...)                                                                            \
    do {                                                                                             \
        double x_[] = {__VA_ARGS__};                                                                 \
        double got_ = sum_of(x_, sizeof x_ / sizeof *x_), want_ = (want);                            \
        ck_assert_msg(same(got_, want_), "%s is %.17g, not %.17g", #__VA_ARGS__, got_, want_);       \
        for (unsigned i_ = 0; i_ < sizeof x_ / sizeof *x_; i_++) x_[i_] = -x_[i_];                   \
        got_ = sum_of(x_, sizeof x_ / sizeof *x_);                                                   \
        ck_assert_msg(same(got_, want_ == 0 ? 0 : -want_), "minus " #__VA_ARGS__ " is %.17g", got_); \
    } while (0)

START_TEST(known_sums)
{
    ck_assert(same(sum_of(NULL, 0), 0));
    EXPECT(0, 0.0, -0.0);
    EXPECT(1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1);
    EXPECT(1, 1e308, 1, -1e308);
    EXPECT(0x1p-1074, 1e308, 1e308, 0x1p-1074, -1e308, -1e308);
    EXPECT(DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX);
    EXPECT(INFINITY, DBL_MAX, DBL_MAX);
    EXPECT(INFINITY, DBL_MAX, 0x1p970);
    EXPECT(DBL_MAX, DBL_MAX, 0x1p969);
    EXPECT(0, 1e300, 3.14, -3.14, 1e-320, -1e300, -1e-320);
    EXPECT(-0x1p-1074, DBL_MIN, -DBL_MIN, -0x1p-1074);
    EXPECT(DBL_MIN - 0x1p-1074, DBL_MIN, -0x1p-1074);
    EXPECT(0x1.8p-1073, 0x1p-1073, 0x1p-1074);
}
END_TEST

START_TEST(rounds_once_to_even)
{
    EXPECT(1, 1, 0x1p-53);
    EXPECT(1 + 0x1p-52, 1, 0x1p-53, 0x1p-1074);
    EXPECT(1, 1, 0x1p-53, -0x1p-1074);
    EXPECT(1 + 0x1p-51, 1 + 0x1p-52, 0x1p-53);
    EXPECT(2, 2 - 0x1p-52, 0x1p-53);
    EXPECT(1 + 0x1p-52, 1, 0x1p-54, 0x1p-54, 0x1p-80, 0x1p-200);
    EXPECT(1 - 0x1p-53, 1, -0x1p-54, -0x1p-55);
}
END_TEST

START_TEST(integers_of_100_bits)
{
    struct ps_rng r = {3, 1};
    for (int n = 1; n < 400; n++) {
        struct ps_exact s = {{0}};
        __int128 sum = 0;
        for (int i = 0; i < n; i++) {
            int64_t k = (int64_t)(ps_rng_u64(r, n * 1000 + i, 0) >> 11) * (i % 3 == 2 ? -1 : 1);
            int shift = (int)ps_rng_below(r, n * 1000 + i, 1, 40);
            sum += (__int128)k * ((__int128)1 << shift);
            ps_exact_add(&s, ldexp((double)k, shift - 700));
        }
        double want = ldexp((double)sum, -700), got = ps_exact_value(&s);
        ck_assert_msg(same(got, want), "%d integers: %a, not %a", n, got, want);
    }
}
END_TEST

/** Numbers of all sizes; i and i + MANY / 2 nearly cancel. */
static double any_number(int i)
{
    struct ps_rng r = {7, 2};
    int half = i % (MANY / 2);
    double x = ldexp(ps_rng_uniform(r, half, 0) + 0.5, (int)ps_rng_below(r, half, 1, 2090) - 1070);
    return i < MANY / 2 ? x : -x * (half % 3 ? 1 : 1 + 0x1p-50);
}

START_TEST(any_order_and_cut)
{
    static double x[MANY];
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int i = 0; i < MANY; i++) x[i] = any_number(i);
    double forward = sum_of(x, MANY);
    struct ps_exact s[3] = {{{0}}}, alone = {{0}}, kept;
    for (int i = MANY - 1; i >= 0; i--) ps_exact_add(&alone, x[i]);
    mck_assert(same(ps_exact_value(&alone), forward), "backwards");
    struct ps_range mine = ps_block(MANY, size, rank);
    for (int64_t i = mine.lo; i < mine.hi; i++) {
        ps_exact_add(&s[0], x[i]);
        ps_exact_add(&s[1], -x[i]);
    }
    ps_exact_add(&s[2], rank == size - 1 ? 5 : 0);
    kept = s[0];
    mck_assert(ps_exact_reduce(MPI_COMM_NULL, &s[0], 1) == PS_OK, "no communicator");
    mck_assert(memcmp(&kept, &s[0], sizeof kept) == 0, "left alone without a communicator");
    mck_assert(ps_exact_reduce(MPI_COMM_WORLD, s, 3) == PS_OK, "status");
    mck_assert(same(ps_exact_value(&s[0]), forward), "over ranks");
    mck_assert(same(ps_exact_value(&s[1]), -forward), "over ranks, negative");
    mck_assert(same(ps_exact_value(&s[2]), 5), "the third");
}
END_TEST

START_TEST(many_additions)
{
    struct ps_exact s = {{0}};
    double x = 2 - 0x1p-52; /* all digits set */
    for (int i = 0; i < 1 << 22; i++) ps_exact_add(&s, x);
    ck_assert(same(ps_exact_value(&s), x * 0x1p22));
    for (int i = 0; i < 1 << 22; i++) ps_exact_add(&s, -x);
    ck_assert(same(ps_exact_value(&s), 0));
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {known_sums,        rounds_once_to_even, integers_of_100_bits,
                                  any_order_and_cut, many_additions,      NULL};
    return mck_main(argc, argv, "exactsum", tests);
}
