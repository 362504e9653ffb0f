/** Exact distances from a few points to their k-th neighbours among the points of all ranks. */
#ifndef DBSCAN_KDIST_H
#define DBSCAN_KDIST_H

#include "common/run/run.h"
#include "kernels/view.h"

/** Distance from each query to its k-th nearest point, a point equal to the query being the first. Collective
 * over run->comm. Every rank compares its points with all queries and keeps the k smallest distances of each;
 * the k-th of all ranks is found by bisection over the bits of doubles, so that no rank gathers another's.
 * The squared distance is the sum of the kernels' definition (64-bit integers are rounded to double first);
 * the result does not depend on ranks or threads.
 * @param p     this rank's points, finite
 * @param query [m][p->d], row-major, equal on all ranks; borrowed
 * @param k     in [1, points of all ranks]
 * @param dist  out [m], unit of the data; the caller's
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status dbscan_kdist(struct ps_run *run, const struct ps_points *p, const double *query, int64_t m,
                            int64_t k, double *dist);

#endif
