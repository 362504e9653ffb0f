/** Small problems of this rank on its threads. */
#ifndef SVM_TASKS_H
#define SVM_TASKS_H

#include "apps/pisvm/svm_plan.h"
#include "apps/pisvm/svm_store.h"

/** The problems of one rank, and the machines that come of them. */
struct svm_tasks;

/** Make the list. Local. All arguments are borrowed until svm_tasks_free.
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_tasks_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              const struct svm_plan *plan, struct svm_store *store, struct svm_tasks **out);
void svm_tasks_free(struct svm_tasks *t);

/** Mark the classes that this rank's problems of a round need. Local. @param want [slots], set */
void svm_tasks_wants(const struct svm_tasks *t, int round, bool *want);

/** Solve the problems of a round with all threads, until all are done, a stop signal came or the time is
 * over. Local; no MPI call is made.
 * @param until seconds of ps_elapsed
 * @param left out: problems of the round that are not done
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
