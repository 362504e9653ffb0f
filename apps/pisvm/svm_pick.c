#include "apps/pisvm/svm_pick.h"
#include <stdlib.h>
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

static int by_worth(const void *a, const void *b)
{
    const struct svm_candidate *x = a, *y = b;
    return svm_better(x, y) ? -1 : svm_better(y, x);
}

void svm_candidates_sort(struct svm_candidate *at, int64_t n)
{
    if (n > 1) qsort(at, (size_t)n, sizeof *at, by_worth);
}

void svm_pick_sort(struct svm_pick *p, int64_t want)
{
    if (want < p->want) p->want = want;
    if (p->n > p->want) prune(p);
    svm_candidates_sort(p->at, p->n);
}
