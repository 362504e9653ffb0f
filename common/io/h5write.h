/** Writing a data set into an HDF5 file. */
#ifndef PS_H5WRITE_H
#define PS_H5WRITE_H

#include "common/io/shard.h"

/** Write a contiguous data set; see ps_shard_write. Collective over comm. */
enum ps_status ps_h5_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s);

#endif
