/** Counter-based random numbers: Philox4x32-10.
 * Source: Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
 * A draw is a pure function of (seed, stream, index, slot): never of rank, thread or time. */
#ifndef PS_RNG_H
#define PS_RNG_H

#include <stdint.h>
#include "kernels/philox.h"

/** Key of one random sequence per sample: seed of the run, stream = what the numbers are for. */
struct ps_rng {
    uint64_t seed;
    uint32_t stream;
};

/** The first words of several blocks whose counters differ in their first word alone. Local.
 * @param first [lanes] @param rest words 1 to 3 of the counters @param out [lanes] */
enum { PS_PHILOX_LANES = 32 };
void ps_philox_lanes(const uint32_t *first, const uint32_t rest[3], const uint32_t key[2], uint32_t *out);

/** 64 random bits of sample `index`, draw number `slot`. Local. */
uint64_t ps_rng_u64(struct ps_rng r, int64_t index, uint32_t slot);

/** Uniform in [0, 1) with 53 bits. Local. */
double ps_rng_uniform(struct ps_rng r, int64_t index, uint32_t slot);

/** Standard normal by Box-Muller: uses one Philox block per draw. Local. */
double ps_rng_normal(struct ps_rng r, int64_t index, uint32_t slot);

/** Uniform integer in [0, n), n > 0, unbiased to 2^-64 (multiply-shift). Local. */
int64_t ps_rng_below(struct ps_rng r, int64_t index, uint32_t slot, int64_t n);

#endif
