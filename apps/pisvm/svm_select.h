/** The choice of a working set by all ranks, the same on any cut of the rows. */
#ifndef SVM_SELECT_H
#define SVM_SELECT_H

#include "apps/pisvm/svm_large_parts.h"

/** Scores -f - y p at the border: the highest that may rise, the lowest that may fall, of all active rows.
 * With nu of each y apart: [0] y = +1. */
struct svm_extremes {
    double up[2], low[2];
};

/** Look for own rows of the last working set by their marks, where a solution begins or goes on. Local. */
void svm_members_find(struct svm_large *s, const uint8_t *mark);

/** Find the extremes; on a device of what svm_front_find found. Collective over s->spec.comm.
 * @return PS_OK; PS_EMPI */
enum ps_status svm_extremes_find(const struct svm_large *s, const struct svm_vars *v, struct svm_extremes *e);

/** The largest violation. Local. */
double svm_extremes_violation(const struct svm_extremes *e);

/** Choose the next working set: up to s->fresh rows that violate most, in turn of those that may rise and
 * those that may fall, then rows of the last set, free ones first, later ones first, up to s->working. Equals
 * are ordered by a hash of their number. Marks own rows. Collective over s->spec.comm.
 * @param number out [s->working] ascending
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_select(struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                          uint8_t *mark, int64_t *number, int64_t *n);

#endif
