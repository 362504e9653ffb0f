/** Parallel sort of integer keys that carry a 32-bit index. */
#ifndef PS_RADIX_H
#define PS_RADIX_H

#include <stdint.h>
#include "kernels/status.h"

/** Sort (key, index) pairs by key, stable, with as many OpenMP threads as the caller's next parallel region
 * gets. Local. Least-significant-digit radix sort over the lowest `bits` bits; the result is the same for any
 * number of threads; bits that are equal in all keys cost nothing. Arrays that begin at multiples of 64 bytes
 * are sorted fastest.
 * @param key   [n] in and out
 * @param index [n] in and out
 * @return PS_OK; PS_ENOMEM (work space of 12 n bytes; the arrays are then unchanged) */
enum ps_status ps_radix_sort(uint64_t *key, uint32_t *index, int64_t n, int bits);

#endif
