/** Help in choosing epsilon: the curve of distances to the k-th neighbour. */
#ifndef DBSCAN_SUGGEST_H
#define DBSCAN_SUGGEST_H

#include "common/io/shard.h"
#include "common/run/run.h"

/** Print the distance from sampled points to their minPoints-th point (themselves counted), among all points,
 * and where its curve bends. A point is a core point exactly if this distance is at most epsilon. Collective
 * over run->comm. The sample is a function of the input alone; every rank scans its own rows for all sampled
 * points.
 * @param name of the input, for messages
 * @return (agreed) PS_OK; PS_EINPUT (fewer points than min_points, a coordinate that is not finite);
 * PS_ENOMEM; PS_EMPI Source: Ester et al. (1996), section 4.2 (sorted k-dist graph); Satopaa et al. (2011),
 * "Finding a 'kneedle' in a haystack". */
enum ps_status dbscan_suggest(struct ps_run *run, const char *name, const struct ps_shard *in,
                              int64_t min_points);

/** Where a falling curve bends most: the point farthest below the chord between its ends. Local.
 * @param y [n] values, descending
 * @return index of the point; 0 where the curve is straight or n < 3 */
int64_t dbscan_suggest_elbow(const double *y, int64_t n);

#endif
