#include "common/par/device_share.h"
#include "common/par/place.h"
#include "kernels/device_memory.h"

struct ps_device_share ps_device_share(const struct ps_run *run, const struct ps_device *device)
{
    struct ps_device_share share = {1, 0};
    char why[PS_DEVICE_TEXT];
    if (!device->cuda) return share;
    const struct ps_place place = ps_place_find(run->comm);
    const int ranks = run->node_ranks > 0 ? run->node_ranks : place.node_size,
              devices = device->cuda->devices(why, sizeof why);
    share.bytes = device->cuda->memory->room();
    share.ranks = (ranks + devices - 1) / devices;
    MPI_Allreduce(MPI_IN_PLACE, &share.ranks, 1, MPI_INT, MPI_MAX, run->comm);
    MPI_Allreduce(MPI_IN_PLACE, &share.bytes, 1, MPI_INT64_T, MPI_MIN, run->comm);
    return share;
}
