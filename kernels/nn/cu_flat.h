/** Arrays of elements that have nothing to do with each other, and may begin anywhere: threads beside each
 * other take elements beside each other, and each several of them, so that enough bytes are under way. */
#ifndef PS_NN_CU_FLAT_H
#define PS_NN_CU_FLAT_H

#include "kernels/cuda.h"

enum { PS_FLAT_BLOCK = 256, PS_FLAT_EACH = 4, PS_FLAT_BLOCKS = 1 << 20 };

/** Blocks for n elements. */
static inline unsigned ps_flat_blocks(int64_t n)
{
    const int64_t each = PS_FLAT_BLOCK * PS_FLAT_EACH, blocks = (n + each - 1) / each;
    return (unsigned)(blocks < PS_FLAT_BLOCKS ? blocks : (int64_t)PS_FLAT_BLOCKS);
}

/** The first element of a thread in a round that begins at element `round`; others follow PS_FLAT_BLOCK
 * apart. */
#define PS_FLAT_ROUNDS(round, n)                                                                        \
    for (int64_t round = (int64_t)blockIdx.x * PS_FLAT_BLOCK * PS_FLAT_EACH + threadIdx.x; round < (n); \
         round += (int64_t)gridDim.x * PS_FLAT_BLOCK * PS_FLAT_EACH)

/** Element j of a thread's PS_FLAT_EACH of a round. */
#define PS_FLAT_EACH_OF(i, j, round, n)                                         \
    for (int64_t j = 0, i = (round); j < PS_FLAT_EACH; j++, i += PS_FLAT_BLOCK) \
        if (i < (n))

#endif
