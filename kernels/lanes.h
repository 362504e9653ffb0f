/** Vectors of single precision in as many lanes as the machine has. */
#ifndef PS_LANES_H
#define PS_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__) || defined(__AVX2__)
#    include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { PS_LANES = 16 };
#elif defined(__AVX2__)
enum { PS_LANES = 8 };
#else
enum { PS_LANES = 4 };
#endif

/* Arguments that are constants where it is called are constants inside. */
#define PS_INLINE static inline __attribute__((always_inline))

typedef float ps_vf __attribute__((vector_size(4 * PS_LANES)));
typedef uint32_t ps_vu __attribute__((vector_size(4 * PS_LANES)));

/** a b + c: rounded once where the machine does that in one instruction. Where it does not, fmaf() would be a
 * call, and nothing here needs more than that all use the same function. */
static inline float ps_fma(float a, float b, float c)
{
#if defined(__FP_FAST_FMAF) || defined(__FMA__)
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

static inline ps_vf ps_vf_fma(ps_vf a, ps_vf b, ps_vf c)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__) && defined(__FMA__)
    return (ps_vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__FP_FAST_FMAF) || defined(__FMA__)
    for (int l = 0; l < PS_LANES; l++) c[l] = fmaf(a[l], b[l], c[l]);
    return c;
#else
    return a * b + c;
#endif
}

/** The same, exact before it is rounded on any machine. */
static inline ps_vf ps_vf_fma_exact(ps_vf a, ps_vf b, ps_vf c)
{
#if defined(__FP_FAST_FMAF) || defined(__FMA__)
    return ps_vf_fma(a, b, c);
#else
    for (int l = 0; l < PS_LANES; l++) c[l] = (float)((double)a[l] * (double)b[l] + (double)c[l]);
    return c;
#endif
}

static inline ps_vf ps_vf_all(float x)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_set1_ps(x);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_set1_ps(x);
#else
    return x - (ps_vf){0}; /* keeps the sign of zero */
#endif
}

static inline ps_vf ps_vf_load(const float *p)
{
    ps_vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/** The mask of the first `count` lanes. */
static inline __m256i ps_first_lanes(int count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/** Load the first `count` lanes; the others are 0 and not read. */
static inline ps_vf ps_vf_load_part(const float *p, int count)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_maskload_ps(p, ps_first_lanes(count));
#else
    ps_vf v = {0};
    if (count == PS_LANES) return ps_vf_load(p);
    memcpy(&v, p, (size_t)count * sizeof *p);
    return v;
#endif
}

static inline void ps_vf_store(float *p, ps_vf v)
{
    memcpy(p, &v, sizeof v);
}

/** x in bf16, the upper half of a float: rounded to the nearest, ties to even; NaN stays. */
static inline ps_vu ps_vf_round_half(ps_vf x)
{
    const ps_vu bits = (ps_vu)x, nan = (ps_vu)(x != x), rounded = bits + 0x7fff + (bits >> 16 & 1);
    return ((rounded & ~nan) | ((bits | 0x400000) & nan)) & 0xffff0000;
}

static inline uint16_t ps_round_half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
    return (uint16_t)((x != x ? bits | 0x400000 : rounded) >> 16);
}

/** Lanes of two numbers in bf16: `first` in the lower halves, `second` in the upper ones. */
static inline ps_vf ps_vf_pair(ps_vf first, ps_vf second)
{
    return (ps_vf)(ps_vf_round_half(first) >> 16 | ps_vf_round_half(second));
}

/** sum + a b of both numbers in each lane. */
static inline ps_vf ps_vf_dot_pairs(ps_vf a, ps_vf b, ps_vf sum)
{
#if defined(__AVX512BF16__)
    return (ps_vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    const ps_vf first = ps_vf_fma((ps_vf)((ps_vu)a << 16), (ps_vf)((ps_vu)b << 16), sum);
    return ps_vf_fma((ps_vf)((ps_vu)a & 0xffff0000), (ps_vf)((ps_vu)b & 0xffff0000), first);
#endif
}

/** Store past the caches, to an address aligned to 64 bytes; ps_vf_stream_end makes it seen by others. */
static inline void ps_vf_stream(float *p, ps_vf v)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
    _mm256_stream_ps(p, (__m256)v);
#else
    ps_vf_store(p, v);
#endif
}

static inline void ps_vf_stream_end(void)
{
#if defined(__AVX512F__) || defined(__AVX2__)
    _mm_sfence();
#endif
}

/** Transpose PS_LANES vectors. */
static inline void ps_vf_transpose(ps_vf *x)
{
#if defined(__AVX512F__)
    __m512 y[16], z[16];
    memcpy(z, x, sizeof z);
    for (int q = 0; q < 16; q += 4) { /* 4 x 4 within 128 bits */
        const __m512 a = _mm512_unpacklo_ps(z[q], z[q + 1]), b = _mm512_unpackhi_ps(z[q], z[q + 1]);
        const __m512 c = _mm512_unpacklo_ps(z[q + 2], z[q + 3]), d = _mm512_unpackhi_ps(z[q + 2], z[q + 3]);
        y[q] = (__m512)_mm512_unpacklo_pd((__m512d)a, (__m512d)c);
        y[q + 1] = (__m512)_mm512_unpackhi_pd((__m512d)a, (__m512d)c);
        y[q + 2] = (__m512)_mm512_unpacklo_pd((__m512d)b, (__m512d)d);
        y[q + 3] = (__m512)_mm512_unpackhi_pd((__m512d)b, (__m512d)d);
    }
    for (int q = 0; q < 4; q++) { /* 4 x 4 of those */
        const __m512 a = _mm512_shuffle_f32x4(y[q], y[q + 4], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(y[q], y[q + 4], 0xdd);
        const __m512 c = _mm512_shuffle_f32x4(y[q + 8], y[q + 12], 0x88);
        const __m512 d = _mm512_shuffle_f32x4(y[q + 8], y[q + 12], 0xdd);
        z[q] = _mm512_shuffle_f32x4(a, c, 0x88);
        z[q + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        z[q + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        z[q + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
    memcpy(x, z, sizeof z);
#else
    ps_vf y[PS_LANES];
    memcpy(y, x, sizeof y);
    for (int r = 0; r < PS_LANES; r++)
        for (int l = 0; l < PS_LANES; l++) x[r][l] = y[l][r];
#endif
}

static inline ps_vf ps_vf_sqrt(ps_vf x)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_sqrt_ps((__m256)x);
#else
    for (int l = 0; l < PS_LANES; l++) x[l] = sqrtf(x[l]);
    return x;
#endif
}

/** Store the first `count` lanes. */
static inline void ps_vf_store_part(float *p, ps_vf v, int count)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(p, ps_first_lanes(count), (__m256)v);
#else
    memcpy(p, &v, (size_t)count * sizeof *p);
#endif
}

/** 0 where x is negative; NaN stays. */
static inline ps_vf ps_vf_positive(ps_vf x)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x);
#elif defined(__AVX2__)
    return (ps_vf)_mm256_max_ps(_mm256_setzero_ps(), (__m256)x);
#else
    return (ps_vf)((ps_vu)x & ~(ps_vu)(x < (ps_vf){0}));
#endif
}

/** x where key <= limit, else (NaN too) 0. */
static inline ps_vf ps_vf_up_to(ps_vf x, ps_vf key, ps_vf limit)
{
#if defined(__AVX512F__)
    __mmask16 keep = _mm512_cmp_ps_mask((__m512)key, (__m512)limit, _CMP_LE_OQ);
    return (ps_vf)_mm512_maskz_mov_ps(keep, (__m512)x);
#else
    return (ps_vf)((ps_vu)x & (ps_vu)(key <= limit));
#endif
}

/** The larger of a and b; NaN where either is. */
static inline ps_vf ps_vf_larger(ps_vf a, ps_vf b)
{
#if defined(__AVX512F__)
    const __mmask16 number = _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_ORD_Q);
    const __mmask16 change = _mm512_mask_cmp_ps_mask(number, (__m512)b, (__m512)a, _CMP_NLE_UQ);
    return (ps_vf)_mm512_mask_mov_ps((__m512)a, change, (__m512)b);
#else
    const ps_vu change = (ps_vu)(b > a) | (ps_vu)(b != b);
    return (ps_vf)(((ps_vu)b & change) | ((ps_vu)a & ~change));
#endif
}

/** x, or +-limit where it is beyond; NaN stays. */
static inline ps_vf ps_vf_within(ps_vf x, float limit)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_min_ps(_mm512_set1_ps(limit), _mm512_max_ps(_mm512_set1_ps(-limit), (__m512)x));
#elif defined(__AVX2__)
    return (ps_vf)_mm256_min_ps(_mm256_set1_ps(limit), _mm256_max_ps(_mm256_set1_ps(-limit), (__m256)x));
#else
    const ps_vu high = (ps_vu)(x > ps_vf_all(limit)), low = (ps_vu)(x < ps_vf_all(-limit));
    return (ps_vf)(((ps_vu)x & ~(high | low)) | ((ps_vu)ps_vf_all(limit) & high) |
                   ((ps_vu)ps_vf_all(-limit) & low));
#endif
}

/** x where a == b, else 0. */
static inline ps_vf ps_vf_where_equal(ps_vf x, ps_vf a, ps_vf b)
{
#if defined(__AVX512F__)
    return (ps_vf)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ), (__m512)x);
#else
    return (ps_vf)((ps_vu)x & (ps_vu)(a == b));
#endif
}

#endif
