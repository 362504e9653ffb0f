/** What the parts of svm_tasks share. */
#ifndef SVM_TASKS_PARTS_H
#define SVM_TASKS_PARTS_H

#include <stdatomic.h>
#include "apps/pisvm/svm_solve.h"
#include "apps/pisvm/svm_tasklist.h"
#include "apps/pisvm/svm_tasks.h"
#include "common/par/claims.h"
#include "common/run/log.h"

struct svm_tasks {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    const struct svm_plan *plan;
    struct svm_store *store;
    struct ps_claims claims;  /* by the ranks of the node, on its tasks */
    struct svm_tasklist list; /* of all ranks of the node */

    /* of the present run */
    double until;
    _Atomic int status;
    struct ps_progress progress;

    /* of threads */
    _Atomic int64_t used; /* bytes of kernel matrices that they hold */
    int64_t budget;       /* of them at most */
    bool scarce;          /* not every thread may hold the largest */
};

/** Solve tasks [lo, hi) until none is open or the run is halted. Collective over the ranks of a node; what
 * failed is in t->status. */
void svm_tasks_on_threads(struct svm_tasks *t, int lo, int hi);
void svm_tasks_on_device(struct svm_tasks *t, int lo, int hi);

/** Bytes of a problem's kernel matrix. Local. */
int64_t svm_tasks_bytes(const struct svm_problem *p);

/** Is the run to end: a failure, a signal, the time? Local. */
bool svm_tasks_halted(struct svm_tasks *t);

/** Is a task open to this rank? Local. */
bool svm_tasks_open(const struct svm_tasks *t, int i);

/** What solves a task, not opened yet. Local. */
struct svm_solve svm_tasks_solve(struct svm_tasks *t, struct svm_task *x);

/** Jobs of a task were done: note it if that is all of it. Local, from any thread. */
void svm_tasks_end(struct svm_tasks *t, struct svm_task *x);

#endif
