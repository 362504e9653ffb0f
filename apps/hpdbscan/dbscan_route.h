/** Items to chosen ranks and answers back: questions between ranks that do not know who will ask them. */
#ifndef DBSCAN_ROUTE_H
#define DBSCAN_ROUTE_H

#include "common/par/exchange.h"

/** A way for n items, each to one rank. */
struct dbscan_route {
    struct ps_exchange plan;
    int64_t n, arriving; /**< items that go out and that come in */
    int64_t *place; /**< [n] where item i lies in the send buffer: grouped by rank, in item order; owned */
};

/** Plan it. Collective over comm.
 * @param to [n] destination ranks; borrowed
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_route_make(MPI_Comm comm, const int *to, int64_t n, struct dbscan_route *out);
void dbscan_route_free(struct dbscan_route *r);

/** Send the items. Collective over the route's communicator.
 * @param items [n] of `size` bytes, in item order; borrowed
 * @param out   [arriving] grouped by source; allocated here, the caller frees
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_route_send(const struct dbscan_route *r, const void *items, size_t size, void *out);

/** Send answers back. Collective over the route's communicator.
 * @param answers [arriving] of `size` bytes; borrowed
 * @param items   out [n] in item order
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_route_back(const struct dbscan_route *r, const void *answers, size_t size, void *items);

#endif
