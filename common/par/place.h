/** Where a rank sits on its node: cores, threads, GPU. */
#ifndef PS_PLACE_H
#define PS_PLACE_H

#include <mpi.h>

struct ps_place {
    int node_rank, node_size; /**< rank and number of ranks on this node */
    int nodes;                /**< nodes of the communicator */
    int cores; /**< cores that this rank may use: its affinity mask, shared out evenly (rounded down, at least
                  1) where ranks share cores */
};

/** Find it. Collective over comm (one split by shared memory, freed again). */
struct ps_place ps_place_find(MPI_Comm comm);

/** GPU of this rank out of `devices` on the node: node-local rank modulo devices; -1 without devices. Local.
 */
int ps_place_gpu(const struct ps_place *p, int devices);

#endif
