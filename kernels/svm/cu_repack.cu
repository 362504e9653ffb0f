/* Dense panels of some rows of others: what is read, 32 bytes of memory for each value, is what bounds it. */
#include <stdlib.h>
#include <string.h>
#include "kernels/svm/cu_pack.h"

enum { THREADS = 256, WARP = PS_SVM_PANEL };

/* A block makes a panel, a warp a column of it at a time. */
static __global__ void __launch_bounds__(THREADS)
    choose(struct ps_svm_pack from, const int64_t *row, int64_t n, float *panels, float *norm)
{
    const int lane = (int)threadIdx.x % WARP;
    const int64_t i = (int64_t)blockIdx.x * PS_SVM_PANEL + lane, at = i < n ? row[i] : -1;
    const float *const panel = from.panel + at / PS_SVM_PANEL * from.cols * PS_SVM_PANEL + at % PS_SVM_PANEL;
    float *const to = panels + (int64_t)blockIdx.x * from.cols * PS_SVM_PANEL + lane;
    PS_UNROLL(4)
    for (int64_t k = threadIdx.x / WARP; k < from.cols; k += THREADS / WARP)
        to[k * PS_SVM_PANEL] = at >= 0 ? panel[k * PS_SVM_PANEL] : 0;
    if (at >= 0 && (int)threadIdx.x < WARP) norm[i] = from.norm[at];
}

enum ps_status ps_svm_repack_cu(const struct ps_svm_pack *from, const int64_t *row, int64_t n,
                                struct ps_svm_pack **out)
{
    const int64_t bytes = n * (int64_t)sizeof *row;
    struct ps_svm_pack_cu *p = (struct ps_svm_pack_cu *)calloc(1, sizeof *p);
    *out = NULL;
    if (!p) return PS_ENOMEM;
    p->rows = *from;
    p->rows.n = n;
    enum ps_status rc = ps_svm_room_dense_cu(p);
    struct ps_svm_stage *stage = rc == PS_OK ? ps_svm_stage_cu(bytes) : NULL;
    if (stage) {
        if (n > 0) memcpy(stage->here, row, (size_t)bytes);
        ps_svm_stage_send_cu(stage, bytes);
        PS_LAUNCH(choose, (unsigned)ps_svm_panels(&p->rows), THREADS, 0, *from, (const int64_t *)stage->there,
                  n, p->rows.panel, p->rows.norm);
        ps_svm_stage_done_cu(stage);
    }
    if (rc == PS_OK) rc = ps_cuda_status();
    if (rc == PS_OK)
        *out = &p->rows;
    else
        ps_svm_unpack_cu(&p->rows);
    return rc;
}
