#include "kernels/svm/cu_block.h"

enum { THREADS = 256 };

__device__ static float chain_sparse(const struct ps_svm_job_cu &t, int64_t i, int64_t j)
{
    int64_t p = t.a.start[i], q = t.b.start[j];
    float sum = 0;
    while (p < t.a.start[i + 1] && q < t.b.start[j + 1]) {
        const int32_t u = t.a.index[p], v = t.b.index[q];
        if (u == v) sum = fmaf(t.a.value[p], t.b.value[q], sum);
        p += u <= v;
        q += v <= u;
    }
    return sum;
}

static __global__ void __launch_bounds__(THREADS) values(struct ps_svm_job_cu t)
{
    const int64_t cols = t.bhi - t.blo, n = (t.ahi - t.alo) * cols;
    for (int64_t e = (int64_t)blockIdx.x * THREADS + threadIdx.x; e < n; e += (int64_t)gridDim.x * THREADS) {
        const int64_t i = t.alo + e / cols, j = t.blo + e % cols;
        t.out[(i - t.alo) * t.stride + j - t.blo] =
            ps_svm_finish_cu(t.finish, chain_sparse(t, i, j), t.a.norm[i], t.b.norm[j]);
    }
}

void ps_svm_sparse_cu(const struct ps_svm_job_cu *job)
{
    const int64_t blocks = ((job->ahi - job->alo) * (job->bhi - job->blo) + THREADS - 1) / THREADS;
    PS_LAUNCH(values, (unsigned)(blocks < 65536 ? blocks : 65536), THREADS, 0, *job);
}
