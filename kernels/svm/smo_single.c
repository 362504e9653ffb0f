/* The two passes of a step on scores in single precision, whatever the width of vectors: which variables may
 * rise and fall is in numbers to be added, 0 or infinite. A step adds w (k_j - k_i), the difference first:
 * both terms may be larger than it by orders of magnitude. */
#include "kernels/svm/smo_single.h"
#include <stdlib.h>
#include "kernels/lanes.h"

#define INLINE static inline __attribute__((always_inline))

enum { CHAINS = PS_SMO_SINGLE / PS_LANES }; /* independent ones, so that none waits for itself */

/** Lanes of the best so far and the slots that they came from. */
struct best {
    ps_vf value;
    ps_vu at;
};

INLINE ps_vf larger(ps_vf a, ps_vf b)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    const ps_vu more = (ps_vu)(a > b);
    return (ps_vf)(((ps_vu)a & more) | ((ps_vu)b & ~more));
#endif
}

/** b.value = the larger of it and x, the first of equals. */
INLINE void keep_larger(struct best *b, ps_vf x, ps_vu at)
{
#if defined(__AVX512F__)
    const __mmask16 more = _mm512_cmp_ps_mask((__m512)x, (__m512)b->value, _CMP_GT_OQ);
    b->at = (ps_vu)_mm512_mask_mov_epi32((__m512i)b->at, more, (__m512i)at);
#else
    const ps_vu more = (ps_vu)(x > b->value);
    b->at = (at & more) | (b->at & ~more);
#endif
    b->value = larger(x, b->value);
}

INLINE float largest(ps_vf x)
{
#if defined(__AVX512F__)
    return _mm512_reduce_max_ps((__m512)x);
#else
    float most = x[0];
    for (int l = 1; l < PS_LANES; l++) most = x[l] > most ? x[l] : most;
    return most;
#endif
}

INLINE ps_vf smaller(ps_vf a, ps_vf b)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    const ps_vu less = (ps_vu)(a < b);
    return (ps_vf)(((ps_vu)a & less) | ((ps_vu)b & ~less));
#endif
}

INLINE float smallest(ps_vf x)
{
#if defined(__AVX512F__)
    return _mm512_reduce_min_ps((__m512)x);
#else
    float least = x[0];
    for (int l = 1; l < PS_LANES; l++) least = x[l] < least ? x[l] : least;
    return least;
#endif
}

/** The slot of the first of the largest over all chains, whose lanes hold slots of their own. */
INLINE int64_t first_of(const struct best b[CHAINS], float value)
{
#if defined(__AVX512F__)
    __m512i first = _mm512_set1_epi32(-1);
    for (int c = 0; c < CHAINS; c++) {
        const __mmask16 equal = _mm512_cmp_ps_mask((__m512)b[c].value, _mm512_set1_ps(value), _CMP_EQ_OQ);
        first = _mm512_mask_min_epu32(first, equal, first, (__m512i)b[c].at);
    }
    return _mm512_reduce_min_epu32(first);
#else
    uint32_t first = UINT32_MAX;
    for (int c = 0; c < CHAINS; c++)
        for (int l = 0; l < PS_LANES; l++)
            if (b[c].value[l] == value && b[c].at[l] < first) first = b[c].at[l];
    return first;
#endif
}

/** Slots of the first vector of each chain: from memory, as a loop would put them together lane by lane. */
INLINE void first_slots(ps_vu at[CHAINS])
{
    static const uint32_t slot[PS_SMO_SINGLE] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    memcpy(at, slot, CHAINS * sizeof *at);
}

/** Tops of scores that are advanced by w (k_j - k_i). */
struct top {
    float up, low;
    int64_t i; /**< slot, the first of equals */
};

static struct top advance(const struct ps_smo_single *x, int copies, const float *ki, const float *kj,
                          float w)
{
    struct best up[CHAINS];
    ps_vf low[CHAINS];
    ps_vu at[CHAINS];
    const ps_vf by = ps_vf_all(w);
    /* copied, so that stores of scores leave them in registers */
    float *const scores = x->score;
    const float *const rise = x->rise, *const fall = x->fall;
    const int64_t rows = x->rows, end = copies * rows;
    first_slots(at);
    for (int c = 0; c < CHAINS; c++) {
        up[c] = (struct best){ps_vf_all(-INFINITY), at[c]};
        low[c] = ps_vf_all(INFINITY);
    }
    for (int64_t first = 0; first < end; first += rows)
        for (int64_t r = 0; r < rows; r += PS_SMO_SINGLE)
            for (int c = 0; c < CHAINS; c++) {
                const int64_t k = r + c * PS_LANES, q = first + k;
                const ps_vf change = ps_vf_load(kj + k) - ps_vf_load(ki + k);
                const ps_vf score = ps_vf_fma(by, change, ps_vf_load(scores + q));
                ps_vf_store(scores + q, score);
                keep_larger(&up[c], score + ps_vf_load(rise + q), at[c]);
                low[c] = smaller(score + ps_vf_load(fall + q), low[c]);
                at[c] += PS_SMO_SINGLE;
            }
    ps_vf most = up[0].value, least = low[0];
    for (int c = 1; c < CHAINS; c++) {
        most = larger(most, up[c].value);
        least = smaller(least, low[c]);
    }
    const float value = largest(most);
    return (struct top){value, smallest(least), first_of(up, value)};
}

/** b^2 / a, as ps_smo_worth. */
INLINE ps_vf worth_of(ps_vf b, ps_vf a, ps_vf least)
{
    a = larger(a, least);
    ps_vf inverse = (ps_vf)((ps_vu)ps_vf_all(0) + PS_SMO_RECIPROCAL - (ps_vu)a);
    inverse = inverse * ps_vf_fma(-a, inverse, ps_vf_all(2));
    return b * b * inverse;
}

/** The partner of most worth for slot i, a variable of row ri.
 * @return -1: none */
static int64_t choose(const struct ps_smo_single *x, const struct ps_smo_state *t, int64_t i, int64_t ri)
{
    const float *ki = ps_smo_k(t->s, ri);
    const ps_vf up = ps_vf_all(x->score[i]), di = ps_vf_all(x->diagonal[ri]), least = ps_vf_all(t->least);
    const ps_vf minus_two = ps_vf_all(-2);
    struct best b[CHAINS];
    ps_vu at[CHAINS];
    first_slots(at);
    for (int c = 0; c < CHAINS; c++) b[c] = (struct best){ps_vf_all(0), at[c]};
    for (int64_t first = 0; first < t->s->copies * x->rows; first += x->rows)
        for (int64_t r = 0; r < x->rows; r += PS_SMO_SINGLE)
            for (int c = 0; c < CHAINS; c++) {
                const int64_t k = r + c * PS_LANES, q = first + k;
                const ps_vf score = ps_vf_load(x->score + q) + ps_vf_load(x->fall + q);
                const ps_vf beyond = larger(up - score, ps_vf_all(0));
                const ps_vf a = ps_vf_fma(minus_two, ps_vf_load(ki + k), di + ps_vf_load(x->diagonal + k));
                keep_larger(&b[c], worth_of(beyond, a, least), at[c]);
                at[c] += PS_SMO_SINGLE;
            }
    ps_vf most = b[0].value;
    for (int c = 1; c < CHAINS; c++) most = larger(most, b[c].value);
    const float worth = largest(most);
    return worth > 0 ? first_of(b, worth) : -1;
}

void *ps_smo_single_make(int64_t n, int copies, struct ps_smo_single *x)
{
    const size_t rows = (size_t)ps_smo_single_padded(n), slots = (size_t)copies * rows;
    const size_t floats = (3 * slots + rows) * sizeof(float), doubles = slots * sizeof(double);
    char *memory = aligned_alloc(64, floats + doubles + rows * (sizeof(double) + sizeof *x->col));
    if (!memory) return NULL;
    x->score = (float *)memory;
    x->rise = x->score + slots;
    x->fall = x->rise + slots;
    x->diagonal = x->fall + slots;
    x->alpha = (double *)(memory + floats);
    x->coef = x->alpha + slots;
    x->col = (const float **)(x->coef + rows);
    return memory;
}

bool ps_smo_single_can(const struct ps_svm_smo *s)
{
    return !s->nu;
}

static int64_t slot_of(const struct ps_smo_single *x, const struct ps_svm_smo *s, int64_t v)
{
    return v < s->n ? v : v - s->n + x->rows;
}

static void mark(struct ps_smo_single *x, const struct ps_svm_smo *s, int64_t v)
{
    const int64_t q = slot_of(x, s, v);
    x->rise[q] = ps_smo_may_rise(s, v) ? 0 : -INFINITY;
    x->fall[q] = ps_smo_may_fall(s, v) ? 0 : INFINITY;
}

/** A score beyond the middle, from its exact one. */
static float score_of(const struct ps_smo_single *x, const struct ps_smo_state *t, int64_t v)
{
    return (float)(x->scale * (t->score[ps_smo_slot(t, v)] - x->middle));
}

/** Take over scores, bounds and alpha. */
static void load(struct ps_smo_single *x, const struct ps_smo_state *t)
{
    const struct ps_svm_smo *s = t->s;
    double up = -INFINITY, low = INFINITY;
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        const double score = t->score[ps_smo_slot(t, v)];
        if (ps_smo_may_rise(s, v) && score > up) up = score;
        if (ps_smo_may_fall(s, v) && score < low) low = score;
    }
    x->rows = ps_smo_single_padded(s->n);
    x->middle = up > -INFINITY && low < INFINITY ? 0.5 * (up + low) : 0;
    x->scale = ps_smo_scale(up - low);
    for (int64_t q = 0; q < s->copies * x->rows; q++) {
        x->score[q] = 0;
        x->rise[q] = -INFINITY;
        x->fall[q] = INFINITY;
    }
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        x->score[slot_of(x, s, v)] = score_of(x, t, v);
        mark(x, s, v);
    }
    memset(x->diagonal, 0, (size_t)x->rows * sizeof *x->diagonal);
    memcpy(x->diagonal, t->diagonal, (size_t)s->n * sizeof *x->diagonal);
    memcpy(x->alpha, s->alpha, (size_t)(s->copies * s->n) * sizeof *x->alpha);
}

/** Bring exact scores up to date.
 * @return the largest difference of a free variable's score to that in single precision */
static double store(struct ps_smo_single *x, struct ps_smo_state *t)
{
    const struct ps_svm_smo *s = t->s;
    int64_t ncol = 0;
    double error = 0;
    for (int64_t r = 0; r < s->n; r++) {
        double change = 0;
        for (int64_t v = r; v < s->copies * s->n; v += s->n) {
            if (s->alpha[v] == x->alpha[v]) continue;
            change += s->y[v] * (s->alpha[v] - x->alpha[v]);
            ps_smo_mark(t, v);
        }
        if (change == 0) continue;
        x->coef[ncol] = -change;
        x->col[ncol++] = ps_smo_k(s, r);
    }
    for (int copy = 0; copy < s->copies; copy++)
        ps_svm_update_cpu(x->col, x->coef, ncol, s->n, t->score + copy * t->padded);
    for (int64_t v = 0; v < s->copies * s->n; v++)
        if (ps_smo_may_rise(s, v) && ps_smo_may_fall(s, v))
            error = fmax(error, fabs((double)x->score[slot_of(x, s, v)] - (double)score_of(x, t, v)));
    return error / x->scale;
}

bool ps_smo_single_steps(struct ps_smo_state *t, struct ps_smo_single *x, int64_t most, double *error)
{
    struct ps_svm_smo *s = t->s;
    load(x, t);
    const float *ki = x->diagonal, *kj = x->diagonal; /* no step before the first: any numbers, by nothing */
    double w[2] = {0, 0};
    bool more = false;
    for (int64_t made = 0;; made++) {
        const struct top top = advance(x, s->copies, ki, kj, (float)(x->scale * w[0]));
        const double violation = ((double)top.up - (double)top.low) / x->scale;
        s->violation = violation > -INFINITY ? violation : 0;
        if (!(violation >= s->eps) || (s->max_iter > 0 && s->iterations >= s->max_iter)) break;
        more = made >= most;
        if (more) break;
        const int64_t i = top.i < x->rows ? top.i : top.i - x->rows + s->n, ri = ps_smo_row(s, i);
        ps_smo_want(s, ri);
        const int64_t slot = choose(x, t, top.i, ri);
        if (slot < 0) break;
        const int64_t j = slot < x->rows ? slot : slot - x->rows + s->n, rj = ps_smo_row(s, j);
        ps_smo_want(s, rj);
        ki = ps_smo_k(s, ri);
        kj = ps_smo_k(s, rj);
        const double a = ps_smo_curvature(x->diagonal[ri], x->diagonal[rj], ki[rj]);
        const double b = ((double)x->score[top.i] - (double)x->score[slot]) / x->scale;
        if (!ps_smo_move(s, i, j, b, a, w)) break;
        s->iterations++;
        mark(x, s, i);
        mark(x, s, j);
    }
    *error = store(x, t);
    return more;
}
