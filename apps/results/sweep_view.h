/** A sweep seen from its journal alone. Local. */
#ifndef SWEEP_VIEW_H
#define SWEEP_VIEW_H

#include "apps/results/grid.h"
#include "apps/results/sweep_next.h"

struct sweep_view {
    struct grid grid;
    struct sweep_journal journal;
    struct sweep_rule rule;
    char metric[256]; /**< "" = none */
    char command[SWEEP_ABOUT_MAX];
    double pause[SWEEP_RUNGS_MAX]; /**< [rungs - 1] epochs */
};

/** What has come of a trial. */
struct sweep_outcome {
    int rung;       /**< the highest one that is done; -1 = none */
    double metric;  /**< there; NaN = none */
    double seconds; /**< of all rungs that are done */
    int attempts;   /**< of all rungs */
    char state[64]; /**< done | epoch 9 | running | lost | failed | open */
};

/** @return PS_OK; PS_EIO; PS_EINPUT; PS_ENOMEM */
enum ps_status sweep_view_open(const char *dir, struct sweep_view *out);
void sweep_view_close(struct sweep_view *v);

/** @param metric EVENT.FIELD to take in place of the sweep's, read from the record; "" = the sweep's */
enum ps_status sweep_view_outcome(const struct sweep_view *v, int64_t trial, const char *metric,
                                  struct sweep_outcome *out);

/** Trials, best first: by the rung they came to, and there by the metric. @param order out [trials]
 * @return how many have results */
int64_t sweep_view_rank(const struct sweep_view *v, int64_t *order);

#endif
