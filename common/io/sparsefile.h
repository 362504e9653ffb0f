/** Sparse labelled rows in the text form of svmlight and LIBSVM, `label index:value ...`, read and written in
 * parallel by byte ranges. Indices count from 1 and ascend; items are separated by blanks or tabs; lines end
 * in LF or CR LF, the last one in nothing; blank lines and all from a `#` on are passed over. */
#ifndef PS_SPARSEFILE_H
#define PS_SPARSEFILE_H

#include <mpi.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"

/** The rows of a file that this rank read: those whose lines begin in its part of the bytes. */
struct ps_sparse {
    int64_t rows;         /**< of the whole file */
    int64_t cols;         /**< largest index of the whole file */
    struct ps_range mine; /**< own rows; ranks follow each other in order */
    double *label;        /**< [own rows]; owned */
    int64_t *start;       /**< [own rows + 1] first entry of each row; owned */
    int32_t *index;       /**< [start[own rows]] columns from 0, ascending within a row; owned */
    double *value;        /**< [start[own rows]] as read, zeros too; owned */
    int64_t first_line;   /**< number, from 1, of the first line of this rank's bytes */
    int64_t first_byte;   /**< where that line begins in the file */
};

/** Read a file; no rank reads the whole of it, each parses with its OpenMP threads. Collective over comm.
 * @return (agreed) PS_OK; PS_EIO (missing, directory, no permission); PS_EINPUT naming file and line: label
 * missing, index 0, above 2^31 - 1 or not ascending, NaN, infinity or a number too large for a double,
 * anything that is no number, no rows at all; PS_ENOMEM */
enum ps_status ps_sparse_read(MPI_Comm comm, const char *path, struct ps_sparse *out);

/** Write all ranks' rows in rank order, labels and values in the shortest form that reads back the same,
 * zeros left out. Collective over comm. Written beside `path` and renamed. @return (agreed) PS_OK; PS_EIO;
 * PS_ENOMEM */
enum ps_status ps_sparse_write(MPI_Comm comm, const char *path, const struct ps_sparse *s);

/** Line of an own row, for messages: reads the file once more up to it. Local.
 * @return its number, from 1; 0 where the file cannot be read any more */
int64_t ps_sparse_line(const char *path, const struct ps_sparse *s, int64_t own_row);

void ps_sparse_free(struct ps_sparse *s);

#endif
