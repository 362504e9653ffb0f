/** A data set cut over the ranks, its classes, and rows by class and position wherever they are needed. */
#ifndef SVM_DATA_H
#define SVM_DATA_H

#include "common/io/sparsefile.h"
#include "kernels/svm/svm_kernels.h"

/** What labels are. */
enum svm_labels { SVM_CLASSES, SVM_VALUES };

/** Own rows, and what all ranks know of the classes. A row's position is its number among the rows of its
 * class in the order of the file, over all ranks. */
struct svm_data {
    struct ps_sparse x;
    int nclass;     /**< SVM_VALUES: 0 */
    int32_t *label; /**< [nclass] in the order of first appearance in the file; owned */
    int64_t *count; /**< [nclass] rows of all ranks; owned */
    int64_t
        *before; /**< [nclass] rows of each class on the ranks before: position of the first own one; owned */
    int32_t *class_of;  /**< [own rows]; NULL with SVM_VALUES; owned */
    int64_t *own_start; /**< [nclass + 1] where the own rows of a class start in own_row; owned */
    int64_t *own_row;   /**< [own rows] own rows, from 0, class after class, ascending; owned */
};

/** Read a data set. Collective over comm.
 * @return (agreed) as ps_sparse_read; PS_EINPUT too where SVM_CLASSES and a label is no integer of 32 bits,
 * with file and line */
enum ps_status svm_data_read(MPI_Comm comm, const char *path, enum svm_labels labels, struct svm_data *out);
void svm_data_free(struct svm_data *d);

/** Rows [lo, hi) by position in class `cls`; cls = -1: by number in the file. */
struct svm_want {
    int cls;
    int64_t lo, hi;
};

/** Rows that were fetched, in the order of the wants. All arrays owned. */
struct svm_rows {
    int64_t n, cols;
    int64_t *number; /**< [n] row of the file */
    double *label;   /**< [n] as read */
    int64_t *start;  /**< [n + 1] */
    int32_t *index;
    double *value;
};

/** Fetch rows from the ranks that read them. Collective over comm, which must hold the ranks of the reading
 * in their order; each rank may want others, or none.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_rows_fetch(MPI_Comm comm, const struct svm_data *d, const struct svm_want *want, int nwant,
                              struct svm_rows *out);
void svm_rows_free(struct svm_rows *r);

/** Views for kernels. Local. */
static inline struct ps_csr svm_rows_csr(const struct svm_rows *r)
{
    return (struct ps_csr){r->n, r->cols, r->start, r->index, r->value};
}
static inline struct ps_csr svm_data_csr(const struct svm_data *d)
{
    return (struct ps_csr){d->x.mine.hi - d->x.mine.lo, d->x.cols, d->x.start, d->x.index, d->x.value};
}

/** How all rows of a data set are packed: dense where asked for or where it costs less than compressed rows,
 * centred and by differences where the kernel function and the numbers need it. Collective over comm; equal
 * on all ranks, and dependent on the data and the function alone.
 * @param centre out: the means of all columns, which layout->centre points to, or NULL; the caller frees
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_layout_choose(MPI_Comm comm, const struct svm_data *d, const struct ps_svm_function *f,
                                 bool dense, struct ps_svm_layout *layout, double **centre);

#endif
