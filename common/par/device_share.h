/** How ranks that have the same GPU share out its memory. */
#ifndef PS_DEVICE_SHARE_H
#define PS_DEVICE_SHARE_H

#include "common/par/device.h"

struct ps_device_share {
    int ranks;     /**< of a node that have the same GPU, at most; 1 without GPUs */
    int64_t bytes; /**< free on a GPU, the least of all ranks; 0 without GPUs */
};

/** Look what is there before any rank of the run takes some: what follows from it depends on the GPUs and the
 * number of ranks, not on who is first. Collective over run->comm. */
struct ps_device_share ps_device_share(const struct ps_run *run, const struct ps_device *device);

#endif
