#include "kernels/radix.h"
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#    include <emmintrin.h>
#endif

/* A digit's elements are collected in a buffer of LINE pairs and leave as whole cache lines (two of keys, one
 * of indices): the scatter then touches memory in lines, not in single elements all over the destination. */
enum { LINE = 16, MAX_WIDTH = 11, MAX_DIGITS = 64, SMALL = 64, ALONE = 1 << 14, HUGE_PAGE = 2 << 20 };

struct digit {
    int shift, width;
};

struct pairs {
    uint64_t *key;
    uint32_t *index;
};

/** Work space of one thread. */
struct bins {
    int64_t at[1 << MAX_WIDTH];    /* where the digit's next pair goes */
    int64_t first[1 << MAX_WIDTH]; /* where this thread's first one went */
    _Alignas(64) uint64_t key[1 << MAX_WIDTH][LINE];
    _Alignas(64) uint32_t index[1 << MAX_WIDTH][LINE];
};

static void insertion_sort(uint64_t *key, uint32_t *index, int64_t n, uint64_t mask)
{
    for (int64_t i = 1; i < n; i++) {
        uint64_t k = key[i];
        uint32_t x = index[i];
        int64_t j = i;
        for (; j > 0 && (key[j - 1] & mask) > (k & mask); j--) key[j] = key[j - 1], index[j] = index[j - 1];
        key[j] = k, index[j] = x;
    }
}

/** Cut the bits in which keys differ into digits of at most `width` bits; bits that are equal in all keys are
 * skipped. */
static int cut_digits(uint64_t varying, int width, struct digit *digit)
{
    int count = 0;
    for (int bit = 0; bit < 64 && varying >> bit;) {
        bit += __builtin_ctzll(varying >> bit);
        uint64_t window = varying >> bit & ((1u << width) - 1);
        digit[count++] = (struct digit){bit, 64 - __builtin_clzll(window)};
        bit += width;
    }
    return count;
}

/** The narrowest digits among those that need the fewest passes: fewer bins stay in cache. */
static int choose_digits(uint64_t varying, int64_t n, struct digit *digit)
{
    int widest = n < ALONE ? 8 : MAX_WIDTH;
    int passes = cut_digits(varying, widest, digit);
    while (widest > 1 && cut_digits(varying, widest - 1, digit) == passes) widest--;
    return cut_digits(varying, widest, digit);
}

static int64_t cut_at(int64_t n, int parts, int i)
{
    return n / parts * i + (i < n % parts ? i : n % parts);
}

static void count_digit(const uint64_t *key, int64_t lo, int64_t hi, struct digit d, int64_t *count)
{
    uint64_t mask = (1u << d.width) - 1;
    memset(count, 0, sizeof *count << d.width);
    for (int64_t i = lo; i < hi; i++) count[key[i] >> d.shift & mask]++;
}

/** Turn counts per thread into first positions: by digit, then by thread, which keeps equal keys in order. */
static void starts(struct bins *const *bins, int threads, int width)
{
    int64_t sum = 0;
    for (int b = 0; b < 1 << width; b++) {
        for (int t = 0; t < threads; t++) {
            int64_t count = bins[t]->at[b];
            bins[t]->at[b] = bins[t]->first[b] = sum;
            sum += count;
        }
    }
}

/** Can whole lines be stored past the caches? It pays twice over: nothing is read before it is overwritten.
 */
static bool can_stream(struct pairs dst)
{
#ifdef __SSE2__
    return ((uintptr_t)dst.key | (uintptr_t)dst.index) % 64 == 0;
#else
    (void)dst;
    return false;
#endif
}

/** Store the full buffer of bin b to position `to`, a multiple of LINE. */
static inline void put_line(struct pairs dst, int64_t to, const struct bins *s, unsigned b)
{
#ifdef __SSE2__
    const __m128i *key = (const __m128i *)s->key[b], *index = (const __m128i *)s->index[b];
    for (int i = 0; i < LINE / 2; i++) _mm_stream_si128((__m128i *)(dst.key + to) + i, key[i]);
    for (int i = 0; i < LINE / 4; i++) _mm_stream_si128((__m128i *)(dst.index + to) + i, index[i]);
#else
    memcpy(dst.key + to, s->key[b], sizeof s->key[b]);
    memcpy(dst.index + to, s->index[b], sizeof s->index[b]);
#endif
}

/** Store what bin b holds for [from, to), which lies within one line. */
static void put_some(struct pairs dst, const struct bins *s, unsigned b, int64_t from, int64_t to)
{
    for (int64_t p = from; p < to; p++) {
        dst.key[p] = s->key[b][p % LINE];
        dst.index[p] = s->index[b][p % LINE];
    }
}

static void scatter_lines(struct pairs src, struct pairs dst, int64_t lo, int64_t hi, struct digit d,
                          struct bins *s)
{
    uint64_t mask = (1u << d.width) - 1;
    for (int64_t i = lo; i < hi; i++) {
        uint64_t k = src.key[i];
        unsigned b = (unsigned)(k >> d.shift & mask);
        int64_t p = s->at[b]++;
        s->key[b][p % LINE] = k;
        s->index[b][p % LINE] = src.index[i];
        if (p % LINE != LINE - 1) continue;
        if (p - (LINE - 1) >= s->first[b])
            put_line(dst, p - (LINE - 1), s, b);
        else /* the line begins with another thread's or bin's pairs */
            put_some(dst, s, b, s->first[b], p + 1);
    }
    for (unsigned b = 0; b < 1u << d.width; b++) {
        int64_t line = s->at[b] / LINE * LINE;
        put_some(dst, s, b, line > s->first[b] ? line : s->first[b], s->at[b]);
    }
#ifdef __SSE2__
    _mm_sfence();
#endif
}

static void scatter(struct pairs src, struct pairs dst, int64_t lo, int64_t hi, struct digit d,
                    struct bins *s)
{
    if (can_stream(dst)) {
        scatter_lines(src, dst, lo, hi, d, s);
        return;
    }
    uint64_t mask = (1u << d.width) - 1;
    for (int64_t i = lo; i < hi; i++) {
        int64_t p = s->at[src.key[i] >> d.shift & mask]++;
        dst.key[p] = src.key[i];
        dst.index[p] = src.index[i];
    }
}

/** All passes of one thread; barriers between counting, placing and moving. Returns with the result in a
 * (even passes) or b. */
static void passes(struct pairs a, struct pairs b, int64_t n, const struct digit *digit, int digits,
                   struct bins **bins, int threads)
{
    int t = omp_get_thread_num();
    int64_t lo = cut_at(n, threads, t), hi = cut_at(n, threads, t + 1);
    for (int i = 0; i < digits; i++) {
        count_digit(a.key, lo, hi, digit[i], bins[t]->at);
#pragma omp barrier
#pragma omp single
        starts(bins, threads, digit[i].width);
        scatter(a, b, lo, hi, digit[i], bins[t]);
#pragma omp barrier
        struct pairs swap = a;
        a = b, b = swap;
    }
    if (digits % 2) {
        memcpy(b.key + lo, a.key + lo, (size_t)(hi - lo) * sizeof *a.key);
        memcpy(b.index + lo, a.index + lo, (size_t)(hi - lo) * sizeof *a.index);
    }
}

/** Which bits differ among the keys, and are they out of order at all? */
static uint64_t look(const uint64_t *key, int64_t n, uint64_t mask, int threads)
{
    uint64_t varying = 0;
    int falls = 0;
#pragma omp parallel for num_threads(threads) reduction(| : varying, falls)
    for (int64_t i = 1; i < n; i++) {
        varying |= key[i] ^ key[0];
        falls |= (key[i] & mask) < (key[i - 1] & mask);
    }
    return falls ? varying & mask : 0;
}

/** Memory at 64-byte boundaries, in huge pages where the kernel grants them. */
static void *scratch(size_t bytes)
{
    void *p = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (p && bytes >= HUGE_PAGE) (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

enum ps_status ps_radix_sort(uint64_t *key, uint32_t *index, int64_t n, int bits)
{
    uint64_t mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;
    if (n <= SMALL || bits <= 0) {
        if (bits > 0) insertion_sort(key, index, n, mask);
        return PS_OK;
    }
    int threads = n < ALONE ? 1 : omp_get_max_threads();
    uint64_t varying = look(key, n, mask, threads);
    if (!varying) return PS_OK;
    struct digit digit[MAX_DIGITS];
    int digits = choose_digits(varying, n, digit);
    size_t keys = ((size_t)n * sizeof *key + 63) / 64 * 64;
    char *work = scratch(keys + (size_t)n * sizeof *index);
    struct bins **bins = calloc((size_t)threads, sizeof *bins), *all = scratch((size_t)threads * sizeof *all);
    enum ps_status rc = work && bins && all ? PS_OK : PS_ENOMEM;
    if (rc == PS_OK) {
        struct pairs a = {key, index}, b = {(uint64_t *)work, (uint32_t *)(work + keys)};
        for (int t = 0; t < threads; t++) bins[t] = all + t;
#pragma omp parallel num_threads(threads)
        passes(a, b, n, digit, digits, bins, omp_get_num_threads());
    }
    free(work), free(bins), free(all);
    return rc;
}
