#include "apps/pisvm/svm_backend.h"
#include <string.h>
#include "common/run/err.h"

enum ps_status svm_backend_open(struct ps_run *run, struct ps_device *device,
                                const struct ps_svm_kernels **out)
{
    const struct ps_device_wish wish = {.family = PS_DEVICE_SVM, .exact = true};
    *out = strcmp(run->common->backend, "ref") == 0 ? &ps_svm_ref : &ps_svm_cpu;
    PS_TRY(ps_device_choose(run, &wish, (*out)->name, device));
    if (device->cuda) *out = device->cuda->svm;
    return PS_OK;
}

enum ps_status svm_backend_failed(const struct ps_svm_kernels *kernels, enum ps_status rc, const char *what)
{
    const char *error = kernels->device ? kernels->device->memory->error() : "";
    return error[0] ? ps_fail(rc, "the device: %s", error) : ps_fail(rc, "%s", what);
}

enum ps_status svm_backend_wait(const struct ps_svm_kernels *kernels)
{
    const enum ps_status rc = kernels->device ? kernels->device->memory->wait() : PS_OK;
    return rc == PS_OK ? PS_OK : svm_backend_failed(kernels, rc, "the device failed");
}

enum ps_status svm_backend_pack(const struct ps_svm_kernels *kernels, const struct ps_csr *x,
                                const int64_t *row, int64_t n, const struct ps_svm_layout *layout,
                                struct ps_svm_pack **out)
{
    const enum ps_status rc = kernels->pack(x, row, n, layout, out);
    return rc == PS_OK ? PS_OK : svm_backend_failed(kernels, rc, "no memory for rows in single precision");
}

int64_t svm_backend_memory(const struct ps_device_share *share)
{
    int64_t memory = 1;
    if (share->bytes == 0) return 0;
    while (2 * memory <= share->bytes / 2) memory *= 2;
    return memory;
}
