/** Cutting [0, n) into contiguous blocks. */
#ifndef PS_BLOCK_H
#define PS_BLOCK_H

#include <stdint.h>

/** A half-open range [lo, hi). */
struct ps_range {
    int64_t lo, hi;
};

/** Block i of `parts` nearly equal blocks of [0, n): the first n % parts blocks are one longer. Local. */
struct ps_range ps_block(int64_t n, int64_t parts, int64_t i);

/** The block that holds element `at`. Local. */
int64_t ps_block_of(int64_t n, int64_t parts, int64_t at);

#endif
