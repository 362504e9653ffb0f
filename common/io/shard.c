#include "common/io/shard.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/run/err.h"

/* the first that matches is taken: MATLAB 7.3 is HDF5 too, text is whatever looks printable */
static const struct ps_format *const formats[] = {&ps_format_mat,    &ps_format_h5,  &ps_format_nc,
                                                  &ps_format_npy,    &ps_format_npz, &ps_format_idx,
                                                  &ps_format_libsvm, &ps_format_text};
enum { NFORMATS = sizeof formats / sizeof *formats };

enum ps_status ps_shard_alloc(MPI_Comm comm, int64_t rows, int64_t cols, enum ps_dtype type,
                              struct ps_shard *out)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    *out = (struct ps_shard){.rows = rows, .cols = cols, .type = type, .mine = ps_block(rows, size, rank)};
    int64_t width = cols ? cols : 1, n = out->mine.hi - out->mine.lo, elements;
    PS_CHECK(!__builtin_mul_overflow(n, width, &elements), PS_ENOMEM,
             "a data set of %lld x %lld elements is too large", (long long)rows, (long long)width);
    return ps_alloc(&out->data, elements ? elements : 1, ps_dtype_size(type), "the rows of this rank");
}

void ps_shard_free(struct ps_shard *s)
{
    free(s->data);
    s->data = NULL;
}

/** The format that a name's end stands for; NULL if none. */
static const struct ps_format *by_name(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (!dot || (slash && dot < slash) || strlen(dot) > 16) return NULL;
    char word[32];
    int n = snprintf(word, sizeof word, " %s ", dot);
    for (int i = 0; i < n; i++) word[i] = (char)tolower((unsigned char)word[i]);
    for (int i = 0; i < NFORMATS; i++)
        if (strstr(formats[i]->suffixes, word)) return formats[i];
    return NULL;
}

static enum ps_status served(const struct ps_format *f, const char *path)
{
    PS_CHECK(!f->missing, PS_EBACKEND, "%s: %s files are not supported in this build: %s", path, f->name,
             f->missing);
    return PS_OK;
}

/** Rank 0: find the format by the first bytes, and explain what cannot be read. */
static enum ps_status recognise(const char *path, int *which)
{
    struct ps_infile f;
    unsigned char head[PS_FORMAT_HEAD];
    PS_TRY(ps_infile_open(path, &f));
    int64_t n = ps_pread_all(f.fd, head, sizeof head, 0);
    ps_infile_close(&f);
    PS_CHECK(n >= 0, PS_EIO, "%s: reading failed", path);
    PS_CHECK(n > 0, PS_EINPUT, "%s: the file is empty", path);
    for (*which = 0; *which < NFORMATS; ++*which)
        if (formats[*which]->match(head, n)) break;
    const struct ps_format *named = by_name(path), *found = *which < NFORMATS ? formats[*which] : NULL;
    PS_CHECK(found || n < 2 || head[0] != 0x1f || head[1] != 0x8b, PS_EINPUT,
             "%s: is compressed by gzip; unpack it first", path);
    PS_CHECK(found || !named, PS_EINPUT,
             "%s: is named like a %s file but does not begin like one (damaged or truncated?)", path,
             named->name);
    PS_CHECK(found, PS_EINPUT,
             "%s: is of no known format (HDF5, netCDF classic, NumPy .npy or .npz, MATLAB .mat, IDX, "
             "LIBSVM text, text)",
             path);
    PS_CHECK(found != &ps_format_text || !named || named == found, PS_EINPUT,
             "%s: is named like a %s file but holds text; name it .txt or .csv if it is a table", path,
             named->name);
    return served(found, path);
}

static enum ps_status find_format(MPI_Comm comm, const char *path, const struct ps_format **out)
{
    int rank, which = 0;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? recognise(path, &which) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(&which, 1, MPI_INT, 0, comm);
    *out = formats[which];
    return PS_OK;
}

enum ps_status ps_shard_format(MPI_Comm comm, const char *path, const char **name)
{
    const struct ps_format *format;
    *name = "";
    PS_TRY(find_format(comm, path, &format));
    *name = format->name;
    return PS_OK;
}

const char *ps_shard_format_named(const char *path)
{
    const struct ps_format *format = by_name(path);
    return format ? format->name : "";
}

enum ps_status ps_shard_info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    const struct ps_format *format;
    *out = (struct ps_shard_info){0};
    PS_TRY(find_format(comm, path, &format));
    snprintf(out->format, sizeof out->format, "%s", format->name);
    return format->info(comm, path, dataset, out);
}

enum ps_status ps_shard_read(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    const struct ps_format *format;
    *out = (struct ps_shard){0};
    PS_TRY(find_format(comm, path, &format));
    enum ps_status rc = format->read(comm, path, dataset, out);
    if (rc != PS_OK) ps_shard_free(out);
    return rc;
}

enum ps_status ps_shard_attribute(const char *path, const char *dataset, const char *name,
                                  struct ps_attribute *out)
{
    const struct ps_format *format;
    *out = (struct ps_attribute){.kind = PS_ATTRIBUTE_NONE};
    PS_TRY(find_format(MPI_COMM_SELF, path, &format));
    return format->attribute ? format->attribute(path, dataset, name, out) : PS_OK;
}

/** The ranks' rows must be the whole matrix in rank order; anything else would write holes. */
static enum ps_status check_rows(MPI_Comm comm, const struct ps_shard *s)
{
    int rank;
    int64_t n = s->mine.hi - s->mine.lo, before = 0, total = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Exscan(&n, &before, 1, MPI_INT64_T, MPI_SUM, comm);
    MPI_Allreduce(&n, &total, 1, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) before = 0;
    bool right = n >= 0 && total == s->rows && (n == 0 || before == s->mine.lo);
    return ps_agree(comm, right ? PS_OK
                                : ps_fail(PS_EINTERNAL,
                                          "rows %lld to %lld of %lld are not what the ranks before leave",
                                          (long long)s->mine.lo, (long long)s->mine.hi, (long long)s->rows));
}

enum ps_status ps_shard_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s)
{
    const struct ps_format *format = by_name(path);
    PS_CHECK(
        format, PS_EIO,
        "%s: the name's end says no format that can be written (.h5 .hdf5 .nc .npy .csv .tsv .txt .libsvm)",
        path);
    PS_TRY(served(format, path));
    PS_TRY(check_rows(comm, s));
    return format->write(comm, path, dataset, s);
}
