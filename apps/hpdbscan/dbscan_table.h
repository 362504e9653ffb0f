/** A table of the clusters: sizes, centroids, extents. */
#ifndef DBSCAN_TABLE_H
#define DBSCAN_TABLE_H

#include "apps/hpdbscan/dbscan_domain.h"
#include "common/io/shard.h"

/** Write a CSV file with a row per cluster, in the order of numbers: cluster, size, core_points, centroid_0
 * ..., min_0 ..., max_0 ... Collective over comm. Each rank adds up its own rows, clusters are cut over the
 * ranks, and each rank writes its clusters' lines; no rank holds all. Sums are made in whole numbers (the
 * extent of an axis in 2^52 steps), so the file is the same on any number of ranks.
 * @param in       the points, as read
 * @param label    [in->mine.hi - in->mine.lo] their labels
 * @param clusters number of clusters
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EIO; PS_EMPI */
enum ps_status dbscan_table_write(MPI_Comm comm, const char *path, const struct dbscan_domain *dom,
                                  const struct ps_shard *in, const int64_t *label, int64_t clusters);

#endif
