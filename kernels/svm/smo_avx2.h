/** The two passes of a step in AVX2 and FMA: eight rows at a time, scores in two vectors. */
#ifndef PS_SVM_SMO_AVX2_H
#define PS_SVM_SMO_AVX2_H

#include <immintrin.h>
#include "kernels/svm/smo_state.h"

/** All ones in the lanes whose bits are set, of four from bit `at` on, and of eight. */
static inline __m256d ps_smo_four(uint8_t bits, int at)
{
    __m256i bit = _mm256_slli_epi64(_mm256_set_epi64x(8, 4, 2, 1), at);
    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(bits), bit), bit));
}
static inline __m256 ps_smo_eight(uint8_t bits)
{
    const __m256i bit = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits), bit), bit));
}

/** Kernel values of eight rows, or of the first `count`. */
static inline __m256 ps_smo_load(const float *k, int64_t count)
{
    if (count >= 8) return _mm256_loadu_ps(k);
    __m256i lane = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_maskload_ps(k, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane));
}

/** Tops by lane. */
struct ps_smo_lanes {
    __m256d up, low;
    __m256i at; /**< slot of the lowest lane of the vector that `up` came from */
};

static inline __attribute__((always_inline)) void ps_smo_look(struct ps_smo_lanes *l, __m256d score,
                                                              __m256d rise, __m256d fall, int64_t q)
{
    __m256d high = _mm256_blendv_pd(_mm256_set1_pd(-INFINITY), score, rise);
    __m256d more = _mm256_cmp_pd(high, l->up, _CMP_GT_OQ);
    l->up = _mm256_max_pd(l->up, high);
    l->at = _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(l->at), _mm256_castsi256_pd(_mm256_set1_epi64x(q)), more));
    l->low = _mm256_min_pd(l->low, _mm256_blendv_pd(_mm256_set1_pd(INFINITY), score, fall));
}

/** The first of the largest over both vectors. */
static inline struct ps_smo_top ps_smo_reduce(const struct ps_smo_lanes l[2])
{
    struct ps_smo_top top = {-INFINITY, INFINITY, -1};
    for (int h = 0; h < 2; h++) {
        double up[4], low[4];
        int64_t at[4];
        _mm256_storeu_pd(up, l[h].up);
        _mm256_storeu_pd(low, l[h].low);
        _mm256_storeu_si256((__m256i *)at, l[h].at);
        for (int k = 0; k < 4; k++) {
            if (up[k] > top.up || (up[k] == top.up && up[k] > -INFINITY && at[k] + k < top.i)) {
                top.up = up[k];
                top.i = at[k] + k;
            }
            top.low = low[k] < top.low ? low[k] : top.low;
        }
    }
    return top;
}

static inline __attribute__((always_inline)) void ps_smo_advance_groups(const struct ps_smo_state *t,
                                                                        int groups, const float *ki,
                                                                        const float *kj, const double w[2],
                                                                        struct ps_smo_top top[2])
{
    const struct ps_smo_lanes none = {_mm256_set1_pd(-INFINITY), _mm256_set1_pd(INFINITY),
                                      _mm256_setzero_si256()};
    struct ps_smo_lanes l[2][2] = {{none, none}, {none, none}};
    const __m256d wi = _mm256_set1_pd(-w[0]), wj = _mm256_set1_pd(-w[1]);
    /* copied, so that stores of scores leave them in registers */
    double *const scores = t->score;
    const uint8_t *const rise[2] = {t->rise[0], t->rise[1]}, *const fall[2] = {t->fall[0], t->fall[1]};
    const int64_t n = t->s->n, padded = t->padded, end = t->s->copies * padded;
    for (int64_t first = 0; first < end; first += padded)
        for (int64_t r = 0; r < n; r += 8) {
            __m256 i = ps_smo_load(ki + r, n - r), j = ps_smo_load(kj + r, n - r);
            for (int h = 0; h < 2; h++) {
                int64_t q = first + r + 4 * h;
                __m256d score = _mm256_load_pd(scores + q);
                __m128 i4 = h ? _mm256_extractf128_ps(i, 1) : _mm256_castps256_ps128(i);
                __m128 j4 = h ? _mm256_extractf128_ps(j, 1) : _mm256_castps256_ps128(j);
                score = _mm256_fmadd_pd(wj, _mm256_cvtps_pd(j4), score);
                score = _mm256_fmadd_pd(wi, _mm256_cvtps_pd(i4), score);
                _mm256_store_pd(scores + q, score);
                for (int g = 0; g < groups; g++)
                    ps_smo_look(&l[g][h], score, ps_smo_four(rise[g][(first + r) / 8], 4 * h),
                                ps_smo_four(fall[g][(first + r) / 8], 4 * h), q);
            }
        }
    for (int g = 0; g < groups; g++) top[g] = ps_smo_reduce(l[g]);
}

/** Advance all scores by a step, and find the tops of all groups on the way. */
static inline void ps_smo_advance(const struct ps_smo_state *t, const float *ki, const float *kj,
                                  const double w[2], struct ps_smo_top top[2])
{
    if (t->groups == 1)
        ps_smo_advance_groups(t, 1, ki, kj, w, top);
    else
        ps_smo_advance_groups(t, 2, ki, kj, w, top);
}

/** ps_smo_worth, eight times; -1 where b is not positive or `fall` not set. */
static inline __m256 ps_smo_worths(__m256 b, __m256 a, __m256 least, __m256 fall)
{
    a = _mm256_max_ps(a, least);
    __m256 inverse = _mm256_castsi256_ps(
        _mm256_sub_epi32(_mm256_set1_epi32((int)PS_SMO_RECIPROCAL), _mm256_castps_si256(a)));
    inverse = _mm256_mul_ps(inverse, _mm256_fnmadd_ps(a, inverse, _mm256_set1_ps(2)));
    __m256 worth = _mm256_mul_ps(_mm256_mul_ps(b, b), inverse);
    fall = _mm256_and_ps(fall, _mm256_cmp_ps(b, _mm256_setzero_ps(), _CMP_GT_OQ));
    return _mm256_blendv_ps(_mm256_set1_ps(-1), worth, fall);
}

static inline struct ps_smo_partner ps_smo_first(__m256 best, __m256i at)
{
    struct ps_smo_partner p = {-1, -1};
    float worth[8];
    int32_t slot[8];
    _mm256_storeu_ps(worth, best);
    _mm256_storeu_si256((__m256i *)slot, at);
    for (int k = 0; k < 8; k++)
        if (worth[k] > p.worth || (worth[k] == p.worth && worth[k] >= 0 && slot[k] + k < p.j))
            p = (struct ps_smo_partner){worth[k], slot[k] + k};
    return p;
}

/** Find the partner in group g of a variable of row ri with score `up`; scores are multiplied by `scale`. */
static inline struct ps_smo_partner ps_smo_choose(const struct ps_smo_state *t, int g, int64_t ri, double up,
                                                  double scale)
{
    const float *ki = ps_smo_k(t->s, ri);
    const __m256d minus_scale = _mm256_set1_pd(-scale), scaled_up = _mm256_set1_pd(scale * up);
    const __m256 minus_two = _mm256_set1_ps(-2), di = _mm256_set1_ps(t->diagonal[ri]);
    const __m256 least = _mm256_set1_ps(t->least);
    __m256 best = _mm256_set1_ps(-1);
    __m256i at = _mm256_setzero_si256();
    for (int64_t first = 0; first < t->s->copies * t->padded; first += t->padded)
        for (int64_t r = 0; r < t->s->n; r += 8) {
            int64_t q = first + r;
            __m256d b0 = _mm256_fmadd_pd(minus_scale, _mm256_load_pd(t->score + q), scaled_up);
            __m256d b1 = _mm256_fmadd_pd(minus_scale, _mm256_load_pd(t->score + q + 4), scaled_up);
            __m256 b = _mm256_set_m128(_mm256_cvtpd_ps(b1), _mm256_cvtpd_ps(b0));
            __m256 a = _mm256_fmadd_ps(minus_two, ps_smo_load(ki + r, t->s->n - r),
                                       _mm256_add_ps(di, _mm256_load_ps(t->diagonal + r)));
            __m256 worth = ps_smo_worths(b, a, least, ps_smo_eight(t->fall[g][q / 8]));
            __m256 more = _mm256_cmp_ps(worth, best, _CMP_GT_OQ);
            best = _mm256_max_ps(best, worth);
            at = _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(at),
                                                      _mm256_castsi256_ps(_mm256_set1_epi32((int)q)), more));
        }
    return ps_smo_first(best, at);
}

#endif
