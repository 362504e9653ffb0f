#include "common/nn/order.h"
#include "kernels/rng.h"

enum { ROUNDS = 6 };

/* Random numbers of this purpose. */
static const uint32_t ORDER = 0x6f726465;

/* The halves change places, and one is mixed into the other. */
static uint64_t mix(uint64_t x, int half, uint64_t seed, int64_t epoch)
{
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    uint64_t left = x >> half, right = x & mask;
    for (int round = 0; round < ROUNDS; round++) {
        const uint32_t counter[4] = {(uint32_t)right, (uint32_t)round, (uint32_t)epoch, ORDER};
        const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
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
    int half = 1; /* up to 31: more than 2^62 samples there are not */
    while (half < 31 && (int64_t)1 << 2 * half < n) half++;
    uint64_t x = (uint64_t)i;
    do x = mix(x, half, seed, epoch);
    while (x >= (uint64_t)n);
    return (int64_t)x;
}
