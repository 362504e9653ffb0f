/** Help in choosing epsilon: the curve of distances to the k-th neighbour. */
#ifndef DBSCAN_SUGGEST_H
#define DBSCAN_SUGGEST_H

#include "common/io/shard.h"
#include "common/run/run.h"

/** Print the curve of exact distances from sampled points to the nearest minPoints-th point of all (a point
 * is its own first), and the epsilon at its elbow. A point is a core point exactly if this distance is at
 * most epsilon. Collective over run->comm. The sample is a function of the seed and the number of points, so
 * what is printed is the same on any number of ranks and threads.
 *
 * The elbow is looked for on linear axes and without the largest hundredth of the distances: a few far points
 * would set the scale, and on a logarithmic axis frequent noise hides the bend before it.
 * @param name of the input, for messages
 * @return (agreed) PS_OK; PS_EINPUT (fewer points than min_points, a coordinate that is not finite);
 * PS_ENOMEM
 * Source: Ester et al. (1996), section 4.2 (sorted k-dist graph); Satopaa et al. (2011), "Finding a 'kneedle'
 * in a haystack". */
enum ps_status dbscan_suggest(struct ps_run *run, const char *name, const struct ps_shard *in,
                              int64_t min_points);

/** The elbow of a rising curve: the point farthest below the chord between its ends. Local.
 * @param y [n] values, ascending
 * @return index of the point; n - 1 where none is below the chord */
int64_t dbscan_suggest_elbow(const double *y, int64_t n);

#endif
