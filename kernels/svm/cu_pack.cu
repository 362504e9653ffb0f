#include "kernels/svm/cu_pack.h"
#include <stdlib.h>

enum ps_status ps_svm_pack_cu(const struct ps_csr *x, const int64_t *row, int64_t n,
                              const struct ps_svm_layout *layout, struct ps_svm_pack **out)
{
    const struct ps_svm_source s = {x, row, n, layout};
    struct ps_svm_pack_cu *p = (struct ps_svm_pack_cu *)calloc(1, sizeof *p);
    *out = NULL;
    if (!p) return PS_ENOMEM;
    p->rows.n = n;
    p->rows.cols = layout->cols;
    p->rows.dense = layout->dense;
    p->rows.differences = layout->dense && layout->differences;
    enum ps_status rc = (layout->dense ? ps_svm_fill_dense_cu : ps_svm_fill_sparse_cu)(&s, p);
    if (rc == PS_OK) rc = ps_cuda_status();
    if (rc != PS_OK) {
        ps_svm_unpack_cu(&p->rows);
        return rc;
    }
    *out = &p->rows;
    return PS_OK;
}

void ps_svm_unpack_cu(struct ps_svm_pack *p)
{
    if (!p) return;
    ps_svm_leave_cu(((struct ps_svm_pack_cu *)p)->memory);
    free(p);
}
