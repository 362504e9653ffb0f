#include "kernels/svm/cu_block.h"

void ps_svm_block_cu(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                     const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride)
{
    struct ps_svm_job_cu job = {ps_svm_finish_of(f, a->differences),
                                *a,
                                *b,
                                ((const struct ps_svm_pack_cu *)b)->columns,
                                alo,
                                ahi,
                                blo,
                                bhi,
                                out,
                                stride,
                                a == b && alo == blo && ahi == bhi,
                                false};
    if (alo >= ahi || blo >= bhi) return;
    job.wide = (uintptr_t)out % 16 == 0 && stride % 4 == 0 && blo % 4 == 0;
    (a->dense ? ps_svm_dense_cu : ps_svm_sparse_cu)(&job);
}
