/** What is known of an HDF5 data set, and how its bytes can be had without the library. Shared by the h5*.c
 * files. */
#ifndef PS_H5META_H
#define PS_H5META_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/io/infile.h"
#include "common/io/shard.h"

enum ps_h5way {
    PS_H5_CONTIGUOUS, /**< one run of bytes at a known offset */
    PS_H5_CHUNKED,    /**< chunks at known places, at most shuffled and deflated */
    PS_H5_LOOKUP,     /**< such chunks, too many to learn all places at once */
    PS_H5_LIBRARY     /**< anything else: H5Dread */
};

/** Broadcast as bytes. */
struct ps_h5plan {
    enum ps_h5way way;
    enum ps_dtype type;
    int64_t rows, cols; /**< cols = 0: 1-D */
    bool swap;          /**< stored in the other byte order */
    int64_t offset;     /**< contiguous: where the data begins */
    int64_t chunk_rows, chunk_cols;
    int64_t chunks_down, chunks_across; /**< chunked: shape of the grid of chunks */
    int shuffle, deflate;               /**< place of the filter in the pipeline, -1 = not used */
    int64_t file_bytes;
    char dataset[256];
    char storage[64];
};

/** Where a chunk lies in the file. */
struct ps_h5chunk {
    int64_t at, bytes;
    uint32_t skipped; /**< bit i: filter i was not applied */
};

/** Look at a data set with the serial library. Local; rank 0 calls it.
 * @param chunks out [chunks_down][chunks_across] for PS_H5_CHUNKED, else NULL; the caller frees it; may be a
 * NULL pointer if not wanted, then places of chunks are not looked up
 * @return PS_OK; PS_EIO; PS_EINPUT; PS_ENOMEM */
enum ps_status ps_h5_look(const char *path, const char *dataset, struct ps_h5plan *plan,
                          struct ps_h5chunk **chunks);

/** Read own rows with the library. Local. Errors as above. */
enum ps_status ps_h5_read_library(const char *path, const struct ps_h5plan *plan, struct ps_shard *out);

/** Read own rows of a chunked data set whose chunks' places are not known: the library brings the bytes of
 * one after the other, which are decoded in threads. Local. Errors as above. */
enum ps_status ps_h5_read_lookup(const char *path, const struct ps_h5plan *plan, struct ps_shard *out);

/** Numbers, row by row of the grid, of the chunks that have rows of `mine`. Local. */
struct ps_range ps_h5_own_chunks(const struct ps_h5plan *plan, struct ps_range mine);

/** Decode chunks into own rows, in OpenMP threads; no HDF5 call inside. Local.
 * @param f       the file, also for messages
 * @param memory  NULL: chunks lie at chunk.at in the file; else there in this memory; borrowed
 * @param chunks  [numbers.hi - numbers.lo]; borrowed
 * @return PS_OK; PS_EINPUT (damaged or truncated); PS_EIO; PS_ENOMEM */
enum ps_status ps_h5_decode(const struct ps_infile *f, const unsigned char *memory,
                            const struct ps_h5plan *plan, const struct ps_h5chunk *chunks,
                            struct ps_range numbers, struct ps_shard *out);

/** See ps_shard_attribute. Local. */
enum ps_status ps_h5_attribute(const char *path, const char *dataset, const char *name,
                               struct ps_attribute *out);

/** Is there a decoder for deflate in this build? Local. */
bool ps_h5_can_inflate(void);

#ifdef PS_HAVE_HDF5
#    include <hdf5.h>

/** Keep the message of the HDF5 call that just failed, with the library's own deepest reason, and return its
 * code. Local.
 * @param what "cannot be opened as HDF5" ... */
enum ps_status ps_h5_fail(enum ps_status code, const char *path, const char *what);

/** File access properties for the plain serial driver, without locks (several file systems on clusters have
 * none). Local; close it. */
hid_t ps_h5_access(void);

/** Stop the library from printing its own errors. Local. */
void ps_h5_quiet(void);

/** HDF5's name of our type in memory. Local. */
hid_t ps_h5_native(enum ps_dtype type);
#endif

#endif
