#include "apps/pisvm/svm_backend.h"
#include <string.h>
#include "common/par/place.h"
#include "common/run/err.h"

static enum ps_status check(const void *context, const struct ps_device *device)
{
    (void)context;
    PS_CHECK(!device->cuda || device->cuda->svm, PS_EBACKEND, "the plugin has none");
    return PS_OK;
}

enum ps_status svm_backend_open(struct ps_run *run, struct ps_device *device,
                                const struct ps_svm_kernels **out)
{
    const struct ps_device_wish wish = {"support vector machines", true, check, NULL};
    *out = strcmp(run->common->backend, "ref") == 0 ? &ps_svm_ref : &ps_svm_cpu;
    PS_TRY(ps_device_choose(run, &wish, (*out)->name, device));
    if (device->cuda) *out = device->cuda->svm;
    return PS_OK;
}

enum ps_status svm_backend_wait(const struct ps_svm_kernels *kernels)
{
    if (!kernels->device) return PS_OK;
    const enum ps_status rc = kernels->device->memory->wait();
    PS_CHECK(rc == PS_OK, rc, "the device: %s", kernels->device->memory->error());
    return PS_OK;
}

int64_t svm_backend_memory(const struct ps_run *run, const struct ps_device *device,
                           const struct ps_svm_kernels *kernels)
{
    char why[PS_DEVICE_TEXT];
    int64_t memory = 1, room;
    if (!kernels->device) return 0;
    const struct ps_place place = ps_place_find(run->comm);
    const int devices = device->cuda->devices(why, sizeof why);
    MPI_Barrier(run->comm); /* nobody has taken any yet */
    room = kernels->device->memory->room() / 2 / ((place.node_size + devices - 1) / devices);
    MPI_Allreduce(MPI_IN_PLACE, &room, 1, MPI_INT64_T, MPI_MIN, run->comm);
    while (2 * memory <= room) memory *= 2;
    return memory;
}
