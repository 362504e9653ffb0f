/** Distances in double precision, in the order of the definition: no contraction, so the result is the
 * definition's. */
#ifndef PS_DBSCAN_CPU_LANES_F64_H
#define PS_DBSCAN_CPU_LANES_F64_H

#include "kernels/dbscan/cpu_state.h"
#if defined(__AVX512F__)
#    include <immintrin.h>
#endif

typedef double ps_f64;
enum { PS_F64_LANES = 8 };

/** Bit i of the result: point j + i is a neighbour of p; only the lowest `count` lanes are looked at. */
static inline __attribute__((always_inline)) unsigned ps_f64_near(const struct ps_dbscan *s, int d,
                                                                  const double *p, int64_t j, int64_t count)
{
    const double *x = (const double *)s->x + j;
    unsigned valid = count >= 8 ? 0xffu : (1u << count) - 1;
#if defined(__AVX512F__)
    __m512d sum = _mm512_setzero_pd();
    for (int k = 0; k < d; k++) {
        __m512d t = _mm512_sub_pd(_mm512_loadu_pd(x + k * s->stride), _mm512_set1_pd(p[k]));
        sum = _mm512_add_pd(sum, _mm512_mul_pd(t, t));
    }
    return _mm512_cmp_pd_mask(sum, _mm512_set1_pd(s->eps2), _CMP_LE_OQ) & valid;
#else
    double sum[8] = {0};
    unsigned in = 0;
    for (int k = 0; k < d; k++)
        for (int i = 0; i < 8; i++) {
            double t = x[k * s->stride + i] - p[k];
            sum[i] += t * t;
        }
    for (int i = 0; i < 8; i++) in |= (unsigned)(sum[i] <= s->eps2) << i;
    return in & valid;
#endif
}

static inline double ps_f64_gap(double lo_a, double hi_a, double lo_b, double hi_b)
{
    double below = lo_b - hi_a, above = lo_a - hi_b, gap = below > above ? below : above;
    return gap > 0 ? gap : 0;
}

/** Bit i: boxes[first + i] of the level may hold a neighbour of something in the box [lo, hi]; sixteen boxes.
 * Rounding is monotone and the order of the sum is the definition's, so no neighbour is lost. */
static inline unsigned ps_f64_boxes_near(const struct ps_dbscan *s, const struct ps_box_level *level,
                                         int64_t first, const double *lo, const double *hi)
{
    const double *blo = (const double *)level->lo + first, *bhi = (const double *)level->hi + first;
    double sum[PS_BOX_FAN] = {0};
    unsigned near = 0;
    for (int k = 0; k < s->d; k++)
        for (int i = 0; i < PS_BOX_FAN; i++) {
            double gap = ps_f64_gap(lo[k], hi[k], blo[k * level->stride + i], bhi[k * level->stride + i]);
            sum[i] += gap * gap;
        }
    for (int i = 0; i < PS_BOX_FAN; i++) near |= (unsigned)(sum[i] <= s->eps2) << i;
    return near;
}

#endif
