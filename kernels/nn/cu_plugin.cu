/* libps_cuda_nn.so: nets, which need cuBLASLt, cuDNN and NCCL. */
#include "kernels/cuda_plugin.h"
#include <stdio.h>
#include <string.h>
#include "kernels/nn/cu.h"

static enum ps_status open_device(int device, bool exact, char *text, size_t room);
static void close_device(void);

static struct ps_cuda offer = {
    .interface = PS_CUDA_INTERFACE,
    .devices = ps_cuda_devices,
    .open = open_device,
    .close = close_device,
    .memory = &ps_cuda_memory,
    .nn = &ps_nn_cu,
    .nn_tf32 = &ps_nn_cu_tf32,
    .nn_bf16 = &ps_nn_cu_bf16,
};

static void close_device(void)
{
    ps_nn_close_cu();
    ps_cuda_close();
}

static enum ps_status open_device(int device, bool exact, char *text, size_t room)
{
    enum ps_status rc = ps_cuda_open(device, exact, text, room);
    if (rc != PS_OK) return rc;
    const size_t length = strlen(text);
    rc = ps_nn_open_cu(text + length, room - length);
    if (rc != PS_OK) {
        snprintf(text, room, "GPU %d: %s", device, ps_cuda_error());
        close_device();
        return rc;
    }
    offer.nn_bf16 = ps_cuda_capability() >= 80 ? &ps_nn_cu_bf16 : NULL;
    return PS_OK;
}

extern "C" __attribute__((visibility("default"))) const struct ps_cuda *ps_cuda_plugin(void)
{
    return &offer;
}
