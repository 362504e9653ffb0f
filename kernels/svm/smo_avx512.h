/** The two passes of a step in AVX-512: sixteen rows at a time, scores in two vectors. */
#ifndef PS_SVM_SMO_AVX512_H
#define PS_SVM_SMO_AVX512_H

#include <immintrin.h>
#include "kernels/svm/smo_state.h"

/** Tops by lane: only the maximum itself is carried from one vector to the next, which keeps the chain short.
 */
struct ps_smo_lanes {
    __m512d up, low;
    __m512i at; /**< first slot of the sixteen that `up` came from */
};

static inline __attribute__((always_inline)) void ps_smo_look(struct ps_smo_lanes *l, __m512d score,
                                                              __mmask8 rise, __mmask8 fall, __m512i q)
{
    __mmask8 more = _mm512_mask_cmp_pd_mask(rise, score, l->up, _CMP_GT_OQ);
    l->up = _mm512_mask_max_pd(l->up, rise, l->up, score);
    l->at = _mm512_mask_mov_epi64(l->at, more, q);
    l->low = _mm512_mask_min_pd(l->low, fall, l->low, score);
}

/** The first of the largest over both halves of sixteen. */
static inline struct ps_smo_top ps_smo_reduce(const struct ps_smo_lanes *a, const struct ps_smo_lanes *b)
{
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), none = _mm512_set1_epi64(INT64_MAX),
                  upper = _mm512_add_epi64(lane, _mm512_set1_epi64(8));
    double up = _mm512_reduce_max_pd(_mm512_max_pd(a->up, b->up));
    __m512d best = _mm512_set1_pd(up);
    __m512i at_a = _mm512_mask_add_epi64(none, _mm512_cmp_pd_mask(a->up, best, _CMP_EQ_OQ), a->at, lane);
    __m512i at_b = _mm512_mask_add_epi64(none, _mm512_cmp_pd_mask(b->up, best, _CMP_EQ_OQ), b->at, upper);
    int64_t i = _mm512_reduce_min_epi64(_mm512_min_epi64(at_a, at_b));
    return (struct ps_smo_top){
        .up = up, .low = _mm512_reduce_min_pd(_mm512_min_pd(a->low, b->low)), .i = up > -INFINITY ? i : -1};
}

/** A pass that advances scores. Pointers are copied here, so that stores of scores leave them in registers.
 */
struct ps_smo_pass {
    double *score;
    const uint8_t *rise[2], *fall[2];
    const float *ki, *kj;
    __m512d wi, wj;                      /**< with their signs turned */
    __m512i q;                           /**< the current slot */
    struct ps_smo_lanes low[2], high[2]; /**< by group, of the lower and upper eight of sixteen */
};

static inline __attribute__((always_inline)) __m512d ps_smo_eight(const struct ps_smo_pass *p, int64_t q,
                                                                  __m256 ki, __m256 kj)
{
    __m512d score = _mm512_load_pd(p->score + q);
    score = _mm512_fmadd_pd(p->wj, _mm512_cvtps_pd(kj), score);
    score = _mm512_fmadd_pd(p->wi, _mm512_cvtps_pd(ki), score);
    _mm512_store_pd(p->score + q, score);
    return score;
}

/** Sixteen slots from q on, rows from r on, of which those in `valid` exist. */
static inline __attribute__((always_inline)) void ps_smo_sixteen(struct ps_smo_pass *p, int groups, int64_t q,
                                                                 int64_t r, __mmask16 valid)
{
    __m512 ki = _mm512_maskz_loadu_ps(valid, p->ki + r), kj = _mm512_maskz_loadu_ps(valid, p->kj + r);
    __m512d a = ps_smo_eight(p, q, _mm512_castps512_ps256(ki), _mm512_castps512_ps256(kj));
    __m512d b = ps_smo_eight(p, q + 8, _mm512_extractf32x8_ps(ki, 1), _mm512_extractf32x8_ps(kj, 1));
    ps_smo_look(&p->low[0], a, p->rise[0][q / 8], p->fall[0][q / 8], p->q);
    ps_smo_look(&p->high[0], b, p->rise[0][q / 8 + 1], p->fall[0][q / 8 + 1], p->q);
    if (groups == 2) {
        ps_smo_look(&p->low[1], a, p->rise[1][q / 8], p->fall[1][q / 8], p->q);
        ps_smo_look(&p->high[1], b, p->rise[1][q / 8 + 1], p->fall[1][q / 8 + 1], p->q);
    }
    p->q = _mm512_add_epi64(p->q, _mm512_set1_epi64(PS_SMO_LANES));
}

static inline __attribute__((always_inline)) void ps_smo_advance_groups(const struct ps_smo_state *t,
                                                                        int groups, const float *ki,
                                                                        const float *kj, const double w[2],
                                                                        struct ps_smo_top top[2])
{
    const struct ps_smo_lanes none = {_mm512_set1_pd(-INFINITY), _mm512_set1_pd(INFINITY),
                                      _mm512_setzero_si512()};
    struct ps_smo_pass p = {.score = t->score,
                            .rise = {t->rise[0], t->rise[1]},
                            .fall = {t->fall[0], t->fall[1]},
                            .ki = ki,
                            .kj = kj,
                            .wi = _mm512_set1_pd(-w[0]),
                            .wj = _mm512_set1_pd(-w[1]),
                            .q = _mm512_setzero_si512(),
                            .low = {none, none},
                            .high = {none, none}};
    const int64_t n = t->s->n, full = n / PS_SMO_LANES * PS_SMO_LANES, padded = t->padded;
    const __mmask16 tail = (__mmask16)((1u << (n - full)) - 1);
    for (int64_t q = 0, end = t->s->copies * padded; q < end; q += padded) {
        for (int64_t r = 0; r < full; r += PS_SMO_LANES) ps_smo_sixteen(&p, groups, q + r, r, 0xffff);
        if (full < n) ps_smo_sixteen(&p, groups, q + full, full, tail);
    }
    top[0] = ps_smo_reduce(&p.low[0], &p.high[0]);
    if (groups == 2) top[1] = ps_smo_reduce(&p.low[1], &p.high[1]);
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

/** A search for a partner. */
struct ps_smo_search {
    const double *score;
    const float *ki, *diagonal;
    const uint8_t *fall;
    __m512d minus_scale, up;
    __m512 minus_two, di, least;
    __m512i q; /**< the current slot */
    __m512 worth;
    __m512i at; /**< first slot of the sixteen that `worth` came from */
};

/** b^2 / a, as ps_smo_worth. */
static inline __attribute__((always_inline)) __m512 ps_smo_worths(__m512 b, __m512 a, __m512 least)
{
    a = _mm512_max_ps(a, least);
    __m512 inverse = _mm512_castsi512_ps(
        _mm512_sub_epi32(_mm512_set1_epi32((int)PS_SMO_RECIPROCAL), _mm512_castps_si512(a)));
    inverse = _mm512_mul_ps(inverse, _mm512_fnmadd_ps(a, inverse, _mm512_set1_ps(2)));
    return _mm512_mul_ps(_mm512_mul_ps(b, b), inverse);
}

static inline __attribute__((always_inline)) void ps_smo_weigh(struct ps_smo_search *c, int64_t q, int64_t r,
                                                               __mmask16 valid)
{
    __m512d b0 = _mm512_fmadd_pd(c->minus_scale, _mm512_load_pd(c->score + q), c->up);
    __m512d b1 = _mm512_fmadd_pd(c->minus_scale, _mm512_load_pd(c->score + q + 8), c->up);
    __m512 b = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(b0)), _mm512_cvtpd_ps(b1), 1);
    __m512 a = _mm512_fmadd_ps(c->minus_two, _mm512_maskz_loadu_ps(valid, c->ki + r),
                               _mm512_add_ps(c->di, _mm512_load_ps(c->diagonal + r)));
    __m512 worth = ps_smo_worths(b, a, c->least);
    uint16_t bits;
    memcpy(&bits, c->fall + q / 8, sizeof bits);
    __mmask16 fall = _mm512_mask_cmp_ps_mask(bits, b, _mm512_setzero_ps(), _CMP_GT_OQ);
    __mmask16 more = _mm512_mask_cmp_ps_mask(fall, worth, c->worth, _CMP_GT_OQ);
    c->worth = _mm512_mask_max_ps(c->worth, fall, c->worth, worth);
    c->at = _mm512_mask_mov_epi32(c->at, more, c->q);
    c->q = _mm512_add_epi32(c->q, _mm512_set1_epi32(PS_SMO_LANES));
}

/** Find the partner in group g of a variable of row ri with score `up`; scores are multiplied by `scale`. */
static inline struct ps_smo_partner ps_smo_choose(const struct ps_smo_state *t, int g, int64_t ri, double up,
                                                  double scale)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const int64_t n = t->s->n, full = n / PS_SMO_LANES * PS_SMO_LANES, padded = t->padded;
    const __mmask16 tail = (__mmask16)((1u << (n - full)) - 1);
    struct ps_smo_search c = {.score = t->score,
                              .ki = ps_smo_k(t->s, ri),
                              .diagonal = t->diagonal,
                              .fall = t->fall[g],
                              .minus_scale = _mm512_set1_pd(-scale),
                              .up = _mm512_set1_pd(scale * up),
                              .minus_two = _mm512_set1_ps(-2),
                              .di = _mm512_set1_ps(t->diagonal[ri]),
                              .least = _mm512_set1_ps(t->least),
                              .q = _mm512_setzero_si512(),
                              .worth = _mm512_set1_ps(-1),
                              .at = _mm512_setzero_si512()};
    for (int64_t q = 0, end = t->s->copies * padded; q < end; q += padded) {
        for (int64_t r = 0; r < full; r += PS_SMO_LANES) ps_smo_weigh(&c, q + r, r, 0xffff);
        if (full < n) ps_smo_weigh(&c, q + full, full, tail);
    }
    float worth = _mm512_reduce_max_ps(c.worth);
    __m512i slot =
        _mm512_mask_add_epi32(_mm512_set1_epi32(INT32_MAX),
                              _mm512_cmp_ps_mask(c.worth, _mm512_set1_ps(worth), _CMP_EQ_OQ), c.at, lane);
    return (struct ps_smo_partner){worth, worth >= 0 ? _mm512_reduce_min_epi32(slot) : -1};
}

#endif
