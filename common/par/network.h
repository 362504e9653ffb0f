/** A network between nodes as two numbers, and what an allreduce over it takes. */
#ifndef PS_NETWORK_H
#define PS_NETWORK_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"

struct ps_network {
    double latency;   /**< of a message, s */
    double bandwidth; /**< with which a node sends while it receives, bytes/s */
};

/** Seconds of an allreduce of `bytes` over `nodes` in a ring: 2 (nodes - 1) messages, one after the other, of
 * bytes / nodes each (Patarasuk, Yuan 2009, "Bandwidth optimal all-reduce algorithms"). 0 for one node. */
double ps_network_allreduce(const struct ps_network *network, int64_t nodes, int64_t bytes);

/** Measure: latency from the fastest of many allreduces of a number, bandwidth from the median of some of
 * `bytes`, both through ps_network_allreduce. Collective over comm, of at least two ranks.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_network_measure(MPI_Comm comm, int64_t bytes, struct ps_network *out);

#endif
