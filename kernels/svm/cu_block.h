/** Blocks of kernel values on the device: what their two forms share. */
#ifndef PS_SVM_CU_BLOCK_H
#define PS_SVM_CU_BLOCK_H

#include "kernels/svm/cu_finish.h"
#include "kernels/svm/cu_pack.h"

struct ps_svm_job_cu {
    struct ps_svm_finish finish;
    struct ps_svm_pack a, b;
    struct ps_svm_columns_cu columns; /**< of b */
    int64_t alo, ahi, blo, bhi;
    float *out;
    int64_t stride;
    bool mirror; /**< both sides are the same rows: values above the diagonal are those below */
    bool wide;   /**< four values at a multiple of four of b's rows are at a multiple of 16 bytes */
};

void ps_svm_dense_cu(const struct ps_svm_job_cu *job);
void ps_svm_sparse_cu(const struct ps_svm_job_cu *job);

/** Four values of row i, from column j on, of which those of the block are stored that are before column hi.
 */
__device__ static inline void ps_svm_store_cu(const struct ps_svm_job_cu &t, int64_t i, int64_t j, int64_t hi,
                                              float4 v)
{
    float *out = t.out + (i - t.alo) * t.stride + (j - t.blo);
    const float one[4] = {v.x, v.y, v.z, v.w};
    if (i < t.alo || i >= t.ahi) return;
    if (t.wide && j >= t.blo && j + 4 <= hi) {
        *(float4 *)out = v;
        return;
    }
    PS_UNROLL_ALL
    for (int c = 0; c < 4; c++)
        if (j + c >= t.blo && j + c < hi) out[c] = one[c];
}

#endif
