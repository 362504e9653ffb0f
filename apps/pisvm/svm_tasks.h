/** Small problems of the ranks of a node on their threads. */
#ifndef SVM_TASKS_H
#define SVM_TASKS_H

#include "apps/pisvm/svm_plan.h"
#include "apps/pisvm/svm_store.h"

/** The problems of a node's ranks, which any of them may solve, and the machines that come of them here. */
struct svm_tasks;

/** Make the list. Collective over the run's ranks. All arguments are borrowed until svm_tasks_free.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_tasks_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              const struct svm_plan *plan, struct svm_store *store, struct svm_tasks **out);
void svm_tasks_free(struct svm_tasks *t); /**< Collective over the ranks of a node. */

/** Mark the classes that the problems of a round need. Local. @param want [slots], set */
void svm_tasks_wants(const struct svm_tasks *t, int round, bool *want);

/** Solve the problems of a round with all threads, until none is open, a stop signal came or the time is
 * over. A rank that has done its problems takes those of others on the node, longest first. Collective over
 * the ranks of a node.
 * @param until seconds of ps_elapsed
 * @param left out: problems of the round that are not done, each counted by one rank
 * @return PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM */
enum ps_status svm_tasks_run(struct svm_tasks *t, int round, double until, int *left);

/** The machines that are ready. Local.
 * @param out borrowed pointers: coef is owned by t until svm_tasks_take
 * @return how many */
int64_t svm_tasks_ready(const struct svm_tasks *t, struct svm_machine *out);

/** Places for machines that svm_tasks_ready needs at most. Local. */
int64_t svm_tasks_machines(const struct svm_tasks *t);

/** As svm_tasks_ready, but the caller owns the coefficients. Local. */
int64_t svm_tasks_take(struct svm_tasks *t, struct svm_machine *out);

#endif
