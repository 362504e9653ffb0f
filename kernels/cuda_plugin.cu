/* libps_cuda.so: what needs nothing of CUDA but its runtime. */
#include "kernels/cuda_plugin.h"
#include "kernels/dbscan/cu.h"
#include "kernels/svm/cu.h"

static void close_device(void)
{
    ps_svm_close_cu();
    ps_cuda_close();
}

static const struct ps_cuda offer = {
    .interface = PS_CUDA_INTERFACE,
    .devices = ps_cuda_devices,
    .open = ps_cuda_open,
    .close = close_device,
    .memory = &ps_cuda_memory,
    .svm = &ps_svm_cu,
    .dbscan = &ps_dbscan_cu,
};

extern "C" __attribute__((visibility("default"))) const struct ps_cuda *ps_cuda_plugin(void)
{
    return &offer;
}
