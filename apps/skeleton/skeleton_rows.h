/** The rows of a matrix, held by the ranks that own their grains. */
#ifndef SKELETON_ROWS_H
#define SKELETON_ROWS_H

#include <stdint.h>
#include "common/par/grain.h"
#include "kernels/status.h"

struct skeleton_rows {
    int64_t rows, cols;   /**< of the whole matrix; a 1-D data set is one column */
    struct ps_range mine; /**< rows of this rank: those of its grains */
    double *data;         /**< [mine.hi - mine.lo][cols]; owned */
};

/** Read a matrix and move each row to the rank that owns its grain. Collective over g->comm.
 * @param dataset name inside an HDF5 or netCDF file, "" = the only one
 * @return (agreed) PS_OK; PS_EIO, PS_EINPUT (as ps_shard_read); PS_ENOMEM */
enum ps_status skeleton_rows_read(const struct ps_grains *g, const char *path, const char *dataset,
                                  struct skeleton_rows *out);
void skeleton_rows_free(struct skeleton_rows *r);

#endif
