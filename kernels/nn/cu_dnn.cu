#include "kernels/nn/cu_dnn.h"
#include <stdio.h>
#include <stdlib.h>

static cudnnHandle_t handle;

cudnnHandle_t ps_dnn(void)
{
    if (!handle) {
        /* cuBLAS, which recurrent layers use, gives the same bits each time only with such workspaces */
        if (ps_cuda_exact()) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
        PS_DNN(cudnnCreate(&handle));
    }
    if (handle) PS_DNN(cudnnSetStream(handle, ps_cuda_stream()));
    return handle;
}

void ps_dnn_close(void)
{
    if (handle) cudnnDestroy(handle);
    handle = NULL;
}

void ps_dnn_tell(char *text, size_t room)
{
    const size_t v = cudnnGetVersion();
    snprintf(text, room, ", cuDNN %zu.%zu.%zu", v / 10000, v % 10000 / 100, v % 100);
}
