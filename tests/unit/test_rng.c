/* ranks: 1 */
#include "mpicheck.h"
#include "kernels/rng.h"
#include <math.h>
#include <string.h>

START_TEST(known_answers)
{
    /* the vectors published with Random123 (Salmon et al. 2011) for philox4x32-10 */
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        ps_philox(kat[i].counter, kat[i].key, out);
        mck_assert(memcmp(out, kat[i].out, sizeof out) == 0, "vector %zu", i);
    }
}
END_TEST

START_TEST(layout)
{
    /* seed is the key, (index, slot, stream) the counter: files written from these numbers rely on it */
    struct ps_rng r = {.seed = 0x299f31d0a4093822u, .stream = 0x03707344};
    int64_t index = (int64_t)0x85a308d3243f6a88u;
    mck_assert(ps_rng_u64(r, index, 0x13198a2e) == 0x94fdccebd16cfe09u, "layout of counter and key");
}
END_TEST

START_TEST(moments)
{
    enum { N = 200000 };
    struct ps_rng r = {.seed = 7, .stream = 1};
    double mean = 0, square = 0, normal = 0, normal2 = 0, normal4 = 0;
    for (int64_t i = 0; i < N; i++) {
        double u = ps_rng_uniform(r, i, 0), z = ps_rng_normal(r, i, 1);
        ck_assert(u >= 0 && u < 1 && isfinite(z));
        mean += u, square += u * u, normal += z, normal2 += z * z, normal4 += z * z * z * z;
    }
    /* five standard errors */
    mck_assert(fabs(mean / N - 0.5) < 5 * 0.289 / sqrt(N), "mean of uniform %g", mean / N);
    mck_assert(fabs(square / N - 1.0 / 3) < 5 * 0.298 / sqrt(N), "second moment of uniform %g", square / N);
    mck_assert(fabs(normal / N) < 5 / sqrt(N), "mean of normal %g", normal / N);
    mck_assert(fabs(normal2 / N - 1) < 5 * sqrt(2.0 / N), "variance of normal %g", normal2 / N);
    mck_assert(fabs(normal4 / N - 3) < 5 * sqrt(96.0 / N), "fourth moment of normal %g", normal4 / N);
}
END_TEST

START_TEST(below)
{
    enum { N = 100000, SIDES = 7 };
    int64_t count[SIDES] = {0};
    double chi2 = 0;
    for (int64_t i = 0; i < N; i++) {
        int64_t face = ps_rng_below((struct ps_rng){.seed = 3, .stream = 2}, i, 0, SIDES);
        ck_assert(face >= 0 && face < SIDES);
        count[face]++;
    }
    for (int f = 0; f < SIDES; f++) {
        double expected = (double)N / SIDES;
        chi2 += ((double)count[f] - expected) * ((double)count[f] - expected) / expected;
    }
    mck_assert(chi2 < 30, "chi-squared of a die %g", chi2); /* 6 degrees of freedom: 30 has p = 4e-5 */
    mck_assert(ps_rng_below((struct ps_rng){.seed = 3}, 0, 0, 1) == 0, "one side");
    for (int64_t i = 0; i < 100; i++) {
        int64_t big = ps_rng_below((struct ps_rng){.seed = 3}, i, 0, INT64_MAX);
        mck_assert(big >= 0 && big < INT64_MAX, "large n");
    }
}
END_TEST

START_TEST(independent)
{
    /* other seed, stream, index or slot: other numbers */
    struct ps_rng r = {.seed = 1, .stream = 1};
    uint64_t base = ps_rng_u64(r, 5, 0);
    mck_assert(base == ps_rng_u64(r, 5, 0), "not a pure function");
    mck_assert(base != ps_rng_u64(r, 6, 0) && base != ps_rng_u64(r, 5, 1) &&
                   base != ps_rng_u64(r, 5 + ((int64_t)1 << 32), 0),
               "index or slot has no effect");
    mck_assert(base != ps_rng_u64((struct ps_rng){1, 2}, 5, 0) &&
                   base != ps_rng_u64((struct ps_rng){2, 1}, 5, 0) &&
                   base != ps_rng_u64((struct ps_rng){1 + (1ull << 32), 1}, 5, 0),
               "seed or stream has no effect");
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {known_answers, layout, moments, below, independent, NULL};
    return mck_main(argc, argv, "rng", tests);
}
