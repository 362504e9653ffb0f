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

/* Bytes that caches have in common with memory at a time, on all processors known here. */
enum { LINE = 64 };

void ps_peak_flush(const float *x, int64_t n)
{
    for (const char *p = (const char *)x, *end = (const char *)(x + n); p < end; p += LINE) {
#if defined(__CLFLUSHOPT__)
        _mm_clflushopt((void *)p);
#elif defined(__x86_64__)
        __builtin_ia32_clflush(p);
#elif defined(__aarch64__)
        __asm__ volatile("dc civac, %0" ::"r"(p) : "memory");
#endif
    }
    __sync_synchronize();
}

double ps_peak_triad(float *to, const float *a, const float *b, float s, int64_t n)
{
    const ps_vf factor = ps_vf_all(s);
    for (int64_t i = 0; i + PS_LANES <= n; i += PS_LANES)
        ps_vf_stream(to + i, ps_vf_fma(factor, ps_vf_load(b + i), ps_vf_load(a + i)));
    ps_vf_stream_end();
#if defined(__AVX512F__) || defined(__AVX2__)
    const double arrays = 3;
#else
    const double arrays = 4; /* what is written is read before, line by line */
#endif
    return arrays * (double)sizeof(float) * (double)(n / PS_LANES * PS_LANES);
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
