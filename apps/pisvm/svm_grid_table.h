/** What a grid search found, as a table for people and as a file. */
#ifndef SVM_GRID_TABLE_H
#define SVM_GRID_TABLE_H

#include "apps/pisvm/svm_grid.h"

/** All points of a grid, all done. */
struct svm_grid_table {
    const struct svm_grid *grid;
    const struct svm_worth *worth; /**< [ngamma][nc]; borrowed */
    bool regression;               /**< judged by mean squared error, else by accuracy */
};

/** Indices of C and gamma of the best point: highest accuracy or least error; among equal ones smallest C,
 * then smallest gamma. Local. */
void svm_grid_best(const struct svm_grid_table *t, int best[2]);

/** A line that sums up one gamma, on standard error. Local; rank 0 speaks. */
void svm_grid_tell(const struct ps_run *run, const struct svm_grid_table *t, int gamma);

/** The table and the best point, on standard output. Local; rank 0 speaks.
 * @return PS_OK; PS_ENOMEM. Not agreed */
enum ps_status svm_grid_print(const struct ps_run *run, const struct svm_grid_table *t, const int best[2]);

/** Write the points as CSV: gamma,c,accuracy,minutes or gamma,c,mse,correlation2,minutes. Collective over
 * comm.
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status svm_grid_write(MPI_Comm comm, const struct svm_grid_table *t);

#endif
