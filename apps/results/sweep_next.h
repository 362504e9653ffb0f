/** Which piece of work comes next. Local.
 * Early stopping is asynchronous successive halving: a trial goes on beyond a rung when it is among the best
 * 1/eta of the results of that rung that are there; if none is, a new trial begins.
 * Then trials begin in a random order.
 * Source: Li et al. (2020), "A system for massively parallel hyperparameter tuning", MLSys, algorithm 2. */
#ifndef SWEEP_NEXT_H
#define SWEEP_NEXT_H

#include "apps/results/sweep_journal.h"

struct sweep_rule {
    bool minimize;
    double eta; /**< above 1 */
};

/** The piece to claim: the highest rung that has one first.
 * A rung whose results are all there sends at least one trial on: a sweep ends with a trained one.
 * @param found out: false if there is none now; results of others may change that
 * @return PS_OK; PS_ENOMEM */
enum ps_status sweep_next(const struct sweep_journal *j, const struct sweep_rule *rule, bool *found,
                          int *rung, int64_t *trial);

/** The trials of a rung that have results, best first; equal ones by number, NaN last.
 * @param order out [trials] @return how many there are */
int64_t sweep_rank(const struct sweep_journal *j, const struct sweep_rule *rule, int rung, int64_t *order);

/** Pieces that a sweep without failures comes to, about: halving may send more on. */
int64_t sweep_expected(const struct sweep_journal *j, const struct sweep_rule *rule);

#endif
