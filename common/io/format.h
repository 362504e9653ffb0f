/** What a file format offers to shard.c; one constant per format. */
#ifndef PS_FORMAT_H
#define PS_FORMAT_H

#include "common/io/shard.h"
#include <stdbool.h>

/** A format. The calls with comm are collective over it; all check everything they need and agree on errors;
 * NULL where the format's library is not built in. */
struct ps_format {
    const char *name;     /**< as ps_shard_info.format shows it */
    const char *suffixes; /**< " .a .b ", with a blank on both sides of each */
    const char *missing;  /**< NULL, or why the format cannot be served and what to do */
    bool (*match)(const unsigned char *head, int64_t n); /**< does the file begin like this format? Local. */
    enum ps_status (*info)(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out);
    enum ps_status (*read)(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out);
    enum ps_status (*write)(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s);
    /** Local; `out` comes as none. NULL: the format has no attributes. */
    enum ps_status (*attribute)(const char *path, const char *dataset, const char *name,
                                struct ps_attribute *out);
};

extern const struct ps_format ps_format_mat, ps_format_h5, ps_format_nc, ps_format_npy, ps_format_npz,
    ps_format_idx, ps_format_libsvm, ps_format_text;

enum { PS_FORMAT_HEAD = 4096 }; /**< bytes of the beginning that `match` sees, if the file has them */

/** Bytes of one row; a 1-D data set's rows have one element. Local. */
static inline int64_t ps_row_bytes(int64_t cols, enum ps_dtype type)
{
    return (cols ? cols : 1) * (int64_t)ps_dtype_size(type);
}

/** Set shape, type and own rows of a shard and allocate its data. Local.
 * @return PS_OK; PS_ENOMEM (also where the bytes do not fit 64 bits) */
enum ps_status ps_shard_alloc(MPI_Comm comm, int64_t rows, int64_t cols, enum ps_dtype type,
                              struct ps_shard *out);

#endif
