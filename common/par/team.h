/** All threads of all ranks of a node as one team, which shares memory and waits for itself without messages.
 */
#ifndef PS_TEAM_H
#define PS_TEAM_H

#include "common/par/block.h"
#include "common/par/shared.h"

/** Where threads wait for each other, in memory that all see. All zero: nobody has come. */
struct ps_team_gate {
    _Alignas(64) int32_t here;   /**< threads that have come */
    _Alignas(64) int32_t opened; /**< how often it was opened */
};

/** All zero: nothing was opened. Threads are numbered in order of node, rank of the node, thread of the rank.
 */
struct ps_team {
    MPI_Comm comm;   /**< all ranks; borrowed */
    MPI_Comm node;   /**< the ranks of this node; owned */
    MPI_Comm lane;   /**< the ranks with this one's number in all nodes, in their order; MPI_COMM_NULL from
                        number `lanes` on; owned */
    MPI_Comm nodes;  /**< on the first rank of a node, its lane; MPI_COMM_NULL on others */
    int ranks, rank; /**< of the node */
    int count;       /**< nodes */
    int index;       /**< of this node */
    int lanes;       /**< ranks that every node has */
    int threads;     /**< of all ranks of the node */
    int mine;        /**< threads of this rank */
    int first;       /**< number of this rank's first thread within the node */
    int all;         /**< threads of all nodes */
    int before;      /**< threads of the nodes before this one */
    struct ps_shared memory;
    struct ps_team_gate *gate; /**< in it */
};

/** Make a team. Collective over comm.
 * @param threads of this rank, which all call ps_team_wait
 * @param node_ranks ranks that share memory: a machine's ranks are cut into nodes of that many, so that one
 * machine can stand for several; 0: all of a machine
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_team_open(MPI_Comm comm, int threads, int node_ranks, struct ps_team *out);
void ps_team_close(struct ps_team *team); /**< Collective over comm. */

/** Wait until all threads of the team have come here; what they wrote before is seen after. Called by every
 * thread of every rank of the node. */
void ps_team_wait(struct ps_team *team);

/** The same for some threads with a gate of their own. Called by each of these. */
void ps_team_gate_wait(struct ps_team_gate *gate, int threads);

/** One look of a thread that waits for another one: gives the core away after many. Local.
 * @param looks 0 before the first */
void ps_team_pause(int *looks);

/** The part of n elements that falls to a thread of this rank, in steps of `line` elements. Local.
 * @param thread of this rank, from 0 */
struct ps_range ps_team_part(const struct ps_team *team, int thread, int64_t n, int64_t line);

#endif
