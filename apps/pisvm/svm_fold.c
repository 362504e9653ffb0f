#include "apps/pisvm/svm_fold.h"

#include <math.h>
#include "kernels/rng.h"

enum { STREAM = 0x666f6c64, ROUNDS = 8, SHIFT = ROUNDS };

/** A permutation of [0, count) by a Feistel network over the rectangle [0, a) x [0, b) around it: each round
 * shifts one coordinate by a random function of the other. Values outside of the range walk on along their
 * cycle until they are inside. Source: Black, Rogaway (2002), "Ciphers with arbitrary finite domains". */
static int64_t permute(struct ps_rng rng, int64_t key, int64_t count, int64_t at)
{
    int64_t a = (int64_t)ceil(sqrt((double)count)), b = (count + a - 1) / a;
    do {
        int64_t x = at / b, y = at % b;
        for (uint32_t round = 0; round < ROUNDS; round += 2) {
            x = (x + ps_rng_below(rng, key + y, round, a)) % a;
            y = (y + ps_rng_below(rng, key + x, round + 1, b)) % b;
        }
        at = x * b + y;
    } while (at >= count);
    return at;
}

int svm_fold(uint64_t seed, int cls, int64_t position, int64_t count, int folds)
{
    const struct ps_rng rng = {.seed = seed, .stream = STREAM};
    int64_t key = (int64_t)(cls + 1) << 32; /* coordinates are far below 2^32 */
    int64_t part = permute(rng, key, count, position) * folds / count;
    /* begin elsewhere in each class, or the first folds would have all classes of few rows */
    return (int)((part + ps_rng_below(rng, key, SHIFT, folds)) % folds);
}
