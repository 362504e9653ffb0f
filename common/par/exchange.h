/** Exchanges with 64-bit counts between all ranks. */
#ifndef PS_EXCHANGE_H
#define PS_EXCHANGE_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels/status.h"

/** A plan: how many items go to and come from each rank. Arrays [size], [size+1]; owned by the plan. */
struct ps_exchange {
    MPI_Comm comm;
    int rank, size;
    int64_t *send_count, *send_start; /**< items to rank r, and where they start in the send buffer; start has
                                         size+1 entries */
    int64_t *recv_count, *recv_start; /**< the same of what arrives, in rank order */
    MPI_Request *request;             /**< work space [2 size]: one exchange at a time along a plan */
};

/** Learn what arrives from how much is sent. Collective over comm.
 * @param send_count [size] items for each rank; copied
 * @return PS_OK; PS_ENOMEM (agreed); PS_EMPI */
enum ps_status ps_exchange_make(MPI_Comm comm, const int64_t *send_count, struct ps_exchange *out);
void ps_exchange_free(struct ps_exchange *x);

/** Move items of `item` bytes along the plan; buffers beyond 2 GiB are fine; a rank's own part is copied
 * without MPI; ranks that exchange nothing send no message. Collective over x->comm.
 * @param send [send_start[size]] items grouped by destination; borrowed
 * @param recv [recv_start[size]] items grouped by source; the caller's; must not overlap send */
enum ps_status ps_exchange_run(const struct ps_exchange *x, const void *send, void *recv, size_t item);

/** The same where the own part stands in `recv` already, and has no place in `send`: one copy less of what
 * stays. Collective over x->comm.
 * @param send [send_start[size] - send_count[rank]] items grouped by destination, other ranks' only; borrowed
 */
enum ps_status ps_exchange_others(const struct ps_exchange *x, const void *send, void *recv, size_t item);

/** ps_exchange_run backwards: what was received returns to its senders (labels to input order). Collective
 * over x->comm.
 * @param recv [recv_start[size]] items to return; borrowed
 * @param send [send_start[size]] where they arrive; the caller's */
enum ps_status ps_exchange_back(const struct ps_exchange *x, const void *recv, void *send, size_t item);

#endif
