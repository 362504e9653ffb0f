#include "apps/pisvm/svm_pick.h"
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"
#include "kernels/svm/tie.h"

enum ps_status svm_pick_open(struct svm_pick *p, int64_t want)
{
    *p = (struct svm_pick){.want = want, .room = 3 * want + 64};
    return ps_alloc(&p->at, p->room, sizeof *p->at, "candidates of a working set");
}

void svm_pick_close(struct svm_pick *p)
{
    free(p->at);
    *p = (struct svm_pick){0};
}

static void swap(struct svm_candidate *a, struct svm_candidate *b)
{
    const struct svm_candidate t = *a;
    *a = *b;
    *b = t;
}

/* Bring the best k to the front, 0 < k < n. Source: Hoare (1961), "Algorithm 65: find". */
static void bring_best(struct svm_candidate *at, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const struct svm_candidate pivot = at[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (svm_better(&at[i], &pivot)) i++;
            while (svm_better(&pivot, &at[j])) j--;
            if (i <= j) swap(&at[i++], &at[j--]);
        }
        if (k - 1 <= j)
            hi = j;
        else if (k - 1 >= i)
            lo = i;
        else
            return;
    }
}

/* Leave out all but the best. */
static void prune(struct svm_pick *p)
{
    if (p->want > 0) bring_best(p->at, p->n, p->want);
    p->n = p->want;
    p->cut = true;
    if (p->want == 0) return;
    p->worst = p->at[0];
    for (int64_t i = 1; i < p->n; i++)
        if (svm_better(&p->worst, &p->at[i])) p->worst = p->at[i];
}

void svm_pick_offer(struct svm_pick *p, double worth, int64_t row)
{
    const struct svm_candidate c = {worth, ps_svm_tie(row), row};
    if (p->cut && (p->want == 0 || svm_better(&p->worst, &c))) return;
    p->at[p->n++] = c;
    if (p->n == p->room) prune(p);
}

/* A radix sort, by few digits of what decides between equals: what that leaves out of place is near it. Sorts
 * by comparison take longer, as nobody can foretell their branches. */
enum { DIGITS = 8, TIES = 2, PASSES = TIES + DIGITS, VALUES = 256 };

static int digit(const struct svm_candidate *c, int pass)
{
    union {
        double value;
        uint64_t bits;
    } worth = {c->worth + 0.0}; /* both zeros are one */
    if (pass < TIES) return (int)(c->tie >> (64 - 8 * (TIES - pass)) & 0xff);
    const uint64_t falling = worth.bits >> 63 ? worth.bits : ~worth.bits & ~(1ull << 63);
    return (int)(falling >> 8 * (pass - TIES) & 0xff);
}

/* @param spare [n] room */
static void sort(struct svm_candidate *at, struct svm_candidate *spare, int64_t n)
{
    struct svm_candidate *from = at, *to = spare;
    for (int pass = 0; pass < PASSES; pass++) {
        int64_t place[VALUES + 1] = {0};
        for (int64_t i = 0; i < n; i++) place[digit(&from[i], pass) + 1]++;
        if (place[digit(&from[0], pass) + 1] == n) continue; /* the same in all */
        for (int d = 0; d < VALUES; d++) place[d + 1] += place[d];
        for (int64_t i = 0; i < n; i++) to[place[digit(&from[i], pass)]++] = from[i];
        struct svm_candidate *const other = from;
        from = to;
        to = other;
    }
    if (from != at) memcpy(at, from, (size_t)n * sizeof *at);
    for (int64_t k = 1; k < n; k++) {
        const struct svm_candidate c = at[k];
        int64_t i = k;
        for (; i > 0 && svm_better(&c, &at[i - 1]); i--) at[i] = at[i - 1];
        at[i] = c;
    }
}

void svm_pick_sort(struct svm_pick *p, int64_t want)
{
    if (want < p->want) p->want = want;
    if (p->n > p->want) prune(p);
    if (p->n > 1) sort(p->at, p->at + p->n, p->n); /* there is room for three times `want` */
}
