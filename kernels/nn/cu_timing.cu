#include "kernels/nn/cu_timing.h"

struct ps_timing ps_timing_begin(void)
{
    struct ps_timing t = {};
    PS_CU(cudaEventCreateWithFlags(&t.from, cudaEventDefault));
    PS_CU(cudaEventCreateWithFlags(&t.to, cudaEventDefault));
    PS_CU(cudaEventRecord(t.from, ps_cuda_stream()));
    return t;
}

float ps_timing_end(struct ps_timing *t)
{
    float ms = 0;
    PS_CU(cudaEventRecord(t->to, ps_cuda_stream()));
    PS_CU(cudaEventSynchronize(t->to));
    PS_CU(cudaEventElapsedTime(&ms, t->from, t->to));
    if (t->from) cudaEventDestroy(t->from);
    if (t->to) cudaEventDestroy(t->to);
    return ms;
}

void *ps_trial_memory(int64_t bytes)
{
    void *memory = NULL;
    if (!ps_cuda_good()) return NULL;
    if (cudaMalloc(&memory, (size_t)bytes) != cudaSuccess) {
        cudaGetLastError(); /* else a later call would be told of it */
        return NULL;
    }
    PS_CU(cudaMemsetAsync(memory, 0, (size_t)bytes, ps_cuda_stream()));
    return memory;
}

void ps_trial_free(void *memory)
{
    PS_CU(cudaStreamSynchronize(ps_cuda_stream()));
    if (memory) cudaFree(memory);
}
