/** Which arrays nodes have of their own, and where all of them lie in memory. */
#ifndef PS_NET_ARRAYS_H
#define PS_NET_ARRAYS_H

#include "common/nn/net.h"

/** Find out which batch norms are never written out, which images are in bf16, who writes each gradient
 * first, and which gradients share an array. @return PS_OK; PS_EUSAGE (a node is read by no other), with a
 * message; PS_ENOMEM */
enum ps_status ps_net_arrays_find(struct ps_net *net);

/** Bytes from the beginning of a memory, [nodes] each; those of node 0 mean nothing. */
struct ps_net_plan {
    int64_t *y, *dy, *kept;
    int64_t scratch, bytes;
};

/** Plan arrays for up to `most` samples by lifetime: an array that is no longer read makes room for others.
 * @param out with room for y, dy (without training not written), kept @return PS_OK; PS_ENOMEM */
enum ps_status ps_net_plan(const struct ps_net *net, int64_t most, bool training, struct ps_net_plan *out);

#endif
