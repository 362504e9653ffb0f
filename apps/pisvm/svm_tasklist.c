#include "apps/pisvm/svm_tasklist.h"
#include <stdlib.h>
#include "common/run/err.h"

static int by_round_and_seconds(const void *x, const void *y)
{
    const struct svm_task *a = x, *b = y;
    if (a->round != b->round) return a->round - b->round;
    if (a->seconds != b->seconds) return a->seconds > b->seconds ? -1 : 1;
    return a->first < b->first ? -1 : 1;
}

static void add(const struct svm_sweep *sweep, const struct svm_plan *plan, int pair, int rank,
                int64_t *folds, struct svm_tasklist *l)
{
    const struct svm_problem *p = &plan->problem[pair];
    struct svm_task x = {.pair = pair, .round = p->round, .first = *folds};
    for (int f = 0; f < plan->folds; f++) {
        if (plan->owner[(int64_t)pair * plan->folds + f] != rank) continue;
        const int fold = sweep->folds > 0 ? f : -1;
        for (int c = 0; c < sweep->ncost; c++)
            l->machine[*folds * sweep->ncost + c] =
                (struct svm_machine){.pair = pair, .a = p->a, .b = p->b, .cost = c, .fold = fold};
        l->fold[(*folds)++] = fold;
        x.folds++;
    }
    x.seconds = p->fill + p->solve * x.folds;
    if (x.folds > 0) l->task[l->n++] = x;
}

enum ps_status svm_tasklist_make(const struct svm_sweep *sweep, const struct svm_plan *plan, const int *rank,
                                 int ranks, struct svm_tasklist *out)
{
    int64_t folds = 0, at = 0;
    *out = (struct svm_tasklist){0};
    for (int64_t i = 0; i < (int64_t)plan->pairs * plan->folds; i++)
        for (int r = 0; r < ranks; r++) folds += plan->owner[i] == rank[r];
    out->machines = folds * sweep->ncost;
    enum ps_status rc = ps_alloc(&out->task, folds, sizeof *out->task, "tasks");
    if (rc == PS_OK) rc = ps_alloc(&out->fold, folds, sizeof *out->fold, "folds of tasks");
    if (rc == PS_OK) rc = ps_zalloc(&out->machine, out->machines, sizeof *out->machine, "machines");
    if (rc != PS_OK) {
        svm_tasklist_free(out);
        return rc;
    }
    for (int pair = 0; pair < plan->pairs; pair++)
        for (int r = 0; r < ranks; r++) add(sweep, plan, pair, rank[r], &at, out);
    qsort(out->task, (size_t)out->n, sizeof *out->task, by_round_and_seconds);
    return PS_OK;
}

void svm_tasklist_free(struct svm_tasklist *l)
{
    for (int64_t i = 0; l->machine && i < l->machines; i++) free(l->machine[i].coef);
    free(l->machine);
    free(l->fold);
    free(l->task);
    *l = (struct svm_tasklist){0};
}
