/** Which elements are dropped. */
#ifndef PS_NN_DROPOUT_H
#define PS_NN_DROPOUT_H

#include "kernels/nn/nn_kernels.h"
#include "kernels/philox.h"

/** Random bits of elements [4 block, 4 block + 4) of a sample. */
PS_HOST_DEVICE static inline void ps_nn_dropout_bits(const struct ps_nn_dropout *l, int64_t sample,
                                                     int64_t step, int64_t block, uint32_t bits[4])
{
    const uint32_t counter[4] = {(uint32_t)sample, (uint32_t)(sample >> 32) ^ (l->stream << 16),
                                 (uint32_t)step, (uint32_t)block};
    const uint32_t key[2] = {(uint32_t)l->seed, (uint32_t)(l->seed >> 32)};
    ps_philox(counter, key, bits);
}

/** Bits below this are of dropped elements. */
static inline double ps_nn_dropout_limit(const struct ps_nn_dropout *l)
{
    return l->rate * 0x1p32;
}

static inline bool ps_nn_dropped(const struct ps_nn_dropout *l, int64_t sample, int64_t step, int64_t k)
{
    uint32_t bits[4];
    ps_nn_dropout_bits(l, sample, step, k / 4, bits);
    return bits[k % 4] < ps_nn_dropout_limit(l);
}

#endif
