/* Chunks whose places are not known: the library finds one in logarithmic time when asked for its bytes. It
 * brings them as they are in the file, one after the other; batches of them are decoded in threads. */
#include "common/io/h5meta.h"

#ifdef PS_HAVE_HDF5
#    include <stdlib.h>
#    include "common/run/err.h"

enum { BATCH_CHUNKS = 4096, BATCH_BYTES = 64 << 20 };

/** Chunks as they are in the file. */
struct batch {
    struct ps_h5chunk chunks[BATCH_CHUNKS];
    unsigned char *bytes; /**< owned */
    int64_t used, size;
    int n;
};

/** Make room for n more bytes. */
static enum ps_status make_room(struct batch *b, int64_t n, const char *path)
{
    if (b->used + n <= b->size) return PS_OK;
    int64_t size = 2 * b->size > b->used + n ? 2 * b->size : b->used + n;
    unsigned char *larger = realloc(b->bytes, (size_t)size);
    PS_CHECK(larger, PS_ENOMEM, "%s: no memory for %lld bytes of chunks", path, (long long)size);
    b->bytes = larger;
    b->size = size;
    return PS_OK;
}

/** Add chunk number i to the batch. */
static enum ps_status bring(hid_t set, const struct ps_h5plan *p, int64_t i, struct batch *b,
                            const char *path)
{
    hsize_t where[2] = {(hsize_t)(i / p->chunks_across * p->chunk_rows),
                        (hsize_t)(i % p->chunks_across * p->chunk_cols)},
            bytes = 0;
    uint32_t skipped = 0;
    if (H5Dget_chunk_storage_size(set, where, &bytes) < 0 || bytes == 0)
        return ps_h5_fail(PS_EINPUT, path, "a chunk of the data set cannot be found");
    PS_CHECK((int64_t)bytes >= 0 && (int64_t)bytes <= p->file_bytes, PS_EINPUT,
             "%s: data set %s is damaged: a chunk is larger than the file", path, p->dataset);
    PS_TRY(make_room(b, (int64_t)bytes, path));
    if (H5Dread_chunk(set, H5P_DEFAULT, where, &skipped, b->bytes + b->used) < 0)
        return ps_h5_fail(PS_EINPUT, path, "a chunk of the data set cannot be read (truncated?)");
    b->chunks[b->n++] = (struct ps_h5chunk){b->used, (int64_t)bytes, skipped};
    b->used += (int64_t)bytes;
    return PS_OK;
}

static enum ps_status read_batches(hid_t set, const char *path, const struct ps_h5plan *p, struct batch *b,
                                   struct ps_shard *out)
{
    const struct ps_infile f = {.fd = -1, .path = path};
    struct ps_range own = ps_h5_own_chunks(p, out->mine);
    for (int64_t i = own.lo; i < own.hi;) {
        struct ps_range now = {i, i};
        b->n = 0;
        b->used = 0;
        for (; now.hi < own.hi && b->n < BATCH_CHUNKS && b->used < BATCH_BYTES; now.hi++)
            PS_TRY(bring(set, p, now.hi, b, path));
        PS_TRY(ps_h5_decode(&f, b->bytes, p, b->chunks, now, out));
        i = now.hi;
    }
    return PS_OK;
}

enum ps_status ps_h5_read_lookup(const char *path, const struct ps_h5plan *plan, struct ps_shard *out)
{
    struct batch *b = NULL;
    if (out->mine.hi == out->mine.lo) return PS_OK;
    ps_h5_quiet();
    hid_t fapl = ps_h5_access(), file = H5Fopen(path, H5F_ACC_RDONLY, fapl), set = -1;
    enum ps_status rc = ps_zalloc(&b, 1, sizeof *b, "a batch of chunks");
    if (file >= 0) set = H5Dopen2(file, plan->dataset, H5P_DEFAULT);
    if (rc == PS_OK)
        rc = set >= 0 ? read_batches(set, path, plan, b, out)
                      : ps_h5_fail(PS_EINPUT, path, "the data set cannot be opened");
    if (b) free(b->bytes);
    free(b);
    if (set >= 0) H5Dclose(set);
    if (file >= 0) H5Fclose(file);
    H5Pclose(fapl);
    return rc;
}
#endif
