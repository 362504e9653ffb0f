/** Numbers for clusters that depend on the input alone: 1, 2, ... in the order of each cluster's first core
 * point among the input rows. */
#ifndef DBSCAN_NAMES_H
#define DBSCAN_NAMES_H

#include "apps/hpdbscan/dbscan_merge.h"
#include "apps/hpdbscan/dbscan_move.h"

/** Number the clusters. Collective over forest->comm.
 * @param rows      input rows of all ranks, cut by ps_block
 * @param component [own] component of each own point, UINT32_MAX for points that are not core
 * @param cluster   out [components]: the cluster number, from 1, of each component; allocated here, the
 * caller frees
 * @param clusters  out: how many there are in all
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_names(const struct dbscan_forest *forest, const struct dbscan_move *move, int64_t rows,
                            const uint32_t *component, int64_t own, int64_t **cluster, int64_t *clusters);

/** The same on one rank: without a move own points are input rows and components are clusters. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_names_alone(const uint32_t *component, int64_t n, int64_t components,
                                  int64_t **cluster);

#endif
