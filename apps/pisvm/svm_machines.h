/** Trained machines of a multi-class problem: one per pair of classes, fold and C, each held where it was
 * solved. */
#ifndef SVM_MACHINES_H
#define SVM_MACHINES_H

#include "apps/pisvm/svm_data.h"
#include "apps/pisvm/svm_type.h"
#include "common/run/run.h"

/** One machine, or this rank's part of it: coefficients of rows [part[0].lo, part[0].hi) of class a, then of
 * rows [part[1].lo, part[1].hi) of class b. Regression and one-class: part[0].cls = -1 and no part[1] (lo =
 * hi = 0). */
struct svm_machine {
    int pair;       /**< number of (a, b), a < b, in the order (0,1) (0,2) ... (1,2) ...; 0 where there are no
                       classes */
    int a, b;       /**< classes; -1 */
    int cost, fold; /**< which C of the sweep; fold left out, -1 = none */
    struct svm_result result;
    double prob_a, prob_b; /**< sigmoid of the decision value (classification) or prob_a = width of the
                              Laplace distribution (regression), where asked for */
    struct svm_want part[2];
    double *coef; /**< [rows of both parts]; owned */
};

/** Machines of this rank, ordered by pair, cost, fold. */
struct svm_machines {
    int64_t n;
    struct svm_machine *machine; /**< owned */
};
void svm_machines_free(struct svm_machines *m);

/** What is to be trained: one kernel function, C after C, fold after fold. */
struct svm_sweep {
    struct ps_svm_function function;
    const struct svm_cost
        *cost; /**< [ncost] before class weights: c_positive, c_negative are not looked at; ascending C */
    int ncost;
    int folds; /**< 0: one machine of all rows */
    bool probability;
};

/** How: what all sweeps of a run share. */
struct svm_train_spec {
    struct ps_run *run;
    const struct svm_data *data;
    const struct ps_svm_kernels *kernels;
    enum svm_type type;
    const double *weight; /**< [nclass] of C */
    bool dense, shrinking;
    double eps;
    int64_t max_iter;
    int working, fresh;
    int64_t memory; /**< bytes per rank for kernel values, at most */
    int sharing;    /**< ranks that have the device of the kernels in common */
    uint64_t seed;
    bool quiet; /**< do not print the lines of each binary problem */
    bool *told; /**< set when the plan is printed, which happens once; NULL: each sweep prints its plan */
};

/** Number of binary problems: nclass (nclass - 1) / 2, or 1 without classes. Local. */
int svm_pairs(const struct svm_data *d);

/** Train. Collective over run->comm. Pairs whose kernel matrix fits into spec->memory are tasks, spread over
 * ranks and threads by estimated cost; larger ones are solved by all ranks together, one after the other. The
 * plan is printed once (ps_info). Prints the lines of piSVM for each binary problem of a sweep without folds,
 * in the order of pairs. On a stop signal it writes a checkpoint, where one is named, and returns PS_STOPPED;
 * with run->common->resume it goes on from it.
 * @return (agreed) PS_OK; PS_EUSAGE; PS_ENOMEM; PS_EIO; PS_EMPI; PS_STOPPED */
enum ps_status svm_train(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                         struct svm_machines *out);

#endif
