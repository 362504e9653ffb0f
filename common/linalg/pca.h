/** Principal components of the rows of a matrix (Pearson 1901; Hotelling 1933): the affine subspace with the
 * least mean squared distance from the rows. */
#ifndef PS_PCA_H
#define PS_PCA_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** Rows, wherever they are: a rank asks for those of its grains, several times. */
struct ps_pca_rows {
    int64_t rows, cols;
    const void *context; /**< borrowed */
    /** Write row i, finite. Local; several threads call it at once. @param x out [cols] */
    void (*row)(const void *context, int64_t i, float *x);
};

/** What was found. All zero: nothing was. */
struct ps_pca {
    int64_t cols, code;
    double *mean;      /**< [cols]; owned */
    double *component; /**< [cols][code]: each column of length 1, its largest element positive; owned */
    double *variance;  /**< [code] of the rows along the components, descending; owned */
    double total;      /**< variance of the rows in all directions */
};

/** Whether this build can: it needs ScaLAPACK. Local. */
bool ps_pca_available(void);

/** Find the `code` directions of largest variance. Collective over comm; every rank holds the result.
 * Sums go over a fixed number of grains, so that the same bits come on any number of ranks and threads, up to
 * 2048 columns: the eigenvectors of more are found by all ranks together, whose number then shows in the last
 * digits.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; PS_EUSAGE (too many columns, or components); PS_EINPUT;
 * PS_EBACKEND */
enum ps_status ps_pca_fit(MPI_Comm comm, const struct ps_pca_rows *x, int64_t code, struct ps_pca *out);
void ps_pca_free(struct ps_pca *p); /**< Local. */

/** Coordinates of a row in the subspace, and the row of given coordinates. Local.
 * @param x [cols] @param code [code] */
void ps_pca_encode(const struct ps_pca *p, const float *x, double *code);
void ps_pca_decode(const struct ps_pca *p, const double *code, float *x);

#endif
