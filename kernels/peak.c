#include "kernels/peak.h"
#include <stdint.h>
#include <time.h>
#include "kernels/lanes.h"

/* Chains that do not wait for each other: a fused multiply-add takes 4 or 5 cycles, two can begin in each. */
enum { CHAINS = 12, TURNS = 100000, TRIES = 8 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The loop, written once; the compiler makes one of each. */
static inline float turn(bool half, float value)
{
    ps_vf sum[CHAINS], factor = ps_vf_all(value);
    float all = 0;
    for (int c = 0; c < CHAINS; c++) sum[c] = ps_vf_all((float)c);
    for (int i = 0; i < TURNS; i++) {
        for (int c = 0; c < CHAINS; c++)
            sum[c] = half ? ps_vf_dot_pairs(factor, factor, sum[c]) : ps_vf_fma(factor, factor, sum[c]);
    }
    for (int c = 0; c < CHAINS; c++)
        for (int l = 0; l < PS_LANES; l++) all += sum[c][l];
    return all;
}

double ps_peak_flops(bool half)
{
    const double flop = (half ? 4.0 : 2.0) * PS_LANES * CHAINS * TURNS;
    volatile float zero = 0; /* nothing is known of it: no turn can be left out */
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double start = now();
        zero = zero * (half ? turn(true, zero) : turn(false, zero));
        const double rate = flop / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}
