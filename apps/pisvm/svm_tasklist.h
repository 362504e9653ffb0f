/** What the ranks of a node have to solve: small problems, each with some of its folds. */
#ifndef SVM_TASKLIST_H
#define SVM_TASKLIST_H

#include "apps/pisvm/svm_plan.h"

struct svm_solve;

/** One problem with those of its folds that the plan gives to one rank. */
struct svm_task {
    int pair, round, folds;
    int64_t first;  /**< of the list's `fold`, and of its machines: [folds][ncost] */
    double seconds; /**< estimate, of one thread */
    bool taken;     /**< by a thread of this rank */
    bool done;      /**< by this rank */

    /* while a thread solves it, and others that are idle may help */
    struct svm_solve *open; /**< NULL: nothing to help with */
    int next;               /**< job */
    int helpers;
};

struct svm_tasklist {
    int n;
    struct svm_task *task; /**< [n] by round, longest first; all arrays owned */
    int *fold;             /**< folds of all tasks */
    int64_t machines;
    struct svm_machine *machine; /**< [machines]; without coefficients: not ready */
};

/** List the tasks of some ranks: the same list wherever the arguments are the same. Local.
 * @param rank [ranks] of the plan
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_tasklist_make(const struct svm_sweep *sweep, const struct svm_plan *plan, const int *rank,
                                 int ranks, struct svm_tasklist *out);
void svm_tasklist_free(struct svm_tasklist *l);

#endif
