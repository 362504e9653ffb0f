/** Connecting the ranks' components where they share core points. */
#ifndef DBSCAN_MERGE_H
#define DBSCAN_MERGE_H

#include "apps/hpdbscan/dbscan_halo.h"

/** A core point that two ranks hold joins a component of this rank with one of another. */
struct dbscan_edge {
    uint32_t mine, theirs; /**< component numbers, each of its own rank */
    int rank;              /**< the other rank */
};

/** Components of all ranks as one set of vertices: component c of rank r is vertex offset[r] + c. */
struct dbscan_forest {
    MPI_Comm comm; /**< borrowed */
    int rank, size;
    int64_t *offset; /**< [size + 1]; owned */
    int64_t *root;   /**< [own components] the smallest vertex of the connected component; owned */
    int rounds;      /**< how many it took */
};

/** Find the edges from the halo: each distinct edge once. Collective over the halo's communicator.
 * @param component [own + arriving] component of each point, UINT32_MAX for points that are not core
 * @param edges out [*n]; allocated here, the caller frees
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_merge_edges(const struct dbscan_halo *h, const uint32_t *component, int64_t own,
                                  struct dbscan_edge **edges, int64_t *n);

/** Find the connected components. Collective over comm. Every round is a fixed number of exchanges; the
 * number of rounds grows with the logarithm of the longest chain. No rank holds more than its own vertices
 * and what is asked of them.
 * @param components own components
 * @param edges [n] an edge needs to be known to one of its two ranks only
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI
 * Source: Zhang, Azad, Hu (2020), "FastSV: a distributed-memory connected component algorithm with fast
 * convergence". */
enum ps_status dbscan_merge(MPI_Comm comm, int64_t components, const struct dbscan_edge *edges, int64_t n,
                            struct dbscan_forest *out);
void dbscan_forest_free(struct dbscan_forest *f);

/** The rank of a vertex. Local. */
int dbscan_forest_rank(const struct dbscan_forest *f, int64_t vertex);

#endif
