/** Whole regions to the training part, class by class, until it has the share that is wanted. */
#ifndef SPLIT_ASSIGN_H
#define SPLIT_ASSIGN_H

#include "apps/tools/split_regions.h"

/** What the numbers of a random stream are for; a new use takes a new number, or splits change. */
enum split_stream { SPLIT_ROW = 30, SPLIT_REGION };

/** Go through each class's regions in random order and take those that bring its training part nearer to what
 * is wanted; at least one is taken, and one is left where there are two. Local; a function of its arguments
 * alone.
 * @param want [classes] rows for training
 * @param train out [regions]: 1 or 0; the caller's
 * @return PS_OK; PS_ENOMEM */
enum ps_status split_assign(const struct split_regions *r, int classes, const int64_t *want, uint64_t seed,
                            uint8_t *train);

#endif
