/* ranks: 1 */
#include "mpicheck.h"
#include "common/par/block.h"

static void check(int64_t n, int64_t parts)
{
    int64_t at = 0, longest = n / parts + (n % parts != 0);
    for (int64_t i = 0; i < parts; i++) {
        struct ps_range r = ps_block(n, parts, i);
        mck_assert(r.lo == at && r.hi >= r.lo, "block %lld of %lld begins at %lld", (long long)i,
                   (long long)n, (long long)r.lo);
        mck_assert(r.hi - r.lo == longest - (n % parts != 0 && i >= n % parts), "length");
        at = r.hi;
        if (r.lo == r.hi) continue;
        mck_assert(ps_block_of(n, parts, r.lo) == i && ps_block_of(n, parts, r.hi - 1) == i, "block of");
    }
    mck_assert(at == n, "blocks end at %lld of %lld", (long long)at, (long long)n);
}

START_TEST(small)
{
    for (int64_t n = 0; n < 40; n++)
        for (int64_t parts = 1; parts < 20; parts++) check(n, parts);
}
END_TEST

START_TEST(large)
{
    check(INT64_MAX, 7);
    check(INT64_MAX / 2 + 11, 4096);
    check((int64_t)1 << 40, 1000);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {small, large, NULL};
    return mck_main(argc, argv, "block", tests);
}
