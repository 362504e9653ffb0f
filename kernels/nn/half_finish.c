#include "kernels/nn/act.h"
#include "kernels/nn/half_convolve.h"
#include "kernels/nn/half_lanes.h"

#define INLINE static inline __attribute__((always_inline))

INLINE ps_vf load(const void *x, bool half, int64_t at, int count)
{
    return half ? ps_vf_load_half_part((const uint16_t *)x + at, count)
                : ps_vf_load_part((const float *)x + at, count);
}

/** @return x as it was rounded */
INLINE ps_vf store(void *to, bool half, int64_t at, ps_vf x, int count)
{
    if (half) return ps_vf_store_half_part((uint16_t *)to + at, x, count);
    ps_vf_store_part((float *)to + at, x, count);
    return x;
}

/** to += x in double precision. */
INLINE void add(double *to, ps_vf x, int count)
{
#if defined(__AVX512F__)
    const __m256 low = _mm512_castps512_ps256((__m512)x);
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)x), 1));
    const __mmask8 first = (__mmask8)((1u << count) - 1), second = (__mmask8)(((1u << count) - 1) >> 8);
    _mm512_mask_storeu_pd(to, first, _mm512_add_pd(_mm512_maskz_loadu_pd(first, to), _mm512_cvtps_pd(low)));
    _mm512_mask_storeu_pd(to + 8, second,
                          _mm512_add_pd(_mm512_maskz_loadu_pd(second, to + 8), _mm512_cvtps_pd(high)));
#else
    for (int l = 0; l < count; l++) to[l] += x[l];
#endif
}

/** Results of one vector of columns, from column at of the tile on. */
INLINE void forward(const struct ps_half_finish *f, const struct ps_half_sums *s, bool half, int rows, int at,
                    int count)
{
    const int64_t k = s->j + at;
    const ps_vf bias = f->bias ? ps_vf_load_part(f->bias + k, count) : ps_vf_all(0);
    ps_vf y[PS_HALF_ROWS], sum = ps_vf_all(0), squares = sum;
    for (int r = 0; r < rows; r++) {
        ps_vf z = ps_vf_load(s->sums[r] + at) + bias;
        if (f->add) z += load(f->out, half, s->to[r] + k, count);
        if (f->act == PS_NN_RELU) z = ps_vf_positive(z);
        y[r] = store(f->out, half, s->to[r] + k, z, count);
    }
    if (!f->moments) return;
    const ps_vf first = load(f->out, half, k, count); /* the first place is written first */
    for (int r = 0; r < rows; r++) {
        const ps_vf d = y[r] - first;
        sum += d;
        squares = ps_vf_fma(d, d, squares);
    }
    add(f->moments + k, sum, count);
    add(f->moments + s->n + k, squares, count);
}

/** The same where sums are written as they are: most are. */
INLINE void plain(const struct ps_half_finish *f, const struct ps_half_sums *s, bool half, int rows, int at,
                  int count)
{
    const struct ps_half_finish own = {.out = f->out, .act = PS_NN_LINEAR, .moments = f->moments};
    forward(&own, s, half, rows, at, count);
}

/** The same of gradients: x tells which of them pass. */
INLINE void backward(const struct ps_half_finish *f, const struct ps_half_sums *s, bool half, int rows,
                     int at, int count)
{
    const struct ps_nn_read *read = f->read;
    const int64_t k = s->j + at;
    const bool relu = read->act == PS_NN_RELU;
    const ps_vf a = ps_vf_load_part((const float *)read->a + k, count);
    const ps_vf b = ps_vf_load_part((const float *)read->b + k, count);
    const ps_vf mean = f->sums ? ps_vf_load_part((const float *)read->mean + k, count) : ps_vf_all(0);
    ps_vf sum = ps_vf_all(0), product = sum;
    for (int r = 0; r < rows; r++) {
        const ps_vf x = load(f->x, half, s->to[r] + k, count);
        ps_vf z = ps_vf_load(s->sums[r] + at);
        if (f->add) z += load(f->out, half, s->to[r] + k, count);
        if (relu) z = (ps_vf)((ps_vu)z & (ps_vu)(ps_vf_fma(a, x, b) > ps_vf_all(0)));
        const ps_vf dx = store(f->out, half, s->to[r] + k, z, count);
        sum += dx;
        product = ps_vf_fma(dx, x - mean, product);
    }
    if (!f->sums) return;
    add(f->sums + k, sum, count);
    add(f->sums + s->n + k, product, count);
}

/** Full vectors apart from the last one, and full tiles: they need no masks. */
#define EACH(finish, half)                                                                            \
    do {                                                                                              \
        const struct ps_half_finish own = *f; /* they cannot be among the numbers that are written */ \
        const struct ps_half_sums tile = *s;                                                          \
        int at = 0;                                                                                   \
        for (; tile.rows == PS_HALF_ROWS && at + PS_LANES <= tile.width; at += PS_LANES)              \
            finish(&own, &tile, half, PS_HALF_ROWS, at, PS_LANES);                                    \
        for (; at < tile.width; at += PS_LANES)                                                       \
            finish(&own, &tile, half, tile.rows, at,                                                  \
                   tile.width - at < PS_LANES ? tile.width - at : PS_LANES);                          \
    } while (0)

/** Acts that take more than an instruction, on sums in place. */
static void curve(const struct ps_half_finish *f, const struct ps_half_sums *s)
{
    for (int r = 0; r < s->rows; r++) {
        for (int i = 0; f->bias && i < s->width; i++) s->sums[r][i] += f->bias[s->j + i];
        ps_nn_act_apply(f->act, s->width, s->sums[r]);
    }
}

void ps_half_finish_forward(const struct ps_half_finish *given, const struct ps_half_sums *s)
{
    struct ps_half_finish curved = *given;
    const struct ps_half_finish *f = given;
    if (f->act != PS_NN_LINEAR && f->act != PS_NN_RELU) {
        curve(f, s);
        curved.act = PS_NN_LINEAR;
        curved.bias = NULL;
        f = &curved;
    }
    if (f->half && !f->bias && !f->add && f->act == PS_NN_LINEAR)
        EACH(plain, true);
    else if (f->half)
        EACH(forward, true);
    else
        EACH(forward, false);
}

void ps_half_finish_backward(const struct ps_half_finish *f, const struct ps_half_sums *s)
{
    if (f->half)
        EACH(backward, true);
    else
        EACH(backward, false);
}
