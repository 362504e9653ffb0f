/* Blocks of kernel values. Each scalar product is one chain of fused multiply-adds over the features in their
 * order, as on the host, so that a kernel value has the same bits wherever it is computed, and matrices are
 * symmetric to the bit. That is why products are not those of cuBLAS, which cuts sums as it likes. */
#include "kernels/svm/cu_finish.h"
#include "kernels/svm/cu_pack.h"

enum { THREADS = 256 };

struct job {
    struct ps_svm_finish finish;
    struct ps_svm_pack a, b;
    int64_t alo, ahi, blo, bhi;
    float *out;
    int64_t stride;
};

__device__ static float chain_dense(const struct job &t, int64_t i, int64_t j)
{
    const float *u = t.a.panel + i / PS_SVM_PANEL * PS_SVM_PANEL * t.a.cols + i % PS_SVM_PANEL;
    const float *v = t.b.panel + j / PS_SVM_PANEL * PS_SVM_PANEL * t.b.cols + j % PS_SVM_PANEL;
    float sum = 0;
    for (int64_t k = 0; k < t.a.cols; k++) {
        const float x = u[k * PS_SVM_PANEL], y = v[k * PS_SVM_PANEL], d = __fsub_rn(x, y);
        sum = t.finish.distance ? fmaf(d, d, sum) : fmaf(x, y, sum);
    }
    return sum;
}

__device__ static float chain_sparse(const struct job &t, int64_t i, int64_t j)
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

static __global__ void __launch_bounds__(THREADS) values(struct job t)
{
    const int64_t cols = t.bhi - t.blo, n = (t.ahi - t.alo) * cols;
    for (int64_t e = (int64_t)blockIdx.x * THREADS + threadIdx.x; e < n; e += (int64_t)gridDim.x * THREADS) {
        const int64_t i = t.alo + e / cols, j = t.blo + e % cols;
        const float raw = t.a.dense ? chain_dense(t, i, j) : chain_sparse(t, i, j);
        t.out[(i - t.alo) * t.stride + j - t.blo] = ps_svm_finish_cu(t.finish, raw, t.a.norm[i], t.b.norm[j]);
    }
}

void ps_svm_block_cu(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                     const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride)
{
    const struct job t = {ps_svm_finish_of(f, a->differences), *a, *b, alo, ahi, blo, bhi, out, stride};
    if (alo >= ahi || blo >= bhi) return;
    const int64_t blocks = ((ahi - alo) * (bhi - blo) + THREADS - 1) / THREADS;
    PS_LAUNCH(values, (unsigned)(blocks < 65536 ? blocks : 65536), THREADS, 0, t);
}
