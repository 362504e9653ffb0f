/** Distances in single precision, sixteen at a time, with an error bound: what it leaves open is decided in
 * double.
 *
 * A sum of d squared differences in single precision is within (d + 2) 2^-24 of the double result, relative:
 * eps2_in and eps2_maybe keep twice that distance from eps2. */
#ifndef PS_DBSCAN_CPU_LANES_F32_H
#define PS_DBSCAN_CPU_LANES_F32_H

#include "kernels/dbscan/cpu_state.h"
#if defined(__AVX512F__)
#    include <immintrin.h>
#endif

typedef float ps_f32;
enum { PS_F32_LANES = 16 };

/** Is point j a neighbour of p, by the definition. */
static inline bool ps_f32_exact(const struct ps_dbscan *s, int d, const float *p, int64_t j)
{
    const float *x = s->x;
    double sum = 0;
    for (int k = 0; k < d; k++) {
        double t = (double)x[k * s->stride + j] - (double)p[k];
        sum += t * t;
    }
    return sum <= s->eps2;
}

static inline unsigned ps_f32_settle(const struct ps_dbscan *s, int d, const float *p, int64_t j, unsigned in,
                                     unsigned maybe)
{
    for (unsigned open = maybe & ~in; open; open &= open - 1) {
        int lane = __builtin_ctz(open);
        if (ps_f32_exact(s, d, p, j + lane)) in |= 1u << lane;
    }
    return in;
}

/** Bit i of the result: point j + i is a neighbour of p; only the lowest `count` lanes are looked at. */
static inline __attribute__((always_inline)) unsigned ps_f32_near(const struct ps_dbscan *s, int d,
                                                                  const float *p, int64_t j, int64_t count)
{
    const float *x = (const float *)s->x + j;
    unsigned valid = count >= 16 ? 0xffffu : (1u << count) - 1, in, maybe;
#if defined(__AVX512F__)
    __m512 sum = _mm512_setzero_ps();
    for (int k = 0; k < d; k++) {
        __m512 t = _mm512_sub_ps(_mm512_loadu_ps(x + k * s->stride), _mm512_set1_ps(p[k]));
        sum = _mm512_fmadd_ps(t, t, sum);
    }
    in = _mm512_cmp_ps_mask(sum, _mm512_set1_ps(s->eps2_in), _CMP_LE_OQ) & valid;
    maybe = _mm512_cmp_ps_mask(sum, _mm512_set1_ps(s->eps2_maybe), _CMP_LE_OQ) & valid;
#else
    float sum[16] = {0};
    for (int k = 0; k < d; k++)
        for (int i = 0; i < 16; i++) {
            float t = x[k * s->stride + i] - p[k];
            sum[i] += t * t;
        }
    in = maybe = 0;
    for (int i = 0; i < 16; i++) {
        in |= (unsigned)(sum[i] <= s->eps2_in) << i;
        maybe |= (unsigned)(sum[i] <= s->eps2_maybe) << i;
    }
    in &= valid;
    maybe &= valid;
#endif
    return __builtin_expect(in != maybe, 0) ? ps_f32_settle(s, d, p, j, in, maybe) : in;
}

/** Bit i: boxes[first + i] of the level may hold a neighbour of something in the box [lo, hi]; sixteen boxes.
 */
static inline unsigned ps_f32_boxes_near(const struct ps_dbscan *s, const struct ps_box_level *level,
                                         int64_t first, const float *lo, const float *hi)
{
    const float *blo = (const float *)level->lo + first, *bhi = (const float *)level->hi + first;
#if defined(__AVX512F__)
    __m512 sum = _mm512_setzero_ps();
    for (int k = 0; k < s->d; k++) {
        __m512 below = _mm512_sub_ps(_mm512_loadu_ps(blo + k * level->stride), _mm512_set1_ps(hi[k]));
        __m512 above = _mm512_sub_ps(_mm512_set1_ps(lo[k]), _mm512_loadu_ps(bhi + k * level->stride));
        __m512 gap = _mm512_max_ps(_mm512_max_ps(below, above), _mm512_setzero_ps());
        sum = _mm512_fmadd_ps(gap, gap, sum);
    }
    return _mm512_cmp_ps_mask(sum, _mm512_set1_ps(s->eps2_maybe), _CMP_LE_OQ);
#else
    float sum[16] = {0};
    unsigned near = 0;
    for (int k = 0; k < s->d; k++)
        for (int i = 0; i < 16; i++) {
            float below = blo[k * level->stride + i] - hi[k], above = lo[k] - bhi[k * level->stride + i];
            float gap = below > above ? below : above;
            gap = gap > 0 ? gap : 0;
            sum[i] += gap * gap;
        }
    for (int i = 0; i < 16; i++) near |= (unsigned)(sum[i] <= s->eps2_maybe) << i;
    return near;
#endif
}

/** The gap between two numbers' intervals, as a double; 0 where they overlap. */
static inline double ps_f32_gap(float lo_a, float hi_a, float lo_b, float hi_b)
{
    float below = lo_b - hi_a, above = lo_a - hi_b, gap = below > above ? below : above;
    return gap > 0 ? gap : 0;
}

#endif
