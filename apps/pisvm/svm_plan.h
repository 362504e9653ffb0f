/** Which problem is solved where: a cost model, and problems given to ranks by it. */
#ifndef SVM_PLAN_H
#define SVM_PLAN_H

#include "apps/pisvm/svm_machines.h"

/** One binary problem, or the one there is without classes. */
struct svm_problem {
    int a, b;        /**< classes; -1 */
    int slot[2];     /**< where its rows are kept: a, b; without classes 0, -1 */
    int64_t rows[2]; /**< of each */
    bool large;      /**< solved by all ranks together */
    int round;       /**< small: the round in which its rows are here */
    double fill,
        solve; /**< estimated seconds of one thread: for the kernel matrix, for one fold with all C */
};

/** A sweep's problems and who solves which. Equal on all ranks. */
struct svm_plan {
    int size;                    /**< ranks */
    int pairs;                   /**< problems */
    int folds;                   /**< machines of a problem and C: folds, or 1 */
    int slots;                   /**< classes, or 1 */
    int64_t *count;              /**< [slots] rows; all arrays owned */
    struct svm_problem *problem; /**< [pairs] */
    int *group;                  /**< [slots] classes whose rows are held at the same time; two groups meet in
                                    a round */
    int rounds;
    int32_t *owner; /**< [pairs][folds] the rank that solves it; -1: it is done, or large */

    int small, large; /**< problems */
    int64_t largest;  /**< rows of the largest small problem */
    double seconds;   /**< estimated work of all small problems, of one thread */
    double balance;   /**< of the ranks: mean over largest estimated work */
};

/** What the estimates need to know of the rows. */
struct svm_rows_cost {
    double products; /**< multiplications of one scalar product */
    double bytes;    /**< of one row, while it is fetched and packed */
};

/** Make the plan. Local; the same on all ranks for the same arguments.
 * @param done [pairs][folds] 1: needs no rank; or NULL
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_plan_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                             const struct svm_rows_cost *cost, const uint8_t *done, struct svm_plan *out);
void svm_plan_free(struct svm_plan *p);

/** Print the plan, and write it into the record. Rank 0 speaks. Local. */
void svm_plan_tell(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                   const struct svm_plan *p);

/** Row stride of a problem's kernel matrix. Local. */
static inline int64_t svm_problem_rows(const struct svm_problem *p)
{
    return p->rows[0] + p->rows[1];
}
static inline int64_t svm_problem_stride(const struct svm_problem *p)
{
    return (svm_problem_rows(p) + 15) / 16 * 16;
}

/** Rows [lo, hi) of a problem's rows as wants. Local. */
void svm_problem_wants(const struct svm_problem *p, int64_t lo, int64_t hi, struct svm_want part[2]);

#endif
