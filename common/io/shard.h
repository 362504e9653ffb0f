/** A matrix in a file, cut by rows over the ranks: one way in and out for every format.
 * Formats: HDF5 (.h5 .hdf5), netCDF by PnetCDF (.nc: CDF-1, 2, 5 in, CDF-5 out), NumPy (.npy), text (.csv
 * .txt .tsv ...: comma, semicolon or blank separated, optional header line, `#` comments; all values are
 * float64, one column is 1-D). Read only: NumPy's archives (.npz), MATLAB (.mat: a cube H x W x B is its H*W
 * pixels x B bands), IDX (also gzip-compressed), LIBSVM text as a dense matrix DATA with labels GT
 * (sparsefile.h writes it). Input is recognised by content first, by name second; output by name. Every rank
 * opens the file and reads the bytes of its rows, with its OpenMP threads. */
#ifndef PS_SHARD_H
#define PS_SHARD_H

#include <mpi.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"
#include "kernels/view.h"

/** Rows [mine.lo, mine.hi) of a matrix [rows][cols], row-major. cols = 0: the data set is 1-D with `rows`
 * elements. */
struct ps_shard {
    int64_t rows, cols;
    struct ps_range mine;
    enum ps_dtype type;
    void *data; /**< [mine.hi - mine.lo][max(cols,1)]; owned, free by ps_shard_free */
};

/** What a file holds, without its data. */
struct ps_shard_info {
    char format[16];
    char dataset[256];
    int64_t rows, cols;
    int64_t lines; /**< of pictures, where the file says that each row is one (IDX and NumPy arrays of three
                      dimensions): cols = lines x width; else 0 */
    enum ps_dtype type;
    int64_t file_bytes;
    char storage[64]; /**< "contiguous", "chunked 4096x3, shuffle, deflate", "big-endian" ... */
};

/** The name of the format of a file ("HDF5", "LIBSVM" ...), a constant. Collective over comm; rank 0 reads
 * its beginning. @return as ps_shard_info */
enum ps_status ps_shard_format(MPI_Comm comm, const char *path, const char **name);

/** The name of the format that a name's end stands for, a constant; "" if none. Local. */
const char *ps_shard_format_named(const char *path);

/** Look at a file. Collective over comm; rank 0 reads (of text each rank counts its part), all learn.
 * @param dataset name inside HDF5, netCDF, .npz files; "" = the only one, else an error lists what is there
 * @return PS_OK; PS_EIO (missing, directory, no permission); PS_EINPUT (unknown format, no such data set, not
 * numeric, not 1-D or 2-D, truncated); PS_EBACKEND (format not built in) */
enum ps_status ps_shard_info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out);

/** Read the rows that ps_block gives to each rank; no rank reads the whole file; 1-D and 2-D. Collective over
 * comm. Errors as ps_shard_info, and PS_ENOMEM. */
enum ps_status ps_shard_read(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out);

/** What a data set of a netCDF or HDF5 file says of itself under a name. */
struct ps_attribute {
    enum ps_attribute_kind { PS_ATTRIBUTE_NONE, PS_ATTRIBUTE_NUMBER, PS_ATTRIBUTE_TEXT } kind;
    double number;
    char text[256]; /**< what is longer is cut off */
};

/** Read an attribute, one number or text; lists and anything else count as none. Local.
 * @return PS_OK, with PS_ATTRIBUTE_NONE where the data set, or its format, has no such attribute; as
 * ps_shard_info */
enum ps_status ps_shard_attribute(const char *path, const char *dataset, const char *name,
                                  struct ps_attribute *out);

/** Write all ranks' rows (contiguous, in rank order) to a file. Collective over comm.
 * The file is written beside `path` and renamed when complete: on failure an existing file stays as it was.
 * In an HDF5 file other data sets are kept and one of the same name is replaced.
 * @param dataset name inside HDF5/netCDF files, "" = DATA; folders in an HDF5 name ("a/b") are created
 * @return PS_OK; PS_EIO (no permission, disk full, unknown name's end ...); PS_EBACKEND (format not built in)
 */
enum ps_status ps_shard_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s);

void ps_shard_free(struct ps_shard *s);

#endif
