/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/nn/order.h"
#include "common/nn/schedule.h"
#include "common/nn/train_params.h"
#include "common/run/err.h"
#include "kernels/rng.h"

/* Every sample once, for sizes at and beside powers of four; far beyond memory, those looked at are in range
 * and differ. */
START_TEST(each_once)
{
    const int64_t sizes[] = {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4096, 60000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int64_t n = sizes[s];
        char *seen = calloc((size_t)n, 1);
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = ps_order(n, 77, 3, i);
            ck_assert_msg(at >= 0 && at < n && !seen[at], "%lld of %lld: %lld", (long long)i, (long long)n,
                          (long long)at);
            seen[at] = 1;
        }
        free(seen);
    }
    int64_t last = -1;
    for (int64_t i = 0; i < 100; i++) {
        const int64_t at = ps_order((int64_t)1 << 45, 77, 3, i);
        ck_assert(at >= 0 && at < (int64_t)1 << 45 && at != last);
        last = at;
    }
}
END_TEST

/* Orders of two epochs and of two seeds have about as many samples in place as chance has: one (at most 7
 * with a probability of 1e-5); neighbours do not stay neighbours. */
START_TEST(mixed)
{
    enum { N = 10000 };
    int same_epoch = 0, same_seed = 0, in_place = 0, neighbours = 0;
    double up = 0;
    for (int64_t i = 0; i < N; i++) {
        const int64_t at = ps_order(N, 1, 0, i);
        same_epoch += at == ps_order(N, 1, 1, i);
        same_seed += at == ps_order(N, 2, 0, i);
        in_place += at == i;
        neighbours += i > 0 && llabs(at - ps_order(N, 1, 0, i - 1)) == 1;
        if (i < N / 2) up += (double)at / (N / 2);
    }
    ck_assert_msg(same_epoch <= 7 && same_seed <= 7 && in_place <= 7 && neighbours <= 10, "%d %d %d %d",
                  same_epoch, same_seed, in_place, neighbours);
    /* mean of half of the numbers: (N - 1) / 2, with a standard deviation of N / sqrt(12 N) */
    ck_assert_msg(fabs(up - (N - 1) / 2.0) < 5 * N / sqrt(12.0 * N), "%g", up);
}
END_TEST

/* Ranges of any length at any place hold the same order. */
START_TEST(ranges)
{
    const int64_t sizes[] = {1, 17, 64, 70, 300};
    int64_t out[300];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int64_t lo = 0; lo < sizes[s]; lo += 13)
            for (int64_t hi = lo; hi <= sizes[s]; hi += 19) {
                ps_order_range(sizes[s], 5, 2, lo, hi, out);
                for (int64_t i = lo; i < hi; i++) ck_assert_int_eq(out[i - lo], ps_order(sizes[s], 5, 2, i));
            }
}
END_TEST

/* The order is part of what a checkpoint means: it stays. Six rounds of Philox by hand for two bits a half.
 */
START_TEST(known)
{
    for (int64_t i = 0; i < 16; i++) {
        uint32_t left = (uint32_t)i >> 2, right = (uint32_t)i & 3;
        for (uint32_t round = 0; round < 6; round++) {
            const uint32_t counter[4] = {right, round, 9, 0x6f726465}, key[2] = {8, 7};
            uint32_t bits[4];
            ps_philox(counter, key, bits);
            const uint32_t next = left ^ (bits[0] & 3);
            left = right;
            right = next;
        }
        ck_assert_int_eq(ps_order(16, (uint64_t)7 << 32 | 8, 9, i), left << 2 | right);
    }
}
END_TEST

START_TEST(rates)
{
    struct ps_schedule s = {
        .rate = 0.8, .last = 0.2, .factor = 0.5, .power = 2, .every = 10, .warm_up = 4, .steps = 104};
    for (int kind = PS_RATE_CONSTANT; kind <= PS_RATE_INVERSE; kind++) {
        s.kind = (enum ps_schedule_kind)kind;
        ck_assert(ps_schedule_rate(&s, 0) == 0.2 && ps_schedule_rate(&s, 3) == 0.8 &&
                  ps_schedule_rate(&s, 4) == 0.8);
    }
    const struct {
        enum ps_schedule_kind kind;
        int64_t step;
        double want;
    } cases[] = {{PS_RATE_CONSTANT, 100, 0.8},   {PS_RATE_STEP, 13, 0.8},
                 {PS_RATE_STEP, 14, 0.4},        {PS_RATE_STEP, 34, 0.1},
                 {PS_RATE_COSINE, 54, 0.5},      {PS_RATE_COSINE, 29, 0.5 + 0.3 * 0.70710678118654752},
                 {PS_RATE_COSINE, 104, 0.2},     {PS_RATE_COSINE, 500, 0.2},
                 {PS_RATE_POLYNOMIAL, 54, 0.35}, {PS_RATE_POLYNOMIAL, 104, 0.2},
                 {PS_RATE_INVERSE, 6, 0.4},      {PS_RATE_INVERSE, 10, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.kind = cases[i].kind;
        const double rate = ps_schedule_rate(&s, cases[i].step);
        ck_assert_msg(fabs(rate - cases[i].want) < 1e-14, "%d at %lld: %.17g", (int)cases[i].kind,
                      (long long)cases[i].step, rate);
    }
}
END_TEST

/* 100 epochs of 8 steps: milestones count from the start of the run, the warm-up goes before them. */
START_TEST(milestones)
{
    static struct ps_train_params p = {
        .epochs = 100, .rate = 0.8, .schedule = "step", .rate_factor = 0.5, .compress = "none"};
    p.warm_up = 8, p.rate_every = 1, p.milestones = (struct ps_list){3, {0.5, 30, 60.25}};
    const struct ps_schedule s = ps_train_schedule(&p, 800);
    const struct {
        int64_t step;
        double want;
    } cases[] = {{0, 0.1}, {7, 0.8}, {8, 0.4}, {239, 0.4}, {240, 0.2}, {481, 0.2}, {482, 0.1}, {5000, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double rate = ps_schedule_rate(&s, cases[i].step);
        ck_assert_msg(fabs(rate - cases[i].want) < 1e-15, "at %lld: %.17g", (long long)cases[i].step, rate);
    }
    ck_assert(ps_train_params_check(&p) == PS_OK);
    p.milestones.value[2] = 30;
    ck_assert(ps_train_params_check(&p) == PS_EUSAGE);
    ps_err_clear();
    p.milestones.n = 1, memcpy(p.schedule, "cosine", sizeof "cosine");
    ck_assert(ps_train_params_check(&p) == PS_EUSAGE);
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {each_once, mixed, ranges, known, rates, milestones, NULL};
    return mck_main(argc, argv, "nn_order", tests);
}
