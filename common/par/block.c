#include "common/par/block.h"

struct ps_range ps_block(int64_t n, int64_t parts, int64_t i)
{
    int64_t base = n / parts, longer = n % parts;
    int64_t lo = i * base + (i < longer ? i : longer);
    return (struct ps_range){lo, lo + base + (i < longer)};
}

int64_t ps_block_of(int64_t n, int64_t parts, int64_t at)
{
    int64_t base = n / parts, longer = n % parts;
    int64_t edge = longer * (base + 1); /* the first element of the first shorter block */
    return at < edge ? at / (base + 1) : longer + (at - edge) / base;
}
