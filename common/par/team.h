/** All threads of all ranks of a node as one team, which shares memory and waits for itself without messages.
 */
#ifndef PS_TEAM_H
#define PS_TEAM_H

#include "common/par/block.h"
#include "common/par/shared.h"

/** All zero: nothing was opened. */
struct ps_team {
    MPI_Comm node;   /**< the ranks of this node; owned */
    MPI_Comm nodes;  /**< the first rank of each node, or MPI_COMM_NULL on other ranks; owned */
    int ranks, rank; /**< of the node */
    int count;       /**< nodes */
    int threads;     /**< of all ranks of the node */
    int first;       /**< number of this rank's first thread */
    struct ps_shared memory;
    struct ps_team_gate *gate; /**< in it */
};

/** Make a team. Collective over comm.
 * @param threads of this rank, which all call ps_team_wait
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_team_open(MPI_Comm comm, int threads, struct ps_team *out);
void ps_team_close(struct ps_team *team); /**< Collective over comm. */

/** Wait until all threads of the team have come here; what they wrote before is seen after. Called by every
 * thread of every rank of the node. */
void ps_team_wait(struct ps_team *team);

/** The part of n elements that falls to a thread of this rank, in steps of `line` elements. Local.
 * @param thread of this rank, from 0 */
struct ps_range ps_team_part(const struct ps_team *team, int thread, int64_t n, int64_t line);

#endif
