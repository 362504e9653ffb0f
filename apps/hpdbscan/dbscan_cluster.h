/** From points to labels: the steps of the distributed clustering in order. */
#ifndef DBSCAN_CLUSTER_H
#define DBSCAN_CLUSTER_H

#include "common/io/shard.h"
#include "common/run/run.h"
#include "kernels/dbscan/dbscan_kernels.h"
#include "kernels/device_memory.h"

/** What is asked for. */
struct dbscan_job {
    const struct ps_dbscan_kernels *kernels;
    const struct ps_device_memory *device; /**< where the kernels compute; NULL: the host */
    int64_t memory;                        /**< bytes of the device that are for this rank */
    enum ps_dbscan_index index;
    double eps;
    int64_t min_points;
    const char *name; /**< of the input, for messages */
    bool keep;        /**< leave the points in the shard; else they are freed as soon as they have moved */
};

/** Cluster the points of all ranks. Collective over run->comm.
 * @param in    rows of this rank, 2-D; in->data is freed and NULL afterwards unless job->keep
 * @param label out [in->mine.hi - in->mine.lo] in row order: 0 noise, else |label| is the cluster, < 0 a core
 * point of it; allocated here, the caller frees
 * @param clusters out: how many clusters there are in all
 * @return (agreed) PS_OK; PS_EINPUT (a coordinate is not finite, too many points on one rank); PS_ENOMEM;
 * PS_EMPI; PS_EBACKEND (a device failed, or does not hold the points around one). Every label is a function
 * of the input alone: the same for any ranks, threads, back end and index.
 */
enum ps_status dbscan_cluster(struct ps_run *run, const struct dbscan_job *job, struct ps_shard *in,
                              int64_t **label, int64_t *clusters);

#endif
