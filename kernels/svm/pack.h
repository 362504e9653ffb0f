/** Packed rows, as blocks see them. */
#ifndef PS_SVM_PACK_H
#define PS_SVM_PACK_H

#include <stddef.h>
#include "kernels/svm/svm_kernels.h"

enum {
    PS_SVM_PANEL = 32, /* rows of a panel */
    PS_SVM_SPARE = 64  /* zeros behind the norms: vectors may be loaded from any row on */
};

struct ps_svm_pack {
    int64_t n, cols;
    bool dense, differences;
    float *panel; /**< dense: [panels][cols][32] */
    float *norm;  /**< [n + PS_SVM_SPARE] |u|^2, the chain of a row's product with itself */
    /** not dense: compressed rows, [n + 1] and [start[n]] */
    int64_t *start;
    int32_t *index;
    float *value;
    int64_t most; /**< entries of the fullest panel's rows */
};

/** `pack` and `unpack` of the tables. */
enum ps_status ps_svm_pack_rows(const struct ps_csr *x, const int64_t *row, int64_t n,
                                const struct ps_svm_layout *layout, struct ps_svm_pack **out);
void ps_svm_unpack(struct ps_svm_pack *p);

/** Memory for `count` elements, aligned to 64 bytes, in huge pages where large; NULL if there is none. */
void *ps_svm_alloc(int64_t count, size_t size);

static inline int64_t ps_svm_panels(const struct ps_svm_pack *p)
{
    return (p->n + PS_SVM_PANEL - 1) / PS_SVM_PANEL;
}

/** [cols][32] */
static inline const float *ps_svm_panel(const struct ps_svm_pack *p, int64_t panel)
{
    return p->panel + panel * p->cols * PS_SVM_PANEL;
}

#endif
