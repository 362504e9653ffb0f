/* NumPy's .npz files: zip archives whose members are .npy files, stored (numpy.savez) or deflated
 * (numpy.savez_compressed). Of a stored array every rank reads its own rows, and a part of the bytes for the
 * checksum; a deflated one can be read from its beginning only: a rank unpacks all that stands before its
 * last row, and the last rank checks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/npyrows.h"
#include "common/io/zipread.h"
#include "common/run/err.h"

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 22 && (!memcmp(head, "PK\3\4", 4) || !memcmp(head, "PK\5\6", 4));
}

#ifdef PS_HAVE_ZLIB
enum { LABEL = 4096 };

/** An array in an archive. */
struct array {
    struct ps_zip_member member; /* its name without .npy */
    struct ps_npy npy;
    int64_t data_at, file_bytes;
};

/** PATH(NAME), as messages have it. */
static void name_it(const char *path, const struct array *a, char label[LABEL])
{
    snprintf(label, LABEL, "%s(%s)", path, a->member.name);
}

/** Find an array by its name, with or without .npy. @param dir [n] */
static enum ps_status choose(const char *path, const unsigned char *dir, int64_t n, const char *dataset,
                             struct array *a)
{
    char names[1024] = "";
    int arrays = 0, fitting = 0;
    for (int64_t at = 0; at < n;) {
        struct ps_zip_member m;
        const char *wrong = ps_zip_next(dir, n, a->file_bytes, &at, &m);
        PS_CHECK(!wrong, PS_EINPUT, "%s: %s", path, wrong);
        const size_t length = strlen(m.name), used = strlen(names);
        if (length < 4 || strcmp(m.name + length - 4, ".npy")) continue;
        bool fits = !dataset[0] || !strcmp(m.name, dataset);
        m.name[length - 4] = '\0';
        fits = fits || !strcmp(m.name, dataset);
        snprintf(names + used, sizeof names - used, "%s%s", arrays++ ? ", " : "", m.name);
        if (!fits) continue;
        fitting++;
        a->member = m;
    }
    PS_CHECK(arrays, PS_EINPUT, "%s: holds no array; is it an archive that numpy.savez wrote?", path);
    PS_CHECK(fitting, PS_EINPUT, "%s: has no array '%s'; it holds: %s", path, dataset, names);
    PS_CHECK(fitting == 1 || dataset[0], PS_EINPUT, "%s: holds several arrays, name one of: %s", path, names);
    return PS_OK;
}

/** The header of the array. @param head [PS_NPY_HEAD_MAX] */
static enum ps_status read_header(const struct ps_infile *f, const char *label, struct array *a,
                                  unsigned char *head)
{
    struct ps_zip_stream *s;
    const int64_t n = a->member.bytes < PS_NPY_HEAD_MAX ? a->member.bytes : PS_NPY_HEAD_MAX;
    PS_TRY(ps_zip_locate(f, label, &a->member, &a->data_at));
    PS_TRY(ps_zip_begin(f, label, &a->member, a->data_at, &s));
    enum ps_status rc = ps_zip_take(s, head, n);
    ps_zip_end(s);
    PS_TRY(rc);
    const char *wrong = ps_npy_parse(head, n, &a->npy);
    PS_CHECK(!wrong, PS_EINPUT, "%s: %s", label, wrong);
    const int64_t end = a->npy.offset + a->npy.rows * ps_row_bytes(a->npy.cols, a->npy.type);
    PS_CHECK(a->member.bytes >= end, PS_EINPUT,
             "%s: truncated: its header promises %lld bytes, the archive has %lld", label, (long long)end,
             (long long)a->member.bytes);
    return PS_OK;
}

/** Rank 0: find the array and read its header. */
static enum ps_status look(const char *path, const char *dataset, struct array *a)
{
    struct ps_infile f;
    char label[LABEL];
    unsigned char *dir = NULL, *head = NULL;
    int64_t n;
    enum ps_status rc;
    PS_TRY(ps_infile_open(path, &f));
    a->file_bytes = f.bytes;
    PS_TRY_DONE(ps_zip_directory(&f, &dir, &n));
    PS_TRY_DONE(choose(path, dir, n, dataset, a));
    PS_TRY_DONE(ps_alloc(&head, PS_NPY_HEAD_MAX, 1, "the header of an array"));
    name_it(path, a, label);
    rc = read_header(&f, label, a, head);
done:
    free(head);
    free(dir);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status learn(MPI_Comm comm, const char *path, const char *dataset, struct array *a)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    memset(a, 0, sizeof *a);
    PS_TRY(ps_agree(comm, rank == 0 ? look(path, dataset, a) : PS_OK));
    MPI_Bcast(a, sizeof *a, MPI_BYTE, 0, comm);
    return PS_OK;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    struct array a;
    PS_TRY(learn(comm, path, dataset, &a));
    out->rows = a.npy.rows;
    out->cols = a.npy.cols;
    out->lines = a.npy.lines;
    out->type = a.npy.type;
    out->file_bytes = a.file_bytes;
    snprintf(out->dataset, sizeof out->dataset, "%s", a.member.name);
    snprintf(out->storage, sizeof out->storage, "%s%s%s", a.npy.fortran ? "column-major" : "contiguous",
             a.npy.swap ? ", bytes swapped" : "", a.member.method ? ", deflate" : "");
    return PS_OK;
}

/** Join the checksums of the ranks' parts of the bytes. Collective; agreed. */
static enum ps_status check_parts(MPI_Comm comm, const char *label, const struct array *a, uint32_t mine)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    uint32_t *crc = NULL, all = 0;
    PS_TRY(ps_agree(comm, ps_alloc(&crc, rank ? 0 : size, sizeof *crc, "checksums")));
    MPI_Gather(&mine, 1, MPI_UINT32_T, crc, 1, MPI_UINT32_T, 0, comm);
    for (int i = 0; rank == 0 && i < size; i++) {
        const struct ps_range r = ps_block(a->member.bytes, size, i);
        all = ps_zip_crc_join(all, crc[i], r.hi - r.lo);
    }
    free(crc);
    return ps_agree(comm, rank || all == a->member.crc
                              ? PS_OK
                              : ps_fail(PS_EINPUT, "%s: is damaged: its checksum does not fit", label));
}

/** Own rows of a stored array. Collective; agreed. */
static enum ps_status read_stored(MPI_Comm comm, const char *path, const struct array *a,
                                  struct ps_shard *out)
{
    struct ps_infile f;
    struct ps_npy npy = a->npy;
    char label[LABEL];
    int rank, size;
    uint32_t crc = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    const struct ps_range part = ps_block(a->member.bytes, size, rank);
    name_it(path, a, label);
    npy.offset += a->data_at;
    enum ps_status rc = ps_infile_open(path, &f);
    if (rc == PS_OK) rc = ps_npy_read_rows(&f, &npy, out);
    if (rc == PS_OK) rc = ps_zip_crc(&f, a->data_at + part.lo, part.hi - part.lo, &crc);
    ps_infile_close(&f);
    PS_TRY(ps_agree(comm, rc));
    return check_parts(comm, label, a, crc);
}

/** Own rows out of an array that is unpacked from its beginning. Local.
 * @param all true: unpack it to its end, where the checksum is compared */
static enum ps_status unpack_rows(struct ps_zip_stream *s, const struct array *a, bool all, char *piece,
                                  int64_t piece_bytes, struct ps_shard *out)
{
    const struct ps_npy *h = &a->npy;
    const int64_t size = (int64_t)ps_dtype_size(h->type), width = h->cols ? h->cols : 1,
                  end = (all || h->fortran ? h->rows : out->mine.hi) * width;
    PS_TRY(ps_zip_take(s, piece, h->offset));
    for (int64_t first = 0, n; first < end; first += n) {
        n = end - first < piece_bytes / size ? end - first : piece_bytes / size;
        PS_TRY(ps_zip_take(s, piece, n * size));
        ps_npy_keep(h, first, n, piece, out);
    }
    for (int64_t left = all ? a->member.bytes - h->offset - end * size : 0, n; left > 0; left -= n) {
        n = left < piece_bytes ? left : piece_bytes;
        PS_TRY(ps_zip_take(s, piece, n));
    }
    ps_npy_swap(h, out);
    return PS_OK;
}

/** Own rows of a deflated array. Local. @param last this rank is the last */
static enum ps_status read_deflated(const char *path, const struct array *a, bool last, struct ps_shard *out)
{
    enum { PIECE = 1 << 20 }; /* more than a header has */
    struct ps_infile f;
    struct ps_zip_stream *s = NULL;
    char label[LABEL], *piece = NULL;
    enum ps_status rc;
    if (!last && out->mine.hi == out->mine.lo) return PS_OK;
    name_it(path, a, label);
    PS_TRY(ps_infile_open(path, &f));
    PS_TRY_DONE(ps_alloc(&piece, PIECE, 1, "a piece of an array"));
    PS_TRY_DONE(ps_zip_begin(&f, label, &a->member, a->data_at, &s));
    rc = unpack_rows(s, a, last, piece, PIECE, out);
done:
    ps_zip_end(s);
    free(piece);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    struct array a;
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    PS_TRY(learn(comm, path, dataset, &a));
    enum ps_status rc = ps_shard_alloc(comm, a.npy.rows, a.npy.cols, a.npy.type, out);
    if (a.member.method == 0) {
        PS_TRY(ps_agree(comm, rc));
        return read_stored(comm, path, &a, out);
    }
    if (rc == PS_OK) rc = read_deflated(path, &a, rank == size - 1, out);
    return ps_agree(comm, rc);
}

static enum ps_status write_shard(MPI_Comm comm, const char *path, const char *dataset,
                                  const struct ps_shard *s)
{
    (void)comm, (void)dataset, (void)s;
    return ps_fail(PS_EIO, "%s: archives are read only; write a .npy file", path);
}
#endif

const struct ps_format ps_format_npz = {
    .name = "npz",
    .suffixes = " .npz ",
    .match = match,
#ifdef PS_HAVE_ZLIB
    .info = info,
    .read = read_shard,
    .write = write_shard,
#else
    .missing = "install zlib (Debian: zlib1g-dev) and build again",
#endif
};
