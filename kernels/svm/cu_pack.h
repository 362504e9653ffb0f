/** Packed rows on the device. */
#ifndef PS_SVM_CU_PACK_H
#define PS_SVM_CU_PACK_H

#include "kernels/svm/cu.h"
#include "kernels/svm/pack.h"

/** The entries of compressed rows by the columns of a panel of 32 rows. */
struct ps_svm_columns_cu {
    int64_t *first;  /**< [panels + 1] where a panel's columns start */
    int32_t *column; /**< columns of panels that are not empty, ascending */
    int32_t *entry;  /**< where a column's entries start, from the first of the panel's rows */
    int32_t *cell;   /**< [entries] 32 times the number of the column in its panel, and the row in it */
    float *value;    /**< [entries] */
};

/** As on the host, with arrays on the device. */
struct ps_svm_pack_cu {
    struct ps_svm_pack rows;          /**< the first: what callers see */
    struct ps_svm_columns_cu columns; /**< not dense */
    char *memory;                     /**< that holds all arrays */
};

/** Rows to be packed. */
struct ps_svm_source {
    const struct ps_csr *x;
    const int64_t *row;
    int64_t n;
    const struct ps_svm_layout *layout;
};

static inline int64_t ps_svm_first_entry(const struct ps_svm_source *s, int64_t i)
{
    return s->x->start[s->row ? s->row[i] : i];
}

/** Entries of row i in columns that are packed. */
static inline int64_t ps_svm_entries(const struct ps_svm_source *s, int64_t i)
{
    const int64_t lo = ps_svm_first_entry(s, i);
    int64_t hi = s->x->start[(s->row ? s->row[i] : i) + 1];
    while (hi > lo && s->x->index[hi - 1] >= s->layout->cols) hi--;
    return hi - lo;
}

static inline int64_t ps_svm_round_up(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/** Take memory for the dense panels and norms of p->rows. @return PS_OK; PS_ENOMEM */
enum ps_status ps_svm_room_dense_cu(struct ps_svm_pack_cu *p);

/** Take memory, and fill it. @return PS_OK; PS_ENOMEM; failures of the device are kept besides */
enum ps_status ps_svm_fill_dense_cu(const struct ps_svm_source *s, struct ps_svm_pack_cu *p);
enum ps_status ps_svm_fill_sparse_cu(const struct ps_svm_source *s, struct ps_svm_pack_cu *p);

#endif
