/** Lanes of numbers in bf16, two bytes each: read as single precision, rounded to the nearest (ties to even)
 * when written. */
#ifndef PS_NN_HALF_LANES_H
#define PS_NN_HALF_LANES_H

#include "kernels/lanes.h"

static inline float ps_half_value(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/** The first `count` lanes; the others are 0 and not read. */
static inline ps_vf ps_vf_load_half_part(const uint16_t *p, int count)
{
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    const __m256i x = _mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p);
    return (ps_vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16);
#else
    uint16_t half[PS_LANES] = {0};
    float x[PS_LANES];
    memcpy(half, p, (size_t)count * sizeof *p);
    for (int l = 0; l < PS_LANES; l++) x[l] = ps_half_value(half[l]);
    return ps_vf_load(x);
#endif
}

static inline ps_vf ps_vf_load_half(const uint16_t *p)
{
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    return (ps_vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#else
    return ps_vf_load_half_part(p, PS_LANES);
#endif
}

/** Store the first `count` lanes. @return them all as they were rounded */
static inline ps_vf ps_vf_store_half_part(uint16_t *p, ps_vf x, int count)
{
#if defined(__AVX512BF16__) && defined(__AVX512VL__)
    const __m256i h = (__m256i)_mm512_cvtneps_pbh((__m512)x);
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << count) - 1), h);
    return (ps_vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
#else
    const ps_vu rounded = ps_vf_round_half(x);
    for (int l = 0; l < count; l++) p[l] = (uint16_t)(rounded[l] >> 16);
    return (ps_vf)rounded;
#endif
}

static inline ps_vf ps_vf_store_half(uint16_t *p, ps_vf x)
{
#if defined(__AVX512BF16__) && defined(__AVX512VL__)
    const __m256i h = (__m256i)_mm512_cvtneps_pbh((__m512)x);
    _mm256_storeu_si256((__m256i *)p, h);
    return (ps_vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
#else
    return ps_vf_store_half_part(p, x, PS_LANES);
#endif
}

/** Neighbours of two vectors in bf16, as pairs: x[0] x[1], x[2] x[3], ..., then those of y. */
static inline ps_vf ps_vf_round_neighbours(ps_vf x, ps_vf y)
{
#if defined(__AVX512BF16__)
    return (ps_vf)_mm512_cvtne2ps_pbh((__m512)y, (__m512)x);
#else
    const ps_vu a = ps_vf_round_half(x), b = ps_vf_round_half(y);
    ps_vu pairs;
    for (int l = 0; l < PS_LANES / 2; l++) {
        pairs[l] = a[2 * l] >> 16 | a[2 * l + 1];
        pairs[l + PS_LANES / 2] = b[2 * l] >> 16 | b[2 * l + 1];
    }
    return (ps_vf)pairs;
#endif
}

/** Lanes of pairs of the first `count` numbers of two arrays: `first` in the lower halves, `second` in the
 * upper ones; the others are 0 and not read. */
static inline ps_vf ps_vf_load_pairs_part(const uint16_t *first, const uint16_t *second, int count)
{
    const ps_vu a = (ps_vu)ps_vf_load_half_part(first, count), b = (ps_vu)ps_vf_load_half_part(second, count);
    return (ps_vf)(a >> 16 | b);
}

/** The same of 2 PS_LANES numbers. */
static inline void ps_vf_load_pairs(const uint16_t *first, const uint16_t *second, ps_vf *low, ps_vf *high)
{
#if defined(__AVX512BW__)
    const __m512i a = _mm512_loadu_si512(first), b = _mm512_loadu_si512(second);
    const __m512i even =
        _mm512_set_epi32(0x2f000f, 0x2e000e, 0x2d000d, 0x2c000c, 0x2b000b, 0x2a000a, 0x290009, 0x280008,
                         0x270007, 0x260006, 0x250005, 0x240004, 0x230003, 0x220002, 0x210001, 0x200000);
    *low = (ps_vf)_mm512_permutex2var_epi16(a, even, b);
    *high = (ps_vf)_mm512_permutex2var_epi16(a, _mm512_or_si512(even, _mm512_set1_epi16(0x10)), b);
#else
    *low = ps_vf_load_pairs_part(first, second, PS_LANES);
    *high = ps_vf_load_pairs_part(first + PS_LANES, second + PS_LANES, PS_LANES);
#endif
}

#endif
