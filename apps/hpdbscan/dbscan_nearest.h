/** Distances from a few points to their nearest ones among many: a scan with no index. */
#ifndef DBSCAN_NEAREST_H
#define DBSCAN_NEAREST_H

#include <stdint.h>
#include "kernels/status.h"
#include "kernels/view.h"

/** For each query the k smallest squared distances to the points, in no order. Threads share the queries.
 * Local.
 * @param p     points; borrowed
 * @param query [queries][p->d]
 * @param k     1 <= k <= p->n
 * @param best  out [queries][k]
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_nearest(const struct ps_points *p, const double *query, int64_t queries, int64_t k,
                              double *best);

/** Order v so that its k smallest values come first, the largest of them at v[k - 1]. Local.
 * Source: Hoare (1961), Find. */
void dbscan_nearest_select(double *v, int64_t n, int64_t k);

#endif
