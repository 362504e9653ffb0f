/** Pieces of work that are claimed together and run by one start of the program. Local. */
#ifndef SWEEP_BATCH_H
#define SWEEP_BATCH_H

#include "apps/results/sweep_next.h"
#include "apps/results/sweep_trial.h"
#include "common/run/run.h"

/** A sweep as one task sees it. */
struct sweep {
    struct ps_run *run;
    struct grid grid;
    struct sweep_journal journal;
    struct sweep_rule rule;
    struct sweep_command command;
    struct ps_words launch; /**< words before the program: srun, mpirun; owned */
    const char *metric;
    int each;     /**< trials of a start; more than 1: the program's --trials splits its ranks */
    int64_t left; /**< trials that this task may still begin */
    int64_t finished, failures; /**< by this task */
    bool stopped;               /**< a trial was given back: this task ends */
};

enum { SWEEP_EACH_MAX = 4096 };

/** Claim up to `each` pieces, run them, and commit what came out. @param n out: pieces that were claimed, 0 =
 * there are none
 * @return PS_OK; PS_EUSAGE (the program cannot be started, or does not know its first arguments); PS_EINPUT
 * (the record lacks the metric); PS_EIO; PS_ENOMEM. Claims are given back then */
enum ps_status sweep_batch(struct sweep *s, int *n);

#endif
