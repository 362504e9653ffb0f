#include "apps/pisvm/svm_tasks_parts.h"
#include <stdlib.h>
#include "common/run/stop.h"
#include "common/run/timer.h"

enum ps_status svm_tasks_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              const struct svm_plan *plan, struct svm_store *store, struct svm_tasks **out)
{
    MPI_Comm comm = spec->run->comm;
    PS_TRY(ps_agree(comm, ps_zalloc(out, 1, sizeof **out, "tasks")));
    struct svm_tasks *t = *out;
    t->spec = spec;
    t->sweep = sweep;
    t->plan = plan;
    t->store = store;
    PS_TRY(ps_claims_open(comm, &t->claims));
    PS_TRY(ps_agree(comm, svm_tasklist_make(sweep, plan, t->claims.member, t->claims.size, &t->list)));
    return ps_claims_make(comm, &t->claims, t->list.n);
}

void svm_tasks_free(struct svm_tasks *t)
{
    if (!t) return;
    svm_tasklist_free(&t->list);
    ps_claims_free(&t->claims);
    free(t);
}

void svm_tasks_wants(const struct svm_tasks *t, int round, bool *want)
{
    for (int i = 0; i < t->list.n; i++) {
        const struct svm_problem *p = &t->plan->problem[t->list.task[i].pair];
        if (t->list.task[i].round != round) continue;
        want[p->slot[0]] = true;
        if (p->slot[1] >= 0) want[p->slot[1]] = true;
    }
}

/* --- what all ways to solve them share --- */

int64_t svm_tasks_bytes(const struct svm_problem *p)
{
    return svm_problem_rows(p) * svm_problem_stride(p) * (int64_t)sizeof(float);
}

bool svm_tasks_halted(struct svm_tasks *t)
{
    return t->status != PS_OK || ps_stop_seen() || ps_elapsed(t->spec->run) > t->until;
}

void svm_tasks_end(struct svm_tasks *t, struct svm_task *x)
{
    const struct svm_machine *m = t->list.machine + x->first * t->sweep->ncost;
    for (int64_t i = 0; i < (int64_t)x->folds * t->sweep->ncost; i++)
        if (!m[i].coef) return;
    x->done = true;
#pragma omp critical(svm_tasks)
    ps_progress_at(&t->progress, ps_claims_done(&t->claims, x - t->list.task));
}

bool svm_tasks_open(const struct svm_tasks *t, int i)
{
    const int holder = ps_claims_holder(&t->claims, i);
    return !t->list.task[i].taken && (holder == PS_CLAIM_FREE || holder == t->claims.rank);
}

struct svm_solve svm_tasks_solve(struct svm_tasks *t, struct svm_task *x)
{
    return (struct svm_solve){.spec = t->spec,
                              .sweep = t->sweep,
                              .problem = &t->plan->problem[x->pair],
                              .label = t->store->target[0],
                              .folds = x->folds,
                              .fold = t->list.fold + x->first,
                              .machine = t->list.machine + x->first * t->sweep->ncost};
}

/* --- a round --- */

/* Tasks that this rank took and did not begin are free again; those that it began stay its own. */
static void give_back(struct svm_tasks *t, int lo, int hi)
{
    for (int i = lo; i < hi; i++) {
        struct svm_task *x = &t->list.task[i];
        const struct svm_machine *m = t->list.machine + x->first * t->sweep->ncost;
        bool begun = false;
        for (int64_t k = 0; k < (int64_t)x->folds * t->sweep->ncost; k++) begun = begun || m[k].coef;
        x->next = 0;
        x->taken = x->done;
        if (ps_claims_holder(&t->claims, i) == t->claims.rank && !begun) ps_claims_return(&t->claims, i);
    }
    MPI_Barrier(t->claims.node);
}

/* Tasks that are not done: a rank counts those that it holds, the first rank of the node also the free ones.
 */
static int count_left(const struct svm_tasks *t, int lo, int hi)
{
    int left = 0;
    MPI_Barrier(t->claims.node);
    for (int i = lo; i < hi; i++) {
        const int holder = ps_claims_holder(&t->claims, i);
        left += holder == t->claims.rank || (holder == PS_CLAIM_FREE && t->claims.rank == 0);
    }
    MPI_Barrier(t->claims.node); /* before anyone gives back what it holds */
    return left;
}

enum ps_status svm_tasks_run(struct svm_tasks *t, int round, double until, int *left)
{
    int lo = 0, hi;
    while (lo < t->list.n && t->list.task[lo].round < round) lo++;
    for (hi = lo; hi < t->list.n && t->list.task[hi].round == round;) hi++;
    t->until = until;
    give_back(t, lo, hi);
    t->status = PS_OK;
    ps_progress_begin(&t->progress, t->spec->run, "training", "problems", t->list.n);
    if (t->spec->kernels->device)
        svm_tasks_on_device(t, lo, hi);
    else
        svm_tasks_on_threads(t, lo, hi);
    ps_progress_end(&t->progress);
    *left = count_left(t, lo, hi);
    return (enum ps_status)t->status;
}

/* --- machines --- */

int64_t svm_tasks_machines(const struct svm_tasks *t)
{
    return t->list.machines;
}

int64_t svm_tasks_ready(const struct svm_tasks *t, struct svm_machine *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->list.machines; i++)
        if (t->list.machine[i].coef) out[n++] = t->list.machine[i];
    return n;
}

int64_t svm_tasks_take(struct svm_tasks *t, struct svm_machine *out)
{
    const int64_t n = svm_tasks_ready(t, out);
    for (int64_t i = 0; i < t->list.machines; i++) t->list.machine[i].coef = NULL;
    return n;
}
