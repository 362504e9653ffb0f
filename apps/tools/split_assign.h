/** Regions to the training part, class by class, until it has the share that is wanted. */
#ifndef SPLIT_ASSIGN_H
#define SPLIT_ASSIGN_H

#include "apps/tools/split_regions.h"

/** What the numbers of a random stream are for; a new use takes a new number, or splits change. */
enum split_stream { SPLIT_ROW = 30, SPLIT_REGION, SPLIT_CUT };

/** Go through each class's regions in random order and take those that bring its training part nearer to what
 * is wanted; of 32 orders the one that comes nearest counts. At least one region is taken, and one is left
 * where there are two. Local; a function of its arguments alone.
 * @param want [classes] rows for training
 * @param train out [regions]: 1 or 0; the caller's
 * @return PS_OK; PS_ENOMEM */
enum ps_status split_assign(const struct split_regions *r, int classes, const int64_t *want, uint64_t seed,
                            uint8_t *train);

/** Cut classes across the longer side of the box about them, so that as many pixels as are wanted lie on the
 * side of training. Collective over comm; the same whatever the ranks.
 * @param cut   [classes] 1 = cut it
 * @param want  [classes]
 * @param train [own pixels] set to 1 or 0 for the pixels of classes that are cut
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status split_cut(MPI_Comm comm, const struct split_pixels *p, int classes, const uint8_t *cut,
                         const int64_t *want, uint64_t seed, uint8_t *train);

#endif
