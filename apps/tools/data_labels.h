/** Labels of rows: from a ground truth, a list, or LIBSVM text; classes and their sizes; labelled output. */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include "common/io/shard.h"
#include "common/io/sparsefile.h"
#include "common/run/param.h"

enum { DATA_MAX_CLASSES = 65536 };

/** Where labels stand, as options of the programs say. */
struct data_label_source {
    const char *input;      /**< file of the rows */
    const char *labels;     /**< file of the labels; "" = the input */
    const char *dataset;    /**< name of the labels in their file; "" = GT in the input, else the only one */
    const char *unlabelled; /**< auto | zero | none: does 0 mean that a row has no label */
};

/** Labels of own rows. */
struct data_labels {
    double *of; /**< [own rows]; owned */
    int64_t
        *pixel; /**< [own rows] number of the row's pixel in the map, row-major; NULL without a map; owned */
    int64_t width;     /**< columns of the map; 0 = the labels are a list */
    bool zero_is_none; /**< rows with label 0 have none */
};

/** Read the label of every row. A ground truth H x W labels H*W rows in row-major order; if there are as many
 * rows as it has labelled (non-zero) pixels, the rows are those. With `auto`, 0 in a ground truth means
 * unlabelled, 0 in a list is a class. Collective over comm.
 * @param rows of the whole; mine: own rows, in rank order
 * @return (agreed) as ps_shard_read; PS_EINPUT (another number of labels than of rows, a label that is not
 * finite) */
enum ps_status data_labels_read(MPI_Comm comm, const struct data_label_source *from, int64_t rows,
                                struct ps_range mine, struct data_labels *out);
void data_labels_free(struct data_labels *l);

/** The classes that occur. */
struct data_classes {
    int n;
    double *label;  /**< [n] ascending; owned */
    int64_t *count; /**< [n] rows of all ranks; owned */
};

/** Find the classes among own rows of all ranks. Collective over comm.
 * @return (agreed) PS_OK; PS_EINPUT (more than DATA_MAX_CLASSES labels); PS_ENOMEM */
enum ps_status data_classes_find(MPI_Comm comm, const struct data_labels *l, int64_t n,
                                 struct data_classes *out);
void data_classes_free(struct data_classes *c);

/** The number of a label among the classes; -1 where the row has none. Local. */
int data_class_of(const struct data_classes *c, const struct data_labels *l, double label);

/** Write rows with their labels: LIBSVM text, or the matrix and its labels as a list GT: in an HDF5 file
 * beside the matrix, else in a file of its own (data_labels_path). Collective over comm.
 * @param x     own rows
 * @param label [own rows]
 * @param keep  [own rows] 1 = write the row; NULL = all
 * @param rows  out: rows written, of all ranks
 * @return (agreed) as ps_shard_write, ps_sparse_write; PS_EINPUT (LIBSVM text and a value that is not finite)
 */
enum ps_status data_write_labelled(MPI_Comm comm, const char *path, const char *dataset,
                                   const struct ps_shard *x, const double *label, const uint8_t *keep,
                                   int64_t *rows);

/** Write some of the rows of LIBSVM text. Collective over comm.
 * @param label [own rows]; keep [own rows] 1 = write the row
 * @return (agreed) as ps_sparse_write */
enum ps_status data_write_sparse(MPI_Comm comm, const char *path, const struct ps_sparse *s,
                                 const double *label, const uint8_t *keep);

/** Where the labels of an output go: `path` itself for HDF5 and LIBSVM text, else "NAME-labels.END". Local.
 * @return PS_OK; PS_EUSAGE (the name is too long) */
enum ps_status data_labels_path(const char *path, ps_str out);

#endif
