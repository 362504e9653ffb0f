/* The IDX files of MNIST and its like, plain or compressed by gzip: two zero bytes, a type, the number of
 * dimensions, each dimension as 32 bits, then the values, all big-endian. One dimension is a list; several
 * are a table whose rows are flattened, e.g. pictures. A compressed file can be read from its beginning only:
 * a rank decompresses all that stands before its rows. Source: LeCun, Cortes, Burges, "The MNIST database of
 * handwritten digits", section on the file format. */
#include <stdio.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/gzread.h"
#include "common/io/infile.h"
#include "common/run/err.h"

enum { MAX_DIMS = 8, HEAD = 4 + 4 * MAX_DIMS };

/** What a header says. */
struct idx {
    int64_t rows, cols; /**< cols = 0: a list */
    int64_t lines;      /**< of pictures; 0: rows are none */
    int64_t offset;     /**< of the values in the (unpacked) file */
    int64_t file_bytes;
    enum ps_dtype type;
    int dims;
    bool packed;
};

static bool type_of(unsigned char code, enum ps_dtype *out)
{
    static const struct {
        unsigned char code;
        enum ps_dtype type;
    } types[] = {{8, PS_U8}, {9, PS_I8}, {11, PS_I16}, {12, PS_I32}, {13, PS_F32}, {14, PS_F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) {
            *out = types[i].type;
            return true;
        }
    return false;
}

static bool begins(const unsigned char *head, int64_t n)
{
    enum ps_dtype type;
    return n >= 8 && !head[0] && !head[1] && type_of(head[2], &type) && head[3] >= 1 && head[3] <= MAX_DIMS &&
           n >= 4 + 4 * head[3];
}

static bool match(const unsigned char *head, int64_t n)
{
    unsigned char plain[HEAD];
    return ps_gz_is(head, n) ? begins(plain, ps_gz_head(head, n, plain, HEAD)) : begins(head, n);
}

/** Dimensions of the header to rows and columns; false if their product is too large. */
static bool shape(const unsigned char *head, struct idx *h)
{
    h->dims = head[3];
    h->offset = 4 + 4 * h->dims;
    h->cols = h->dims > 1;
    h->lines = 0;
    for (int k = 0; k < h->dims; k++) {
        const unsigned char *at = head + 4 + 4 * k;
        int64_t n = (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
        if (k == 0)
            h->rows = n;
        else if (__builtin_mul_overflow(h->cols, n, &h->cols))
            return false;
        if (k == 1 && h->dims == 3) h->lines = n;
    }
    int64_t width = h->cols ? h->cols : 1, bytes;
    return !__builtin_mul_overflow(width, (int64_t)ps_dtype_size(h->type), &bytes) &&
           !__builtin_mul_overflow(h->rows, bytes, &bytes) && bytes < INT64_MAX - HEAD;
}

/** Rank 0: read and check the header. */
static enum ps_status look(const char *path, struct idx *h)
{
    struct ps_infile f;
    unsigned char raw[PS_FORMAT_HEAD], plain[HEAD], *head = raw;
    PS_TRY(ps_infile_open(path, &f));
    int64_t n = ps_pread_all(f.fd, raw, sizeof raw, 0);
    ps_infile_close(&f);
    h->packed = ps_gz_is(raw, n);
    if (h->packed) {
        n = ps_gz_head(raw, n, plain, HEAD);
        head = plain;
    }
    PS_CHECK(begins(head, n) && type_of(head[2], &h->type), PS_EINPUT, "%s: is no IDX file", path);
    PS_CHECK(shape(head, h) && (h->dims == 1 || h->cols > 0), PS_EINPUT,
             "%s: its header promises an impossible shape (damaged?)", path);
    h->file_bytes = f.bytes;
    int64_t end = h->offset + h->rows * ps_row_bytes(h->cols, h->type);
    PS_CHECK(h->packed || f.bytes >= end, PS_EINPUT,
             "%s: truncated: its header promises %lld bytes, the file has %lld", path, (long long)end,
             (long long)f.bytes);
    PS_CHECK(h->packed || f.bytes == end, PS_EINPUT,
             "%s: its header promises %lld bytes, the file has %lld; is it an IDX file?", path,
             (long long)end, (long long)f.bytes);
    return PS_OK;
}

static enum ps_status learn(MPI_Comm comm, const char *path, struct idx *h)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    memset(h, 0, sizeof *h);
    enum ps_status rc = rank == 0 ? look(path, h) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(h, sizeof *h, MPI_BYTE, 0, comm);
    return PS_OK;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    (void)dataset; /* an IDX file holds one data set without a name */
    struct idx h;
    PS_TRY(learn(comm, path, &h));
    out->rows = h.rows;
    out->cols = h.cols;
    out->lines = h.lines;
    out->type = h.type;
    out->file_bytes = h.file_bytes;
    snprintf(out->storage, sizeof out->storage, "%d dimension%s, big-endian%s", h.dims, h.dims > 1 ? "s" : "",
             h.packed ? ", gzip" : "");
    return PS_OK;
}

/** Read own rows. Local. */
static enum ps_status read_rows(const char *path, const struct idx *h, struct ps_shard *out)
{
    struct ps_infile f;
    int64_t row = ps_row_bytes(h->cols, h->type), n = (out->mine.hi - out->mine.lo) * row,
            at = h->offset + out->mine.lo * row;
    if (h->packed) return n ? ps_gz_read(path, out->data, n, at) : PS_OK;
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc = ps_infile_read(&f, out->data, n, at);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    (void)dataset;
    struct idx h;
    PS_TRY(learn(comm, path, &h));
    enum ps_status rc = ps_shard_alloc(comm, h.rows, h.cols, h.type, out);
    if (rc == PS_OK) rc = read_rows(path, &h, out);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    int64_t n = (out->mine.hi - out->mine.lo) * (h.cols ? h.cols : 1);
    if (rc == PS_OK) ps_swap_bytes(out->data, n, ps_dtype_size(h.type));
#endif
    return ps_agree(comm, rc);
}

/* no name's end stands for IDX, so nothing is ever written */
const struct ps_format ps_format_idx = {
    .name = "IDX", .suffixes = " ", .match = match, .info = info, .read = read_shard};
