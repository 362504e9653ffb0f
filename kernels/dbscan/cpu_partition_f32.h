/* Stable partition of a column's places [lo, hi) by another column: what lies below the cut goes to [lo,
 * mid), the rest to [mid, hi). Coordinates and point numbers are both 32 bits wide, so one loop serves both.
 */

static void ps_f32_partition_words(const float *by, float cut, const uint32_t *x, uint32_t *to, int64_t lo,
                                   int64_t mid, int64_t hi)
{
    int64_t left = lo, right = mid, j = lo;
#if defined(__AVX512F__)
    for (; j < hi; j += 16) {
        __mmask16 valid = hi - j >= 16 ? 0xffff : (__mmask16)((1u << (hi - j)) - 1);
        __mmask16 below =
            _mm512_mask_cmp_ps_mask(valid, _mm512_loadu_ps(by + j), _mm512_set1_ps(cut), _CMP_LT_OQ);
        __mmask16 above = valid & (__mmask16)~below;
        __m512i v = _mm512_loadu_si512(x + j);
        int n_below = __builtin_popcount(below), n_above = __builtin_popcount(above);
        _mm512_mask_storeu_epi32(to + left, (__mmask16)((1u << n_below) - 1),
                                 _mm512_maskz_compress_epi32(below, v));
        _mm512_mask_storeu_epi32(to + right, (__mmask16)((1u << n_above) - 1),
                                 _mm512_maskz_compress_epi32(above, v));
        left += n_below;
        right += n_above;
    }
#else
    for (; j < hi; j++) {
        bool is_left = by[j] < cut;
        to[is_left ? left : right] = x[j];
        left += is_left;
        right += !is_left;
    }
#endif
}

static void ps_f32_partition(const float *by, float cut, const float *x, float *to, int64_t lo, int64_t mid,
                             int64_t hi)
{
    ps_f32_partition_words(by, cut, (const uint32_t *)x, (uint32_t *)to, lo, mid, hi);
}

static void ps_f32_partition_order(const float *by, float cut, const uint32_t *x, uint32_t *to, int64_t lo,
                                   int64_t mid, int64_t hi)
{
    ps_f32_partition_words(by, cut, x, to, lo, mid, hi);
}
