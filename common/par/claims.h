/** Claims on numbered pieces of work by the ranks of a node: each piece is done by one of them, whoever comes
 * first, without messages. */
#ifndef PS_CLAIMS_H
#define PS_CLAIMS_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/par/shared.h"
#include "kernels/status.h"

/** All zero: nothing was opened. */
struct ps_claims {
    MPI_Comm node;  /**< the ranks of this node; owned */
    int rank, size; /**< in it; size 0: there is none yet */
    int *member;    /**< [size] their ranks in the communicator that claims were opened for; owned */
    int64_t n;      /**< pieces; 0 until there are claims */
    struct ps_shared memory;
    int32_t *holder; /**< [n + 1] in it, read and written atomically: rank in node, or one of the below; at n
                        how many are done */
};

/** Nobody holds the piece; it is done. */
enum { PS_CLAIM_FREE = -1, PS_CLAIM_DONE = -2 };

/** Find the ranks of this node. Collective over comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_claims_open(MPI_Comm comm, struct ps_claims *out);

/** Make n free pieces. Collective over the comm of ps_claims_open; n may differ between nodes.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_claims_make(MPI_Comm comm, struct ps_claims *c, int64_t n);
void ps_claims_free(struct ps_claims *c); /**< Collective over the node. */

/** Who holds piece i now. Local. */
static inline int ps_claims_holder(const struct ps_claims *c, int64_t i)
{
    return __atomic_load_n(&c->holder[i], __ATOMIC_ACQUIRE);
}

/** Take piece i if it is free. Local; from any thread. @return whether it is this rank's now */
static inline bool ps_claims_take(struct ps_claims *c, int64_t i)
{
    int32_t free = PS_CLAIM_FREE;
    return __atomic_compare_exchange_n(&c->holder[i], &free, c->rank, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/** Give back piece i, which this rank holds. Local. */
static inline void ps_claims_return(struct ps_claims *c, int64_t i)
{
    __atomic_store_n(&c->holder[i], PS_CLAIM_FREE, __ATOMIC_RELEASE);
}

/** Piece i, which this rank holds, is done. Local. @return how many are by now, on the node */
static inline int64_t ps_claims_done(struct ps_claims *c, int64_t i)
{
    __atomic_store_n(&c->holder[i], PS_CLAIM_DONE, __ATOMIC_RELEASE);
    return __atomic_add_fetch(&c->holder[c->n], 1, __ATOMIC_ACQ_REL);
}

#endif
