#include "kernels/rng.h"
#include <math.h>

/** Words of 32 bits, each in a lane that has room for its products. */
typedef uint64_t words __attribute__((vector_size(64)));

void ps_philox_lanes(const uint32_t *first, const uint32_t rest[3], const uint32_t key[2], uint32_t *out)
{
    enum { WIDTH = sizeof(words) / sizeof(uint64_t), N = PS_PHILOX_LANES / WIDTH };
    const uint64_t low = 0xffffffffu;
    uint64_t k0 = key[0], k1 = key[1];
    words c0[N], c1[N], c2[N], c3[N];
    for (int i = 0; i < PS_PHILOX_LANES; i++) c0[i / WIDTH][i % WIDTH] = first[i];
    for (int v = 0; v < N; v++) {
        c1[v] = (words){0} + rest[0];
        c2[v] = (words){0} + rest[1];
        c3[v] = (words){0} + rest[2];
    }
    for (int round = 0; round < PS_PHILOX_ROUNDS; round++) {
        for (int v = 0; v < N; v++) {
            const words a = c0[v] * (uint64_t)0xD2511F53u, b = c2[v] * (uint64_t)0xCD9E8D57u;
            c0[v] = b >> 32 ^ c1[v] ^ k0;
            c1[v] = b & low;
            c2[v] = a >> 32 ^ c3[v] ^ k1;
            c3[v] = a & low;
        }
        k0 = (k0 + 0x9E3779B9u) & low;
        k1 = (k1 + 0xBB67AE85u) & low;
    }
    for (int i = 0; i < PS_PHILOX_LANES; i++) out[i] = (uint32_t)c0[i / WIDTH][i % WIDTH];
}

/** The block of one draw as two words of 64 bits: (seed) is the key, (index, slot, stream) the counter. */
static void draw(struct ps_rng r, int64_t index, uint32_t slot, uint64_t word[2])
{
    uint64_t at = (uint64_t)index;
    const uint32_t counter[4] = {(uint32_t)at, (uint32_t)(at >> 32), slot, r.stream};
    const uint32_t key[2] = {(uint32_t)r.seed, (uint32_t)(r.seed >> 32)};
    uint32_t out[4];
    ps_philox(counter, key, out);
    word[0] = (uint64_t)out[1] << 32 | out[0];
    word[1] = (uint64_t)out[3] << 32 | out[2];
}

uint64_t ps_rng_u64(struct ps_rng r, int64_t index, uint32_t slot)
{
    uint64_t word[2];
    draw(r, index, slot, word);
    return word[0];
}

double ps_rng_uniform(struct ps_rng r, int64_t index, uint32_t slot)
{
    return (double)(ps_rng_u64(r, index, slot) >> 11) * 0x1p-53;
}

double ps_rng_normal(struct ps_rng r, int64_t index, uint32_t slot)
{
    const double two_pi = 6.283185307179586;
    uint64_t word[2];
    draw(r, index, slot, word);
    double radius = (double)((word[0] >> 11) + 1) * 0x1p-53; /* (0, 1]: the logarithm is finite */
    double turn = (double)(word[1] >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(radius)) * cos(two_pi * turn);
}

int64_t ps_rng_below(struct ps_rng r, int64_t index, uint32_t slot, int64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (int64_t)((wide)ps_rng_u64(r, index, slot) * (uint64_t)n >> 64);
}
