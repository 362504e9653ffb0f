/** Arrays that are needed after products, and fetched into the second cache while these go on. */
#ifndef PS_NN_HALF_SOON_H
#define PS_NN_HALF_SOON_H

#include <stdint.h>

enum { PS_HALF_SOON = 4 };

/** What is left of some arrays, and how much of each is asked for at a time. Zeros: nothing. */
struct ps_half_soon {
    struct {
        const char *at, *end;
        int64_t step;
    } array[PS_HALF_SOON];
    int arrays;
};

/** Add an array of so many bytes. */
static inline void ps_half_soon_add(struct ps_half_soon *s, const void *array, int64_t bytes)
{
    s->array[s->arrays].at = array;
    s->array[s->arrays++].end = (const char *)array + bytes;
}

/** All that is left is asked for in so many times. */
static inline void ps_half_soon_spread(struct ps_half_soon *s, int64_t times)
{
    for (int i = 0; i < s->arrays; i++) s->array[i].step = (s->array[i].end - s->array[i].at) / times + 64;
}

static inline void ps_half_soon_ask(struct ps_half_soon *s)
{
    for (int i = 0; i < s->arrays; i++) {
        const char *at = s->array[i].at, *to = at + s->array[i].step;
        if (to > s->array[i].end) to = s->array[i].end;
        for (; at < to; at += 64) __builtin_prefetch(at, 0, 2);
        s->array[i].at = at;
    }
}

#endif
