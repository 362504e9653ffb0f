/** The order of samples in an epoch: a permutation that is computed, not stored. */
#ifndef PS_ORDER_H
#define PS_ORDER_H

#include <stdint.h>

/** Which of n samples is the i-th of an epoch. A function of its arguments alone, one to one for i in [0, n).
 * Source: a Feistel network of six rounds on numbers of an even number of bits, gone through again while the
 * result is not below n (Black, Rogaway 2002, "Ciphers with arbitrary finite domains"). */
int64_t ps_order(int64_t n, uint64_t seed, int64_t epoch, int64_t i);

/** The same for all i in [lo, hi), several at once. @param out [hi - lo] */
void ps_order_range(int64_t n, uint64_t seed, int64_t epoch, int64_t lo, int64_t hi, int64_t *out);

#endif
