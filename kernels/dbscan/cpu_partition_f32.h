/* As cpu_partition.h; coordinates and point numbers are both 32 bits wide, so one loop serves both. */
#if defined(__AVX512F__)

static void ps_f32_partition_words(const float *by, float cut, void *words, void *spare, int64_t lo,
                                   int64_t mid, int64_t hi)
{
    uint32_t *x = words, *upper = spare;
    int64_t left = lo, right = mid;
    for (int64_t j = lo; j < hi; j += 16) {
        __mmask16 valid = hi - j >= 16 ? 0xffff : (__mmask16)((1u << (hi - j)) - 1);
        __mmask16 below =
            _mm512_mask_cmp_ps_mask(valid, _mm512_loadu_ps(by + j), _mm512_set1_ps(cut), _CMP_LT_OQ);
        __mmask16 above = valid & (__mmask16)~below;
        __m512i v = _mm512_loadu_si512(x + j);
        int n_below = __builtin_popcount(below), n_above = __builtin_popcount(above);
        _mm512_mask_storeu_epi32(x + left, (__mmask16)((1u << n_below) - 1),
                                 _mm512_maskz_compress_epi32(below, v));
        _mm512_mask_storeu_epi32(upper + right, (__mmask16)((1u << n_above) - 1),
                                 _mm512_maskz_compress_epi32(above, v));
        left += n_below;
        right += n_above;
    }
    memcpy(x + mid, upper + mid, (size_t)(hi - mid) * sizeof *x);
}

static void ps_f32_partition(const float *by, float cut, float *x, float *spare, int64_t lo, int64_t mid,
                             int64_t hi)
{
    ps_f32_partition_words(by, cut, x, spare, lo, mid, hi);
}

static void ps_f32_partition_order(const float *by, float cut, uint32_t *x, uint32_t *spare, int64_t lo,
                                   int64_t mid, int64_t hi)
{
    ps_f32_partition_words(by, cut, x, spare, lo, mid, hi);
}

#else
#    include "kernels/dbscan/cpu_partition.h"
#endif
