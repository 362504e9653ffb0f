#include "apps/tools/split_assign.h"

#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"
#include "kernels/rng.h"

/** A region's turn in its class. */
struct turn {
    int32_t class_of;
    uint64_t key;
    int64_t region, count;
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

/** The n regions of one class. */
static void assign_class(const struct turn *turn, int64_t n, int64_t want, uint8_t *train)
{
    int64_t have = 0, taken = 0;
    for (int64_t i = 0; i < n; i++) {
        bool nearer = 2 * (want - have) > turn[i].count; /* |have + count - want| < |have - want| */
        train[turn[i].region] = nearer;
        if (nearer) have += turn[i].count, taken++;
    }
    if (taken == 0) train[turn[smallest(turn, n)].region] = 1;
    if (taken == n && n > 1) train[turn[smallest(turn, n)].region] = 0;
}

enum ps_status split_assign(const struct split_regions *r, int classes, const int64_t *want, uint64_t seed,
                            uint8_t *train)
{
    struct turn *turn;
    struct ps_rng rng = {.seed = seed, .stream = SPLIT_REGION};
    PS_TRY(ps_alloc(&turn, r->n, sizeof *turn, "the order of regions"));
    for (int64_t i = 0; i < r->n; i++)
        turn[i] =
            (struct turn){r->list[i].class_of, ps_rng_u64(rng, r->list[i].first, 0), i, r->list[i].count};
    qsort(turn, (size_t)r->n, sizeof *turn, by_turn);
    for (int64_t lo = 0, hi; lo < r->n; lo = hi) {
        int c = turn[lo].class_of;
        for (hi = lo; hi < r->n && turn[hi].class_of == c;) hi++;
        assign_class(turn + lo, hi - lo, c < classes ? want[c] : 0, train);
    }
    free(turn);
    return PS_OK;
}
