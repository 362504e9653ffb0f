/** One small problem on its kernel matrix: all folds that are wanted, all C, inner folds for probabilities.
 */
#ifndef SVM_SOLVE_H
#define SVM_SOLVE_H

#include "apps/pisvm/svm_matrix.h"
#include "apps/pisvm/svm_small.h"
#include "apps/pisvm/svm_unit.h"

/** A problem that is being solved. Set what stands before `jobs`, all of it borrowed. */
struct svm_solve {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    const struct svm_problem *problem;
    const double *label;         /**< rows' labels where they are values, else NULL */
    int folds;                   /**< how many */
    const int *fold;             /**< [folds] which; -1: one machine of all rows */
    struct svm_machine *machine; /**< [folds][ncost] filled by svm_solve_close; those with coefficients are
                                    ready already and stay */

    int jobs; /**< parts of the work that may be done in any order, by several threads; all below is owned */
    struct svm_unit unit;
    struct svm_cost *cost;      /* [ncost] */
    struct svm_solution *found; /* [folds][ncost] */
    double *decision;           /* [folds][ncost][n] of inner folds; NULL without probabilities */
    uint8_t *ended;             /* [jobs] */
};

/** Prepare. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_solve_open(struct svm_solve *s);

/** Do job `i` on the problem's kernel matrix, which must be whole where several threads share it. Local, one
 * thread. @return PS_OK; PS_EUSAGE (nu infeasible); PS_ENOMEM */
enum ps_status svm_solve_job(struct svm_solve *s, int i, struct svm_matrix *matrix);

/** A job in parts, for who solves several jobs beside each other. */
struct svm_solve_way {
    int job;
    struct svm_small small; /**< what is to be solved, */
    int fold;               /**< with these rows left out, into */
    struct svm_solution *out;
    bool solved;                /**< nothing is to be solved: rows of a class are missing */
    int16_t *mask;              /**< what small.fold points to; owned */
    struct svm_solution *inner; /**< what `out` points to in inner folds; owned */
};

/** Begin job `i`; end it, when w->out has the solutions for all C. Local; free it in any case.
 * @param matrix borrowed until then
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_solve_begin(struct svm_solve *s, int i, struct svm_matrix *matrix,
                               struct svm_solve_way *w);
void svm_solve_end(struct svm_solve *s, const struct svm_solve_way *w);
void svm_solve_way_free(const struct svm_solve *s, struct svm_solve_way *w);

/** Fill the machines of the folds whose jobs were all done. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_solve_close(struct svm_solve *s);

/** Free what is owned; also after a failure. */
void svm_solve_free(struct svm_solve *s);

#endif
