/** Eigenvectors of a symmetric matrix that is spread over ranks, by ScaLAPACK. */
#ifndef PS_EIGEN_H
#define PS_EIGEN_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** A matrix [n][n] in square blocks, dealt out over a grid of ranks. All zero: nothing was opened. */
struct ps_eigen {
    MPI_Comm comm; /**< borrowed */
    MPI_Comm grid; /**< its first ranks, or MPI_COMM_NULL on the others; owned */
    bool open;
    int handle, context; /**< of BLACS */
    int n;
    int rows, cols, row, col;   /**< of the grid; own place */
    int64_t own_rows, own_cols; /**< of the matrix */
    double *a;                  /**< [own_cols][own_rows]: column-major; owned */
};

/** Whether this build has ScaLAPACK. Local. */
bool ps_eigen_available(void);

/** Collective over comm.
 * @param ranks of the grid, at most; 1: the result has the same bits on any number of ranks
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; PS_EUSAGE (n is larger than ScaLAPACK counts); PS_EBACKEND */
enum ps_status ps_eigen_open(MPI_Comm comm, int64_t n, int ranks, struct ps_eigen *out);
void ps_eigen_close(struct ps_eigen *e); /**< Collective over comm. */

/** Keep what is this rank's of rows [lo, hi). Of row i, columns from i on are read. Local.
 * @param rows [hi - lo][stride] */
void ps_eigen_put(struct ps_eigen *e, int64_t lo, int64_t hi, const double *rows, int64_t stride);

/** The k largest eigenvalues, in descending order, and their vectors of length 1; the matrix is destroyed.
 * The component of a vector that is largest in size, the first of equal ones, is positive. Collective over
 * comm.
 * @param value out [k] @param vector out [n][k], both on every rank
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; PS_EINPUT (no convergence) */
enum ps_status ps_eigen_largest(struct ps_eigen *e, int64_t k, double *value, double *vector);

#endif
