/** Limited-memory BFGS for fits to all data at once (Nocedal, Wright 2006, "Numerical Optimization",
 * algorithms 7.4 and 7.5, with a line search for the strong Wolfe conditions, algorithms 3.5 and 3.6).
 *
 * The caller evaluates, as that is a pass of all threads over all data:
 *
 *     evaluate f and g at w
 *     while ((next = ps_lbfgs_tell(l, thread, f, g, w)) is PS_LBFGS_EVALUATE or PS_LBFGS_STEP) {
 *         (PS_LBFGS_STEP: w is better than all before: report, checkpoint)
 *         ps_lbfgs_try(l, thread, w)
 *         evaluate f and g at w
 *     }
 *
 * Every thread of a node calls these functions with the same f; each works on a part of the vectors, which
 * lie in memory that the ranks of the node share, and all nodes do the same. Products of vectors are sums
 * over fixed blocks in a fixed order: the bits do not depend on ranks and threads. */
#ifndef PS_LBFGS_H
#define PS_LBFGS_H

#include "common/par/team.h"

struct ps_lbfgs_plan {
    int64_t n;        /**< weights */
    int history;      /**< steps that are remembered */
    double tolerance; /**< of the largest component of the gradient, at which it has converged */
};

enum ps_lbfgs_next {
    PS_LBFGS_EVALUATE,  /**< the line search goes on */
    PS_LBFGS_STEP,      /**< w is accepted */
    PS_LBFGS_CONVERGED, /**< w is accepted, and its gradient is within the tolerance */
    PS_LBFGS_STUCK,     /**< no lower f was found, not even along the gradient; w is the last accepted one */
};

/** All zero: nothing was opened. */
struct ps_lbfgs;

/** Collective over the communicator of the team. @param team borrowed
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_lbfgs_open(struct ps_team *team, const struct ps_lbfgs_plan *plan, struct ps_lbfgs **out);
void ps_lbfgs_close(struct ps_lbfgs *l); /**< Collective; NULL is fine. */

/** Tell f and its gradient at w. Called by every thread of the node when all of g and w is there; g may be
 * written again after it. A value that is not a number is taken as a step too far.
 * @param g [n] gradient @param w [n], shared by the node: where g was taken
 * @return what to do; on PS_LBFGS_STUCK w is written. Elements of others after ps_team_wait */
enum ps_lbfgs_next ps_lbfgs_tell(struct ps_lbfgs *l, int thread, double f, const float *g, float *w);

/** Write the next w to evaluate. Called by every thread of the node. Elements of others after ps_team_wait.
 */
void ps_lbfgs_try(struct ps_lbfgs *l, int thread, float *w);

/** State after PS_LBFGS_STEP, for checkpoints: vectors of n elements, shared by the node, and numbers, equal
 * on all ranks. When both are read back ps_lbfgs_resume makes ps_lbfgs_try the next call. */
enum { PS_LBFGS_NUMBERS = 4 };
int ps_lbfgs_vectors(const struct ps_lbfgs *l);                  /**< @return how many */
float *ps_lbfgs_vector(struct ps_lbfgs *l, int i);               /**< [n] */
void ps_lbfgs_numbers(const struct ps_lbfgs *l, double *number); /**< out [PS_LBFGS_NUMBERS] */
void ps_lbfgs_resume(struct ps_lbfgs *l, const double *number);  /**< Local, outside of parallel regions. */

#endif
