/* MATLAB's files of version 5 and 7.3 (which is HDF5), read by libmatio. MATLAB stores columns: a matrix H x
 * W becomes H rows, a cube H x W x B becomes its pixels in row-major order, each a row of B bands. A rank
 * reads the lines of the picture that hold its rows. Where the file is compressed, a rank has to decompress
 * all that stands before its last element, and needs the memory of its rows twice; else pieces of a few bands
 * are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/run/err.h"

/** The text at the beginning is free but for its first words, which every writer puts there. */
static bool match(const unsigned char *head, int64_t n)
{
    return n >= 128 && (!memcmp(head, "MATLAB 5.0 MAT-file", 19) || !memcmp(head, "MATLAB 7.3 MAT-file", 19));
}

#ifdef PS_HAVE_MATIO
#    include <matio.h>
#    include "common/io/h5meta.h"

enum { PIECE = 64 << 20, TILE = 32, HEADER = 128 };

/** A variable, seen as `lines` x `samples` pixels of `bands`; a matrix has one sample a line, a list one
 * band. */
struct variable {
    char name[256];
    int64_t lines, samples, bands;
    int dims; /**< 2 or 3 in the file */
    bool row; /**< a matrix 1 x N: its elements are the lines */
    bool compressed, is_hdf5;
    enum ps_dtype type;
    int64_t file_bytes;
};

static const struct {
    enum matio_classes class;
    enum ps_dtype type;
} classes[] = {{MAT_C_DOUBLE, PS_F64}, {MAT_C_SINGLE, PS_F32}, {MAT_C_INT8, PS_I8},   {MAT_C_UINT8, PS_U8},
               {MAT_C_INT16, PS_I16},  {MAT_C_UINT16, PS_U16}, {MAT_C_INT32, PS_I32}, {MAT_C_UINT32, PS_U32},
               {MAT_C_INT64, PS_I64},  {MAT_C_UINT64, PS_U64}};

/** Is it a matrix or cube of real numbers? Fills v. */
static bool usable(const matvar_t *m, struct variable *v)
{
    size_t i = 0, n = sizeof classes / sizeof *classes;
    while (i < n && classes[i].class != m->class_type) i++;
    if (i == n || m->isComplex || m->rank < 2 || m->rank > 3 || !m->name) return false;
    int64_t bytes = (int64_t)sizeof(double);
    for (int k = 0; k < m->rank; k++) /* libmatio counts by int */
        if (m->dims[k] < 1 || m->dims[k] > INT32_MAX ||
            __builtin_mul_overflow(bytes, (int64_t)m->dims[k], &bytes))
            return false;
    *v = (struct variable){.dims = m->rank, .type = classes[i].type};
    snprintf(v->name, sizeof v->name, "%s", m->name);
    v->row = m->rank == 2 && m->dims[0] == 1;
    v->lines = (int64_t)m->dims[v->row ? 1 : 0];
    v->samples = m->rank == 3 ? (int64_t)m->dims[1] : 1;
    v->bands = m->rank == 3 ? (int64_t)m->dims[2] : v->row ? 1 : (int64_t)m->dims[1];
    v->compressed = m->compression == MAT_COMPRESSION_ZLIB;
    return true;
}

/** Add "name (3 x 4 double), " to a list for messages. */
static void list(const matvar_t *m, char *text, size_t len)
{
    size_t used = strlen(text);
    if (used + 100 > len) return;
    used += (size_t)snprintf(text + used, len - used, "%s%.60s (", used ? ", " : "", m->name ? m->name : "?");
    for (int k = 0; k < m->rank && k < 4 && used + 40 < len; k++)
        used += (size_t)snprintf(text + used, len - used, "%s%zu", k ? " x " : "", m->dims[k]);
    snprintf(text + used, len - used, ")");
}

/** Find the variable of that name, or the only one that is usable. */
static enum ps_status choose(mat_t *mat, const char *path, const char *dataset, struct variable *out)
{
    char found[1024] = "";
    int fitting = 0;
    bool there = false;
    for (matvar_t *m; (m = Mat_VarReadNextInfo(mat)); Mat_VarFree(m)) {
        struct variable v;
        bool fits = usable(m, &v), named = dataset[0] && m->name && !strcmp(dataset, m->name);
        list(m, found, sizeof found);
        there |= named;
        if (!fits || (dataset[0] ? !named : v.lines * v.samples * v.bands == 1))
            continue; /* not a mere scalar */
        *out = v;
        fitting++;
    }
    PS_CHECK(found[0], PS_EINPUT, "%s: holds no variable that can be read (damaged?)", path);
    PS_CHECK(there || !dataset[0], PS_EINPUT, "%s: has no variable '%s'; it holds: %s", path, dataset, found);
    PS_CHECK(fitting, PS_EINPUT, "%s: no matrix or cube of real numbers%s%s; it holds: %s", path,
             there ? " is " : "", there ? dataset : "", found);
    PS_CHECK(fitting == 1, PS_EINPUT, "%s: holds several variables, name one of: %s", path, found);
    return PS_OK;
}

static int64_t word(const unsigned char *at, bool big)
{
    return big ? (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]
               : (int64_t)at[3] << 24 | at[2] << 16 | at[1] << 8 | at[0];
}

/** Does the file of version 5 hold all bytes that its variables promise? libmatio does not say. */
static enum ps_status check_whole(const struct ps_infile *f, bool *is_hdf5)
{
    unsigned char tag[8];
    enum { MATRIX = 14, COMPRESSED = 15 };
    PS_TRY(ps_infile_read(f, tag, 4, HEADER - 4));
    bool big = tag[2] == 'M';
    *is_hdf5 = tag[big ? 0 : 1] == 2; /* version 7.3 */
    if (*is_hdf5) return PS_OK;
    for (int64_t at = HEADER; at < f->bytes;) {
        PS_CHECK(at + 8 <= f->bytes, PS_EINPUT, "%s: truncated within the head of a variable", f->path);
        PS_TRY(ps_infile_read(f, tag, 8, at));
        int64_t kind = word(tag, big), bytes = word(tag + 4, big);
        if (kind != MATRIX && kind != COMPRESSED) break;
        at += 8 + bytes;
        PS_CHECK(at <= f->bytes, PS_EINPUT,
                 "%s: truncated: a variable promises %lld bytes up to offset %lld, the file has %lld",
                 f->path, (long long)bytes, (long long)at, (long long)f->bytes);
    }
    return PS_OK;
}

/** Can HDF5 open it? libmatio would let its HDF5 print pages about a damaged file. */
static enum ps_status check_hdf5(const char *path)
{
#    ifdef PS_HAVE_HDF5
    ps_h5_quiet();
    hid_t fapl = ps_h5_access(), file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    H5Pclose(fapl);
    if (file < 0) return ps_h5_fail(PS_EINPUT, path, "cannot be opened as HDF5, which MATLAB 7.3 files are");
    H5Fclose(file);
#    else
    (void)path;
#    endif
    return PS_OK;
}

/** Rank 0: check the file and choose the variable. */
static enum ps_status look(const char *path, const char *dataset, struct variable *v)
{
    struct ps_infile f;
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc = check_whole(&f, &v->is_hdf5);
    int64_t bytes = f.bytes;
    ps_infile_close(&f);
    if (rc == PS_OK && v->is_hdf5) rc = check_hdf5(path);
    PS_TRY(rc);
    bool is_hdf5 = v->is_hdf5;
    mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
    PS_CHECK(mat, PS_EINPUT, "%s: libmatio cannot open it (damaged or truncated?)", path);
    rc = choose(mat, path, dataset, v);
    v->is_hdf5 = is_hdf5;
    v->file_bytes = bytes;
    Mat_Close(mat);
    return rc;
}

static enum ps_status learn(MPI_Comm comm, const char *path, const char *dataset, struct variable *v)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    memset(v, 0, sizeof *v);
    enum ps_status rc = rank == 0 ? look(path, dataset, v) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(v, sizeof *v, MPI_BYTE, 0, comm);
    return PS_OK;
}

static int64_t columns(const struct variable *v)
{
    return v->dims == 2 && v->bands == 1 ? 0 : v->bands;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    struct variable v;
    PS_TRY(learn(comm, path, dataset, &v));
    out->rows = v.lines * v.samples;
    out->cols = columns(&v);
    out->type = v.type;
    out->file_bytes = v.file_bytes;
    memcpy(out->dataset, v.name, sizeof out->dataset);
    int n = snprintf(out->storage, sizeof out->storage, "column-major%s",
                     v.is_hdf5      ? ", in HDF5"
                     : v.compressed ? ", compressed"
                                    : "");
    if (v.dims == 3)
        snprintf(out->storage + n, sizeof out->storage - (size_t)n, ", cube %lld x %lld x %lld",
                 (long long)v.lines, (long long)v.samples, (long long)v.bands);
    return PS_OK;
}

/** Read lines x all samples x some bands, column-major, into slab. Of plain matrices libmatio 1.5 reads the
 * first columns where whole columns that do not begin the matrix are asked for as a slab, so those are read
 * as a run. */
static bool read_slab(mat_t *mat, matvar_t *m, const struct variable *v, struct ps_range line,
                      struct ps_range band, void *slab)
{
    int lines = (int)(line.hi - line.lo), bands = (int)(band.hi - band.lo);
    int start[3] = {(int)line.lo, 0, (int)band.lo}, stride[3] = {1, 1, 1};
    int edge[3] = {lines, (int)v->samples, bands};
    bool whole = lines == v->lines;
    if (v->dims == 2 && !v->is_hdf5 && (v->row || whole))
        return Mat_VarReadDataLinear(mat, m, slab, v->row ? start[0] : start[2] * lines, 1, lines * bands) ==
               0;
    if (v->row) {
        start[1] = start[0], edge[1] = edge[0];
        start[0] = 0, edge[0] = 1;
    } else if (v->dims == 2) {
        start[1] = start[2], edge[1] = edge[2];
    }
    return Mat_VarReadData(mat, m, slab, start, stride, edge) == 0;
}

/** Move a slab to own rows. */
static void place(const struct variable *v, const void *slab, struct ps_range line, struct ps_range band,
                  struct ps_shard *out)
{
    int64_t lines = line.hi - line.lo, bands = band.hi - band.lo;
#    define PLACE(T)                                                                                        \
        _Pragma("omp parallel for collapse(2)") for (int64_t s = 0; s < v->samples;                         \
                                                     s++) for (int64_t tile = 0; tile < bands;              \
                                                               tile += TILE) for (int64_t h = 0; h < lines; \
                                                                                  h++)                      \
        {                                                                                                   \
            int64_t row = (line.lo + h) * v->samples + s - out->mine.lo;                                    \
            if (row < 0 || row >= out->mine.hi - out->mine.lo) continue;                                    \
            T *to = (T *)out->data + row * v->bands + band.lo;                                              \
            for (int64_t b = tile; b < bands && b < tile + TILE; b++)                                       \
                to[b] = ((const T *)slab)[h + lines * (s + v->samples * b)];                                \
        }
    switch (ps_dtype_size(v->type)) {
    case 1:
        PLACE(uint8_t)
        break;
    case 2:
        PLACE(uint16_t)
        break;
    case 4:
        PLACE(uint32_t)
        break;
    default:
        PLACE(uint64_t)
        break;
    }
#    undef PLACE
}

/** Bands to read in one call: what is compressed would be decompressed from its beginning by every call. */
static int64_t bands_at_once(const struct variable *v, int64_t band_bytes)
{
    int64_t n = PIECE / band_bytes;
    if (v->compressed || v->is_hdf5 || n > v->bands) return v->bands;
    return n ? n : 1;
}

/** Read own rows, the lines of the picture that hold them being `line`. Local. */
static enum ps_status read_lines(const char *path, const struct variable *v, struct ps_range line,
                                 struct ps_shard *out)
{
    int64_t band_bytes = (line.hi - line.lo) * v->samples * (int64_t)ps_dtype_size(v->type);
    int64_t step = bands_at_once(v, band_bytes);
    void *slab = NULL;
    matvar_t *m = NULL;
    PS_CHECK(v->is_hdf5 || v->dims == 3 || v->lines * v->bands <= INT32_MAX, PS_EINPUT,
             "%s: variable %s has more elements than libmatio can count; save it as -v7.3", path, v->name);
    mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
    PS_CHECK(mat, PS_EIO, "%s: libmatio cannot open it", path);
    enum ps_status rc = ps_alloc(&slab, band_bytes, (size_t)step, "lines of a MATLAB cube");
    if (rc == PS_OK && !(m = Mat_VarReadInfo(mat, v->name)))
        rc = ps_fail(PS_EINPUT, "%s: variable %s cannot be found again", path, v->name);
    for (int64_t b = 0; rc == PS_OK && b < v->bands; b += step) {
        struct ps_range band = {b, b + step < v->bands ? b + step : v->bands};
        if (read_slab(mat, m, v, line, band, slab))
            place(v, slab, line, band, out);
        else
            rc = ps_fail(PS_EINPUT, "%s: variable %s cannot be read (damaged or truncated?)", path, v->name);
    }
    if (m) Mat_VarFree(m);
    Mat_Close(mat);
    free(slab);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    struct variable v;
    PS_TRY(learn(comm, path, dataset, &v));
    enum ps_status rc = ps_shard_alloc(comm, v.lines * v.samples, columns(&v), v.type, out);
    if (rc == PS_OK && out->mine.hi > out->mine.lo && v.bands) {
        struct ps_range line = {out->mine.lo / v.samples, (out->mine.hi - 1) / v.samples + 1};
        rc = read_lines(path, &v, line, out);
    }
    return ps_agree(comm, rc);
}

static enum ps_status write_shard(MPI_Comm comm, const char *path, const char *dataset,
                                  const struct ps_shard *s)
{
    (void)comm, (void)dataset, (void)s;
    return ps_fail(PS_EIO, "%s: MATLAB files are read only; MATLAB reads .h5 files (h5read)", path);
}
#endif

const struct ps_format ps_format_mat = {
    .name = "MATLAB",
    .suffixes = " .mat ",
    .match = match,
#ifdef PS_HAVE_MATIO
    .info = info,
    .read = read_shard,
    .write = write_shard,
#else
    .missing = "install libmatio (Debian: libmatio-dev) and build again",
#endif
};
