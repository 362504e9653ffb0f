/* NumPy's .npy files. The header is parsed in npyhead.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/io/npyhead.h"
#include "common/io/npyrows.h"
#include "common/io/outfile.h"
#include "common/run/err.h"

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 6 && !memcmp(head, "\x93NUMPY", 6);
}

/** Rank 0: read and check the header. */
static enum ps_status look(const char *path, struct ps_npy *out, int64_t *file_bytes)
{
    struct ps_infile f;
    enum ps_status rc;
    unsigned char *head = NULL;
    PS_TRY(ps_infile_open(path, &f));
    PS_TRY_DONE(ps_alloc(&head, PS_NPY_HEAD_MAX, 1, "the header of a .npy file"));
    int64_t n = ps_pread_all(f.fd, head, PS_NPY_HEAD_MAX, 0);
    PS_CHECK_DONE(n >= 0, PS_EIO, "%s: reading failed", path);
    const char *wrong = ps_npy_parse(head, n, out);
    PS_CHECK_DONE(!wrong, PS_EINPUT, "%s: %s", path, wrong);
    int64_t end = out->offset + out->rows * ps_row_bytes(out->cols, out->type);
    PS_CHECK_DONE(f.bytes >= end, PS_EINPUT,
                  "%s: truncated: its header promises %lld bytes, the file has %lld", path, (long long)end,
                  (long long)f.bytes);
    *file_bytes = f.bytes;
done:
    free(head);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status learn(MPI_Comm comm, const char *path, struct ps_npy *h, int64_t *file_bytes)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    *h = (struct ps_npy){0};
    enum ps_status rc = rank == 0 ? look(path, h, file_bytes) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(h, sizeof *h, MPI_BYTE, 0, comm);
    MPI_Bcast(file_bytes, 1, MPI_INT64_T, 0, comm);
    return PS_OK;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    (void)dataset; /* a .npy file holds one data set without a name */
    struct ps_npy h;
    PS_TRY(learn(comm, path, &h, &out->file_bytes));
    out->rows = h.rows;
    out->cols = h.cols;
    out->lines = h.lines;
    out->type = h.type;
    snprintf(out->storage, sizeof out->storage, "%s%s", h.fortran ? "column-major" : "contiguous",
             h.swap ? ", bytes swapped" : "");
    return PS_OK;
}

static enum ps_status read_rows(const char *path, const struct ps_npy *h, struct ps_shard *out)
{
    struct ps_infile f;
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc = ps_npy_read_rows(&f, h, out);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    (void)dataset;
    struct ps_npy h;
    int64_t bytes = 0;
    PS_TRY(learn(comm, path, &h, &bytes));
    enum ps_status rc = ps_shard_alloc(comm, h.rows, h.cols, h.type, out);
    if (rc == PS_OK) rc = read_rows(path, &h, out);
    return ps_agree(comm, rc);
}

static enum ps_status write_shard(MPI_Comm comm, const char *path, const char *dataset,
                                  const struct ps_shard *s)
{
    (void)dataset;
    struct ps_outfile f;
    char head[256];
    int64_t row = ps_row_bytes(s->cols, s->type), bytes = ps_npy_header(s->rows, s->cols, s->type, head);
    PS_TRY(ps_outfile_open(comm, path, false, &f));
    enum ps_status rc = f.rank == 0 ? ps_outfile_write(&f, head, bytes, 0) : PS_OK;
    if (rc == PS_OK)
        rc = ps_outfile_write(&f, s->data, (s->mine.hi - s->mine.lo) * row, bytes + s->mine.lo * row);
    return ps_outfile_close(&f, rc);
}

const struct ps_format ps_format_npy = {.name = "npy",
                                        .suffixes = " .npy ",
                                        .match = match,
                                        .info = info,
                                        .read = read_shard,
                                        .write = write_shard};
