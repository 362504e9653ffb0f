/** What data are scaled by: the range of each feature, found in data or kept in a range file of LIBSVM. */
#ifndef SVM_RANGE_H
#define SVM_RANGE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/io/sparsefile.h"

/** Bounds of one quantity before and after scaling. */
struct svm_bounds {
    double min, max, lower, upper;
};

/** The features that are scaled: those with min < max. Others are left out of scaled data. */
struct svm_range {
    double lower, upper; /**< of scaled features */
    bool labels;         /**< labels are scaled too */
    struct svm_bounds y; /**< of labels */
    int64_t n;           /**< features; arrays [n], owned */
    int32_t *index;      /**< from 0, ascending */
    double *min, *max;
};

/** A value within its bounds, as LIBSVM computes it. Local. */
static inline double svm_scaled(double value, const struct svm_bounds *b)
{
    if (value == b->min) return b->lower;
    if (value == b->max) return b->upper;
    return b->lower + (b->upper - b->lower) * (value - b->min) / (b->max - b->min);
}

/** Find the ranges of features, where entries that rows leave out count as 0, and of labels. Collective over
 * comm; sets all but lower, upper, labels, y.lower, y.upper.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_range_find(MPI_Comm comm, const struct ps_sparse *s, struct svm_range *r);

/** Parse a range file: `y`, `lower upper`, `min max` of labels where they are scaled, `x`, `lower upper`,
 * then `index min max` of each feature. Local. Sets y where the text has it, else leaves labels and y as they
 * are.
 * @param name of the file, for messages
 * @return PS_OK; PS_EINPUT with file and line; PS_ENOMEM */
enum ps_status svm_range_parse(const char *name, const char *text, int64_t n, struct svm_range *r);

/** Read a range file on one rank, give it to all. Collective over comm.
 * @return (agreed) as svm_range_parse; PS_EIO */
enum ps_status svm_range_read(MPI_Comm comm, const char *path, struct svm_range *r);

/** Write a range file. Collective over comm. @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status svm_range_write(MPI_Comm comm, const char *path, const struct svm_range *r);

void svm_range_free(struct svm_range *r);

#endif
