#include "apps/tools/split_assign.h"

#include <stdlib.h>
#include "common/run/err.h"
#include "kernels/rng.h"

enum { TRIES = 32, MANY = 10000 };

/** A region's turn in its class. */
struct turn {
    int32_t class_of;
    uint64_t key;
    int64_t region, first, count;
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->class_of != y->class_of) return x->class_of < y->class_of ? -1 : 1;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->region > y->region) - (x->region < y->region);
}

static int64_t smallest(const struct turn *turn, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (turn[i].count < turn[best].count) best = i;
    return best;
}

/** Go through the n regions of one class in one random order.
 * @param train set for these regions
 * @return how many rows training has */
static int64_t walk(struct turn *turn, int64_t n, int64_t want, uint64_t seed, uint32_t attempt,
                    uint8_t *train)
{
    int64_t have = 0, taken = 0;
    struct ps_rng rng = {.seed = seed, .stream = SPLIT_REGION};
    for (int64_t i = 0; i < n; i++) turn[i].key = ps_rng_u64(rng, turn[i].first, attempt);
    qsort(turn, (size_t)n, sizeof *turn, by_turn);
    for (int64_t i = 0; i < n; i++) {
        bool nearer = 2 * (want - have) > turn[i].count; /* |have + count - want| < |have - want| */
        train[turn[i].region] = nearer;
        if (nearer) have += turn[i].count, taken++;
    }
    const struct turn *least = &turn[smallest(turn, n)];
    if (taken == 0) train[least->region] = 1, have += least->count;
    if (taken == n && n > 1) train[least->region] = 0, have -= least->count;
    return have;
}

/** The order that comes nearest to what is wanted; many regions come near in any order. */
static void assign_class(struct turn *turn, int64_t n, int64_t want, uint64_t seed, uint8_t *train)
{
    uint32_t best = 0, tries = n > MANY ? 1 : TRIES;
    int64_t least = INT64_MAX;
    for (uint32_t t = 0; t < tries; t++) {
        int64_t off = llabs(walk(turn, n, want, seed, t, train) - want);
        if (off < least) least = off, best = t;
    }
    walk(turn, n, want, seed, best, train);
}

enum ps_status split_assign(const struct split_regions *r, int classes, const int64_t *want, uint64_t seed,
                            uint8_t *train)
{
    struct turn *turn;
    PS_TRY(ps_alloc(&turn, r->n, sizeof *turn, "the order of regions"));
    for (int64_t i = 0; i < r->n; i++)
        turn[i] = (struct turn){r->list[i].class_of, 0, i, r->list[i].first, r->list[i].count};
    qsort(turn, (size_t)r->n, sizeof *turn, by_turn);
    for (int64_t lo = 0, hi; lo < r->n; lo = hi) {
        int c = turn[lo].class_of;
        for (hi = lo; hi < r->n && turn[hi].class_of == c;) hi++;
        assign_class(turn + lo, hi - lo, c < classes ? want[c] : 0, seed, train);
    }
    free(turn);
    return PS_OK;
}
