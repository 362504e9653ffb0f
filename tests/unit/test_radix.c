/* ranks: 1 */
#include "mpicheck.h"
#include "kernels/radix.h"
#include "kernels/rng.h"
#include <omp.h>
#include <stdbool.h>
#include <string.h>

/** A stable merge sort on the lowest bits: the oracle. */
static void merge_sort(uint64_t *key, uint32_t *index, int64_t n, uint64_t mask, uint64_t *k2, uint32_t *x2)
{
    if (n < 2) return;
    int64_t half = n / 2, i = 0, j = half, o = 0;
    merge_sort(key, index, half, mask, k2, x2);
    merge_sort(key + half, index + half, n - half, mask, k2, x2);
    while (i < half || j < n) {
        int64_t from = j >= n || (i < half && (key[i] & mask) <= (key[j] & mask)) ? i++ : j++;
        k2[o] = key[from], x2[o++] = index[from];
    }
    memcpy(key, k2, (size_t)n * sizeof *key);
    memcpy(index, x2, (size_t)n * sizeof *index);
}

enum shape { UNIFORM, FEW, EQUAL, ASCENDING, DESCENDING, GAPS, SKEWED, SHAPES };

static uint64_t key_of(enum shape shape, int64_t i, int64_t n, int bits)
{
    struct ps_rng r = {.seed = 11, .stream = shape};
    uint64_t u = ps_rng_u64(r, i, 0);
    switch (shape) {
    case FEW:
        return (uint64_t)ps_rng_below(r, i, 0, 3) << (bits > 2 ? bits - 2 : 0);
    case EQUAL:
        return 0x123456789abcdefu;
    case ASCENDING:
        return (uint64_t)i;
    case DESCENDING:
        return (uint64_t)(n - i);
    case GAPS:
        return u & 0x8001000000f00101u; /* long stretches of constant bits */
    case SKEWED:
        return i % 8 ? u >> 60 : u; /* most in a few bins */
    default:
        return u; /* bits above `bits` must not matter and must survive */
    }
}

/** Sort n keys with `off` pairs of misalignment on some threads; compare with the oracle. */
static void check(enum shape shape, int64_t n, int bits, int threads, int off)
{
    size_t room = (size_t)(n + off + 1);
    uint64_t *key = malloc(room * 8), *want = malloc(room * 8), *k2 = malloc(room * 8);
    uint32_t *index = malloc(room * 4), *want_index = malloc(room * 4), *x2 = malloc(room * 4);
    for (int64_t i = 0; i < n; i++) {
        key[i + off] = want[i] = key_of(shape, i, n, bits);
        index[i + off] = want_index[i] = (uint32_t)(i * 2654435761u);
    }
    merge_sort(want, want_index, n, bits >= 64 ? ~0ull : (1ull << bits) - 1, k2, x2);
    omp_set_num_threads(threads);
    enum ps_status rc = ps_radix_sort(key + off, index + off, n, bits);
    mck_assert(rc == PS_OK, "status %d", rc);
    bool same =
        memcmp(key + off, want, (size_t)n * 8) == 0 && memcmp(index + off, want_index, (size_t)n * 4) == 0;
    mck_assert(same, "shape %d n %lld bits %d threads %d off %d", shape, (long long)n, bits, threads, off);
    free(key), free(want), free(k2), free(index), free(want_index), free(x2);
}

START_TEST(small)
{
    for (int64_t n = 0; n < 300; n++) check(UNIFORM, n, 64, 1, 0);
}
END_TEST

START_TEST(shapes)
{
    static const int64_t sizes[] = {65, 1000, 16383, 16384, 16385, 100003};
    static const int bits[] = {1, 8, 11, 12, 20, 33, 36, 63, 64};
    for (int shape = 0; shape < SHAPES; shape++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) check(shape, sizes[s], bits[b], 2, 0);
}
END_TEST

START_TEST(threads_and_alignment)
{
    for (int threads = 1; threads <= 5; threads++)
        for (int off = 0; off < 3; off++) {
            check(UNIFORM, 40000, 36, threads, off);
            check(SKEWED, 20011, 64, threads, off);
        }
}
END_TEST

START_TEST(no_bits)
{
    uint64_t key[3] = {3, 1, 2};
    uint32_t index[3] = {0, 1, 2};
    mck_assert(ps_radix_sort(key, index, 3, 0) == PS_OK && key[0] == 3 && index[2] == 2, "0 bits: all equal");
    mck_assert(ps_radix_sort(NULL, NULL, 0, 64) == PS_OK, "nothing to sort");
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {small, shapes, threads_and_alignment, no_bits, NULL};
    return mck_main(argc, argv, "radix", tests);
}
