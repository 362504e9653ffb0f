#include "common/nn/order.h"
#include "kernels/rng.h"

enum { ROUNDS = 6, LANES = PS_PHILOX_LANES };

/* Random numbers of this purpose. */
static const uint32_t ORDER = 0x6f726465;

/* Bits of half a number; up to 31, as more than 2^62 samples there are not. */
static int half_of(int64_t n)
{
    int half = 1;
    while (half < 31 && (int64_t)1 << 2 * half < n) half++;
    return half;
}

/** Numbers in two halves of `half` bits each. */
struct halves {
    uint32_t left[LANES], right[LANES];
};

/* The halves change places, and one is mixed into the other. */
static void mix(struct halves *x, int half, uint64_t seed, int64_t epoch)
{
    const uint32_t mask = ((uint32_t)1 << half) - 1, key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < ROUNDS; round++) {
        const uint32_t rest[3] = {(uint32_t)round, (uint32_t)epoch, ORDER};
        uint32_t bits[LANES];
        ps_philox_lanes(x->right, rest, key, bits);
        for (int i = 0; i < LANES; i++) {
            const uint32_t next = x->left[i] ^ (bits[i] & mask);
            x->left[i] = x->right[i];
            x->right[i] = next;
        }
    }
}

void ps_order_range(int64_t n, uint64_t seed, int64_t epoch, int64_t lo, int64_t hi, int64_t *out)
{
    struct halves x = {{0}, {0}};
    int64_t place[LANES], next = lo, left = hi - lo;
    const int half = half_of(n);
    for (int i = 0; i < LANES; i++) place[i] = -1;
    while (left > 0) {
        for (int i = 0; i < LANES; i++) { /* a lane that is done takes the next place */
            if (place[i] >= 0 || next == hi) continue;
            place[i] = next++;
            x.left[i] = (uint32_t)(place[i] >> half);
            x.right[i] = (uint32_t)(place[i] & (((int64_t)1 << half) - 1));
        }
        mix(&x, half, seed, epoch);
        for (int i = 0; i < LANES; i++) {
            const int64_t sample = (int64_t)x.left[i] << half | x.right[i];
            if (place[i] < 0 || sample >= n) continue;
            out[place[i] - lo] = sample;
            place[i] = -1;
            left--;
        }
    }
}

/* The same of one number. */
static uint64_t mix_one(uint64_t x, int half, uint64_t seed, int64_t epoch)
{
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint64_t left = x >> half, right = x & mask;
    for (int round = 0; round < ROUNDS; round++) {
        const uint32_t counter[4] = {(uint32_t)right, (uint32_t)round, (uint32_t)epoch, ORDER};
        uint32_t bits[4];
        ps_philox(counter, key, bits);
        const uint64_t next = left ^ (bits[0] & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

int64_t ps_order(int64_t n, uint64_t seed, int64_t epoch, int64_t i)
{
    const int half = half_of(n);
    uint64_t x = (uint64_t)i;
    do x = mix_one(x, half, seed, epoch);
    while (x >= (uint64_t)n);
    return (int64_t)x;
}
