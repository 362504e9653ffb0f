/* HDF5 files: the format's entry, and reading. Writing is in h5write.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/h5meta.h"
#include "common/io/h5write.h"
#include "common/run/err.h"

/** The signature stands at 0, or at 512, 1024, 2048 ... behind a user block. */
static bool match(const unsigned char *head, int64_t n)
{
    for (int64_t at = 0; at + 8 <= n; at = at ? 2 * at : 512)
        if (!memcmp(head + at, "\x89HDF\r\n\x1a\n", 8)) return true;
    return false;
}

#ifdef PS_HAVE_HDF5
enum ps_status ps_h5_read_library(const char *path, const struct ps_h5plan *plan, struct ps_shard *out)
{
    if (out->mine.hi == out->mine.lo) return PS_OK;
    enum ps_status rc = PS_OK;
    hsize_t start[2] = {(hsize_t)out->mine.lo, 0};
    hsize_t count[2] = {(hsize_t)(out->mine.hi - out->mine.lo), (hsize_t)plan->cols};
    ps_h5_quiet();
    hid_t fapl = ps_h5_access(), file = H5Fopen(path, H5F_ACC_RDONLY, fapl), set = -1, space = -1,
          memory = -1;
    if (file >= 0) set = H5Dopen2(file, plan->dataset, H5P_DEFAULT);
    if (set >= 0) {
        space = H5Dget_space(set);
        memory = H5Screate_simple(plan->cols ? 2 : 1, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    }
    if (set < 0 || H5Dread(set, ps_h5_native(plan->type), memory, space, H5P_DEFAULT, out->data) < 0)
        rc = ps_h5_fail(PS_EINPUT, path, "the data set cannot be read");
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    if (set >= 0) H5Dclose(set);
    if (file >= 0) H5Fclose(file);
    H5Pclose(fapl);
    return rc;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    int rank;
    struct ps_h5plan plan = {0};
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? ps_h5_look(path, dataset, &plan, NULL) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(&plan, sizeof plan, MPI_BYTE, 0, comm);
    out->rows = plan.rows;
    out->cols = plan.cols;
    out->type = plan.type;
    out->file_bytes = plan.file_bytes;
    memcpy(out->dataset, plan.dataset, sizeof out->dataset);
    memcpy(out->storage, plan.storage, sizeof out->storage);
    return PS_OK;
}

/** Read own rows, the way being known. Local. */
static enum ps_status read_mine(const char *path, const struct ps_h5plan *plan,
                                const struct ps_h5chunk *chunks, struct ps_shard *out)
{
    struct ps_infile f;
    int64_t row = ps_row_bytes(plan->cols, plan->type), n = out->mine.hi - out->mine.lo;
    if (plan->way == PS_H5_LIBRARY) return ps_h5_read_library(path, plan, out);
    if (plan->way == PS_H5_LOOKUP) return ps_h5_read_lookup(path, plan, out);
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc;
    if (plan->way == PS_H5_CHUNKED) {
        struct ps_range own = ps_h5_own_chunks(plan, out->mine);
        rc = ps_h5_decode(&f, NULL, plan, chunks + own.lo, own, out);
    } else {
        rc = ps_infile_read(&f, out->data, n * row, plan->offset + out->mine.lo * row);
        if (rc == PS_OK && plan->swap)
            ps_swap_bytes(out->data, n * (plan->cols ? plan->cols : 1), ps_dtype_size(plan->type));
    }
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    int rank;
    struct ps_h5plan plan = {0};
    struct ps_h5chunk *chunks = NULL;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? ps_h5_look(path, dataset, &plan, &chunks) : PS_OK;
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Bcast(&plan, sizeof plan, MPI_BYTE, 0, comm);
    rc = ps_shard_alloc(comm, plan.rows, plan.cols, plan.type, out);
    int64_t n = plan.way == PS_H5_CHUNKED ? plan.chunks_down * plan.chunks_across : 0;
    if (rc == PS_OK && n && rank != 0) rc = ps_alloc(&chunks, n, sizeof *chunks, "the places of chunks");
    PS_TRY_DONE(ps_agree(comm, rc));
    if (n)
        MPI_Bcast(chunks, (int)(n * (int64_t)sizeof *chunks), MPI_BYTE, 0,
                  comm); /* < 2 GiB: see MAX_PLACES */
    rc = ps_agree(comm, read_mine(path, &plan, chunks, out));
done:
    free(chunks);
    return rc;
}
#endif

const struct ps_format ps_format_h5 = {
    .name = "HDF5",
    .suffixes = " .h5 .hdf5 .he5 .hdf ",
    .match = match,
#ifdef PS_HAVE_HDF5
    .info = info,
    .read = read_shard,
    .write = ps_h5_write,
    .attribute = ps_h5_attribute,
#else
    .missing = "install parallel HDF5 (Debian: libhdf5-openmpi-dev) and build again",
#endif
};
