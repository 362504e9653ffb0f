/** What a machine is trained on: rows of a problem, folds that leave some out, costs; and the probabilities
 * that come of inner folds. */
#ifndef SVM_UNIT_H
#define SVM_UNIT_H

#include "apps/pisvm/svm_plan.h"

/** Folds that decision values for probabilities come from. */
enum { SVM_INNER = 5 };

/** Some rows of a problem. */
struct svm_unit {
    int64_t n;
    struct svm_row *row; /**< [n] targets; all arrays owned */
    int16_t *fold;       /**< [n] fold that leaves a row out; NULL without folds */
    int16_t *inner;      /**< [n] inner fold; NULL without probabilities */
};

/** Describe rows [lo, hi) of a problem. Local.
 * @param label [hi - lo] where labels are values, else NULL
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_unit_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                             const struct svm_problem *p, int64_t lo, int64_t hi, const double *label,
                             struct svm_unit *out);
void svm_unit_free(struct svm_unit *u);

/** Which rows are left out by fold `fold` (-1: by none) and inner fold `inner` (-1). Local.
 * @param mask out [n] 0: left out, else -1
 * @param trained out [2] rows that are not left out, by the sign of their target */
void svm_unit_mask(const struct svm_unit *u, int fold, int inner, int16_t *mask, int64_t trained[2]);

/** True where rows of one sign alone are not enough, and are all that is there. Local. */
bool svm_unit_absent(const struct svm_problem *p, const int64_t trained[2]);

/** Decision value of a machine that saw rows of one class, or of none, alone. Local. */
double svm_unit_guess(const int64_t trained[2]);

/** The sweep's costs for a problem, with the weights of its classes. Local. @param cost out [sweep->ncost] */
void svm_unit_costs(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                    const struct svm_problem *p, struct svm_cost *cost);

/** Probabilities from the decision values of rows that fold `fold` keeps. Local.
 * @param decision [n]
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_unit_fit(const struct svm_unit *u, bool classes, int fold, const double *decision,
                            double *prob_a, double *prob_b);

#endif
