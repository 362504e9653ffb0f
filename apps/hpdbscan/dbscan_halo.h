/** The halo: points of other ranks that lie within eps of own points' boxes, and flags and components that
 * follow them. */
#ifndef DBSCAN_HALO_H
#define DBSCAN_HALO_H

#include "apps/hpdbscan/dbscan_trie.h"
#include "common/par/exchange.h"

/** Which own points were sent where. */
struct dbscan_halo {
    struct ps_exchange plan;
    uint32_t
        *sent; /**< [sending] own point of each item sent, grouped by rank, ascending in a group; owned */
    int64_t sending, arriving;
};

/** Send each own point to the ranks that may own a neighbour of it, and append what arrives to the own
 * points. Collective over comm. For every pair of points (p here, q on rank r) with distance <= eps, in the
 * exact sense of dbscan_kernels.h, p goes to r.
 * @param room rows that *own has room for, at least p->n
 * @param own in: p's rows, a block of malloc; out: [p->n + arriving] rows, own points then halo, still the
 * caller's
 * @param p   own points; p->data = *own
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EINPUT where own points and halo exceed 2^32 - 2; PS_EMPI */
enum ps_status dbscan_halo_make(MPI_Comm comm, const struct ps_points *p, const struct dbscan_domain *dom,
                                const struct dbscan_cut *cut, const struct dbscan_trie *trie, double eps,
                                int64_t room, void **own, struct dbscan_halo *out);
void dbscan_halo_free(struct dbscan_halo *h);

/** Fill in the halo's core flags from their owners. Collective over the halo's communicator.
 * @param core [own + arriving] in: flags of own points; out: those of the halo
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_halo_flags(const struct dbscan_halo *h, uint8_t *core, int64_t own);

#endif
