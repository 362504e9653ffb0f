/** The two passes of a step in AVX-512: sixteen rows at a time, scores in two vectors. */
#ifndef PS_SVM_SMO_AVX512_H
#define PS_SVM_SMO_AVX512_H

#include <immintrin.h>
#include "kernels/svm/smo_state.h"

/** Tops by lane: only the maximum itself is carried from one vector to the next, which keeps the chain short.
 */
struct ps_smo_lanes {
    __m512d up, low;
    __m512i at; /**< slot of the lowest lane of the vector that `up` came from */
};

static inline __attribute__((always_inline)) void ps_smo_look(struct ps_smo_lanes *l, __m512d score,
                                                              __mmask8 rise, __mmask8 fall, __m512i q)
{
    __mmask8 more = _mm512_mask_cmp_pd_mask(rise, score, l->up, _CMP_GT_OQ);
    l->up = _mm512_mask_max_pd(l->up, rise, l->up, score);
    l->at = _mm512_mask_mov_epi64(l->at, more, q);
    l->low = _mm512_mask_min_pd(l->low, fall, l->low, score);
}

/** The first of the largest over both halves. */
static inline struct ps_smo_top ps_smo_reduce(const struct ps_smo_lanes l[2])
{
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), none = _mm512_set1_epi64(INT64_MAX);
    double up = _mm512_reduce_max_pd(_mm512_max_pd(l[0].up, l[1].up));
    __m512d best = _mm512_set1_pd(up);
    __m512i a = _mm512_mask_add_epi64(none, _mm512_cmp_pd_mask(l[0].up, best, _CMP_EQ_OQ), l[0].at, lane);
    __m512i b = _mm512_mask_add_epi64(none, _mm512_cmp_pd_mask(l[1].up, best, _CMP_EQ_OQ), l[1].at, lane);
    return (struct ps_smo_top){.up = up,
                               .low = _mm512_reduce_min_pd(_mm512_min_pd(l[0].low, l[1].low)),
                               .i = up > -INFINITY ? _mm512_reduce_min_epi64(_mm512_min_epi64(a, b)) : -1};
}

struct ps_smo_step {
    const float *ki, *kj;
    __m512d wi, wj; /**< with their signs turned */
};

/** Sixteen slots from q on, rows from r on, of which those in `valid` exist. */
static inline __attribute__((always_inline)) void ps_smo_sixteen(const struct ps_smo_state *t, int groups,
                                                                 const struct ps_smo_step *w, int64_t q,
                                                                 int64_t r, __mmask16 valid,
                                                                 struct ps_smo_lanes l[2][2])
{
    __m512 ki = _mm512_maskz_loadu_ps(valid, w->ki + r), kj = _mm512_maskz_loadu_ps(valid, w->kj + r);
    for (int h = 0; h < 2; h++) {
        __m256 i = h ? _mm512_extractf32x8_ps(ki, 1) : _mm512_castps512_ps256(ki);
        __m256 j = h ? _mm512_extractf32x8_ps(kj, 1) : _mm512_castps512_ps256(kj);
        __m512d score = _mm512_load_pd(t->score + q + 8 * h);
        score = _mm512_fmadd_pd(w->wj, _mm512_cvtps_pd(j), score);
        score = _mm512_fmadd_pd(w->wi, _mm512_cvtps_pd(i), score);
        _mm512_store_pd(t->score + q + 8 * h, score);
        for (int g = 0; g < groups; g++)
            ps_smo_look(&l[g][h], score, t->rise[g][q / 8 + h], t->fall[g][q / 8 + h],
                        _mm512_set1_epi64(q + 8 * h));
    }
}

static inline __attribute__((always_inline)) void ps_smo_advance_groups(const struct ps_smo_state *t,
                                                                        int groups,
                                                                        const struct ps_smo_step *w,
                                                                        struct ps_smo_top top[2])
{
    struct ps_smo_lanes l[2][2];
    int64_t n = t->s->n, full = n / PS_SMO_LANES * PS_SMO_LANES;
    for (int g = 0; g < groups; g++)
        l[g][0] = l[g][1] = (struct ps_smo_lanes){_mm512_set1_pd(-INFINITY), _mm512_set1_pd(INFINITY),
                                                  _mm512_setzero_si512()};
    for (int64_t q = 0; q < t->s->copies * t->padded; q += t->padded) {
        for (int64_t r = 0; r < full; r += PS_SMO_LANES) ps_smo_sixteen(t, groups, w, q + r, r, 0xffff, l);
        if (full < n) ps_smo_sixteen(t, groups, w, q + full, full, (__mmask16)((1u << (n - full)) - 1), l);
    }
    for (int g = 0; g < groups; g++) top[g] = ps_smo_reduce(l[g]);
}

/** Advance all scores by a step, and find the tops of all groups on the way. */
static inline void ps_smo_advance(const struct ps_smo_state *t, const float *ki, const float *kj,
                                  const double w[2], struct ps_smo_top top[2])
{
    struct ps_smo_step step = {ki, kj, _mm512_set1_pd(-w[0]), _mm512_set1_pd(-w[1])};
    if (t->groups == 1)
        ps_smo_advance_groups(t, 1, &step, top);
    else
        ps_smo_advance_groups(t, 2, &step, top);
}

/** What stays the same in a search for a partner. */
struct ps_smo_search {
    const float *ki;
    __m512d minus_scale, up;
    __m512 minus_two, di;
    const uint8_t *fall;
};

struct ps_smo_best {
    __m512 worth;
    __m512i at;
};

static inline __attribute__((always_inline)) void ps_smo_weigh(const struct ps_smo_state *t,
                                                               const struct ps_smo_search *c, int64_t q,
                                                               int64_t r, __mmask16 valid,
                                                               struct ps_smo_best *best)
{
    __m512d b0 = _mm512_fmadd_pd(c->minus_scale, _mm512_load_pd(t->score + q), c->up);
    __m512d b1 = _mm512_fmadd_pd(c->minus_scale, _mm512_load_pd(t->score + q + 8), c->up);
    __m512 b = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(b0)), _mm512_cvtpd_ps(b1), 1);
    __m512 a = _mm512_fmadd_ps(c->minus_two, _mm512_maskz_loadu_ps(valid, c->ki + r),
                               _mm512_add_ps(c->di, _mm512_load_ps(t->diagonal + r)));
    a = _mm512_max_ps(a, _mm512_set1_ps((float)PS_SMO_TAU));
    __m512 inverse = _mm512_castsi512_ps(
        _mm512_sub_epi32(_mm512_set1_epi32((int)PS_SMO_RECIPROCAL), _mm512_castps_si512(a)));
    inverse = _mm512_mul_ps(inverse, _mm512_fnmadd_ps(a, inverse, _mm512_set1_ps(2)));
    __m512 worth = _mm512_mul_ps(_mm512_mul_ps(b, b), inverse);
    __mmask16 fall = (__mmask16)(c->fall[q / 8] | c->fall[q / 8 + 1] << 8);
    fall = _mm512_mask_cmp_ps_mask(fall, b, _mm512_setzero_ps(), _CMP_GT_OQ);
    __mmask16 more = _mm512_mask_cmp_ps_mask(fall, worth, best->worth, _CMP_GT_OQ);
    best->worth = _mm512_mask_max_ps(best->worth, fall, best->worth, worth);
    best->at = _mm512_mask_mov_epi32(best->at, more, _mm512_set1_epi32((int)q));
}

/** Find the partner in group g of a variable of row ri with score `up`; scores are multiplied by `scale`. */
static inline struct ps_smo_partner ps_smo_choose(const struct ps_smo_state *t, int g, int64_t ri, double up,
                                                  double scale)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    int64_t n = t->s->n, full = n / PS_SMO_LANES * PS_SMO_LANES;
    struct ps_smo_search c = {.ki = t->s->k + ri * t->s->stride,
                              .minus_scale = _mm512_set1_pd(-scale),
                              .up = _mm512_set1_pd(scale * up),
                              .minus_two = _mm512_set1_ps(-2 * t->kscale),
                              .di = _mm512_set1_ps(t->diagonal[ri]),
                              .fall = t->fall[g]};
    struct ps_smo_best best = {_mm512_set1_ps(-1), _mm512_setzero_si512()};
    for (int64_t q = 0; q < t->s->copies * t->padded; q += t->padded) {
        for (int64_t r = 0; r < full; r += PS_SMO_LANES) ps_smo_weigh(t, &c, q + r, r, 0xffff, &best);
        if (full < n) ps_smo_weigh(t, &c, q + full, full, (__mmask16)((1u << (n - full)) - 1), &best);
    }
    float worth = _mm512_reduce_max_ps(best.worth);
    __m512i slot = _mm512_mask_add_epi32(_mm512_set1_epi32(INT32_MAX),
                                         _mm512_cmp_ps_mask(best.worth, _mm512_set1_ps(worth), _CMP_EQ_OQ),
                                         best.at, lane);
    return (struct ps_smo_partner){worth, worth >= 0 ? _mm512_reduce_min_epi32(slot) : -1};
}

#endif
