/* netCDF files of the classic family (CDF-1, 2, 5) by PnetCDF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/io/outfile.h"
#include "common/run/err.h"

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 4 && !memcmp(head, "CDF", 3) && (head[3] == 1 || head[3] == 2 || head[3] == 5);
}

#ifdef PS_HAVE_PNETCDF
#    include <pnetcdf.h>

enum { HEADER = 4096 };        /* at least what a header takes */
enum { CALL_BYTES = 1 << 30 }; /* a rank's share of one collective call: MPI-IO layers stumble beyond 2 GiB */

/** What is known of a variable. */
struct variable {
    int id, ndims;
    enum ps_dtype type;
    int64_t rows, cols, file_bytes;
    char name[256];
    bool record; /* its first dimension is the unlimited one: rows of all such variables alternate in the file
                  */
};

static enum ps_status nc_fail(enum ps_status code, const char *path, const char *what, int err)
{
    return ps_fail(code, "%s: %s: %s", path, what, ncmpi_strerror(err));
}

/** Names of the variables, for a message. */
static void list_variables(int nc, int n, char *text, size_t len)
{
    char name[NC_MAX_NAME + 1];
    text[0] = 0;
    for (int i = 0; i < n; i++) {
        size_t used = strlen(text);
        if (ncmpi_inq_varname(nc, i, name) != NC_NOERR) continue;
        if (used + strlen(name) + 3 < len) snprintf(text + used, len - used, "%s%s", used ? ", " : "", name);
    }
}

/** The variable of that name; without a name the only one, where coordinate variables (named like a
 * dimension) do not count. */
static enum ps_status choose(int nc, const char *path, const char *dataset, int *id)
{
    int n = 0, candidates = 0, dim;
    char text[512], name[NC_MAX_NAME + 1];
    ncmpi_inq_nvars(nc, &n);
    if (dataset[0] && ncmpi_inq_varid(nc, dataset, id) == NC_NOERR) return PS_OK;
    list_variables(nc, n, text, sizeof text);
    PS_CHECK(n, PS_EINPUT, "%s: holds no variable", path);
    PS_CHECK(!dataset[0], PS_EINPUT, "%s: has no variable '%s'; it holds: %s", path, dataset, text);
    for (int i = 0; i < n; i++) {
        if (n > 1 && ncmpi_inq_varname(nc, i, name) == NC_NOERR &&
            ncmpi_inq_dimid(nc, name, &dim) == NC_NOERR)
            continue;
        candidates++;
        *id = i;
    }
    PS_CHECK(candidates == 1, PS_EINPUT, "%s: holds several variables, name one of: %s", path, text);
    return PS_OK;
}

static enum ps_status find_type(nc_type type, const char *path, struct variable *v)
{
    switch (type) {
    case NC_BYTE:
        v->type = PS_I8;
        return PS_OK;
    case NC_UBYTE:
        v->type = PS_U8;
        return PS_OK;
    case NC_SHORT:
        v->type = PS_I16;
        return PS_OK;
    case NC_USHORT:
        v->type = PS_U16;
        return PS_OK;
    case NC_INT:
        v->type = PS_I32;
        return PS_OK;
    case NC_UINT:
        v->type = PS_U32;
        return PS_OK;
    case NC_INT64:
        v->type = PS_I64;
        return PS_OK;
    case NC_UINT64:
        v->type = PS_U64;
        return PS_OK;
    case NC_FLOAT:
        v->type = PS_F32;
        return PS_OK;
    case NC_DOUBLE:
        v->type = PS_F64;
        return PS_OK;
    default:
        return ps_fail(PS_EINPUT, "%s: variable %s holds text, not numbers", path, v->name);
    }
}

static MPI_Datatype mpi_type(enum ps_dtype type)
{
    switch (type) {
    case PS_I8:
        return MPI_SIGNED_CHAR;
    case PS_U8:
        return MPI_UNSIGNED_CHAR;
    case PS_I16:
        return MPI_SHORT;
    case PS_U16:
        return MPI_UNSIGNED_SHORT;
    case PS_I32:
        return MPI_INT;
    case PS_U32:
        return MPI_UNSIGNED;
    case PS_I64:
        return MPI_LONG_LONG;
    case PS_U64:
        return MPI_UNSIGNED_LONG_LONG;
    case PS_F32:
        return MPI_FLOAT;
    default:
        return MPI_DOUBLE;
    }
}

/** A file that was cut in its data part opens and reads without any error: compare where the data ends with
 * the file's size. */
static enum ps_status check_size(int nc, const char *path, const struct variable *v)
{
    MPI_Offset at = 0, record = 0;
    int64_t row = ps_row_bytes(v->cols, v->type), end;
    if (v->rows == 0) return PS_OK;
    ncmpi_inq_varoffset(nc, v->id, &at);
    ncmpi_inq_recsize(nc, &record);
    end = v->record ? (int64_t)at + (v->rows - 1) * (int64_t)record + row : (int64_t)at + v->rows * row;
    PS_CHECK(end <= v->file_bytes, PS_EINPUT,
             "%s: truncated: variable %s reaches up to offset %lld, the file has %lld bytes", path, v->name,
             (long long)end, (long long)v->file_bytes);
    return PS_OK;
}

/** Learn shape and type. Local: all ranks hold the header. */
static enum ps_status look(int nc, const char *path, const char *dataset, struct variable *v)
{
    nc_type type;
    int dims[2], unlimited = -1;
    MPI_Offset len[2] = {0, 0};
    char name[NC_MAX_NAME + 1] = "";
    PS_TRY(choose(nc, path, dataset, &v->id));
    ncmpi_inq_varname(nc, v->id, name);
    snprintf(v->name, sizeof v->name, "%.255s", name);
    ncmpi_inq_vartype(nc, v->id, &type);
    PS_TRY(find_type(type, path, v));
    ncmpi_inq_varndims(nc, v->id, &v->ndims);
    PS_CHECK(v->ndims == 1 || v->ndims == 2, PS_EINPUT,
             "%s: variable %s has %d dimensions; 1-D and 2-D data can be read", path, v->name, v->ndims);
    ncmpi_inq_vardimid(nc, v->id, dims);
    ncmpi_inq_unlimdim(nc, &unlimited);
    for (int i = 0; i < v->ndims; i++) ncmpi_inq_dimlen(nc, dims[i], &len[i]);
    v->record = dims[0] == unlimited;
    v->rows = (int64_t)len[0];
    v->cols = v->ndims == 2 ? (int64_t)len[1] : 0;
    PS_CHECK(v->ndims == 1 || v->cols, PS_EINPUT, "%s: variable %s has no columns", path, v->name);
    return check_size(nc, path, v);
}

/** Open and learn. Collective over comm. On success *nc is open. */
static enum ps_status open_variable(MPI_Comm comm, const char *path, const char *dataset, int *nc,
                                    struct variable *v)
{
    int rank;
    struct ps_infile f = {.fd = -1};
    *v = (struct variable){0};
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? ps_infile_open(path, &f) : PS_OK;
    ps_infile_close(&f);
    PS_TRY(ps_agree(comm, rc));
    v->file_bytes = f.bytes;
    MPI_Bcast(&v->file_bytes, 1, MPI_INT64_T, 0, comm);
    int err = ncmpi_open(comm, path, NC_NOWRITE, MPI_INFO_NULL, nc);
    rc = err == NC_NOERR
             ? PS_OK
             : nc_fail(PS_EINPUT, path, "cannot be opened as netCDF (damaged or truncated?)", err);
    PS_TRY(ps_agree(comm, rc));
    MPI_Offset header = 0; /* what is missing of a header reads as zeros, which can look whole */
    ncmpi_inq_header_size(*nc, &header);
    rc = header <= v->file_bytes ? look(*nc, path, dataset, v)
                                 : ps_fail(PS_EINPUT, "%s: the netCDF file is truncated in its header", path);
    rc = ps_agree(comm, rc);
    if (rc != PS_OK) ncmpi_close(*nc);
    return rc;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    int nc, format = 0;
    struct variable v;
    PS_TRY(open_variable(comm, path, dataset, &nc, &v));
    ncmpi_inq_format(nc, &format);
    ncmpi_close(nc);
    out->rows = v.rows;
    out->cols = v.cols;
    out->type = v.type;
    out->file_bytes = v.file_bytes;
    memcpy(out->dataset, v.name, sizeof out->dataset);
    snprintf(out->storage, sizeof out->storage, "CDF-%d, big-endian%s",
             format == NC_FORMAT_CDF5   ? 5
             : format == NC_FORMAT_CDF2 ? 2
                                        : 1,
             v.record ? ", by records" : "");
    return PS_OK;
}

/** Read or write own rows by as many collective calls as the rank with most rows needs. Collective over comm.
 */
static int move_rows(MPI_Comm comm, int nc, const struct variable *v, struct ps_range mine, void *data,
                     bool put)
{
    int64_t row = ps_row_bytes(v->cols, v->type), step = CALL_BYTES / row > 0 ? CALL_BYTES / row : 1;
    int64_t calls = (mine.hi - mine.lo + step - 1) / step, most = 0;
    int first = NC_NOERR;
    MPI_Allreduce(&calls, &most, 1, MPI_INT64_T, MPI_MAX, comm);
    for (int64_t c = 0; c < most; c++) {
        int64_t lo = mine.lo + c * step, hi = lo + step < mine.hi ? lo + step : mine.hi;
        if (lo > mine.hi) lo = mine.hi;
        if (hi < lo) hi = lo;
        MPI_Offset start[2] = {hi > lo ? lo : 0, 0}, count[2] = {hi - lo, v->cols};
        char *at = (char *)data + (lo - mine.lo) * row;
        MPI_Offset n = (hi - lo) * (v->cols ? v->cols : 1);
        int err = put ? ncmpi_put_vara_all(nc, v->id, start, count, at, n, mpi_type(v->type))
                      : ncmpi_get_vara_all(nc, v->id, start, count, at, n, mpi_type(v->type));
        if (first == NC_NOERR) first = err;
    }
    return first;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    int nc;
    struct variable v;
    PS_TRY(open_variable(comm, path, dataset, &nc, &v));
    enum ps_status rc = ps_agree(comm, ps_shard_alloc(comm, v.rows, v.cols, v.type, out));
    if (rc == PS_OK) {
        int err = move_rows(comm, nc, &v, out->mine, out->data, false);
        rc = ps_agree(comm, err == NC_NOERR ? PS_OK : nc_fail(PS_EIO, path, "reading failed", err));
    }
    ncmpi_close(nc);
    return rc;
}

static enum ps_status take_attribute(int nc, int id, const char *path, const char *name,
                                     struct ps_attribute *out)
{
    nc_type type;
    MPI_Offset n = 0;
    char *text = NULL;
    int err = NC_NOERR;
    if (ncmpi_inq_att(nc, id, name, &type, &n) != NC_NOERR) return PS_OK;
    if (type == NC_CHAR) {
        PS_TRY(ps_zalloc(&text, n + 1, 1, "an attribute"));
        err = ncmpi_get_att_text(nc, id, name, text);
        snprintf(out->text, sizeof out->text, "%.255s", text);
        free(text);
        out->kind = PS_ATTRIBUTE_TEXT;
    } else if (n == 1) {
        err = ncmpi_get_att_double(nc, id, name, &out->number);
        out->kind = PS_ATTRIBUTE_NUMBER;
    }
    return err == NC_NOERR ? PS_OK : nc_fail(PS_EINPUT, path, "an attribute cannot be read", err);
}

static enum ps_status attribute(const char *path, const char *dataset, const char *name,
                                struct ps_attribute *out)
{
    int nc;
    struct variable v;
    PS_TRY(open_variable(MPI_COMM_SELF, path, dataset, &nc, &v));
    enum ps_status rc = take_attribute(nc, v.id, path, name, out);
    ncmpi_close(nc);
    return rc;
}

static const nc_type nc_types[PS_NDTYPES] = {NC_BYTE, NC_UBYTE, NC_SHORT,  NC_USHORT, NC_INT,
                                             NC_UINT, NC_INT64, NC_UINT64, NC_FLOAT,  NC_DOUBLE};

/** Define dimensions and variable. Collective. A length of 0 means "unlimited" to netCDF, which then has no
 * rows: as it should be. */
static int define(int nc, const char *dataset, const struct ps_shard *s, struct variable *v)
{
    int dims[2], err;
    if ((err = ncmpi_def_dim(nc, "rows", s->rows, &dims[0])) != NC_NOERR) return err;
    if (s->cols && (err = ncmpi_def_dim(nc, "columns", s->cols, &dims[1])) != NC_NOERR) return err;
    *v = (struct variable){.ndims = s->cols ? 2 : 1, .rows = s->rows, .cols = s->cols, .type = s->type};
    if ((err = ncmpi_def_var(nc, dataset, nc_types[s->type], v->ndims, dims, &v->id)) != NC_NOERR) return err;
    return ncmpi_enddef(nc);
}

/** Fill the temporary file. Collective over f->comm; the status may differ between ranks. */
static enum ps_status write_file(const struct ps_outfile *f, const char *path, const char *dataset,
                                 const struct ps_shard *s)
{
    int nc;
    struct variable v;
    int64_t bytes = s->rows * ps_row_bytes(s->cols, s->type);
    PS_TRY(ps_agree(f->comm, f->rank == 0 ? ps_outfile_reserve(f, bytes + HEADER) : PS_OK));
    int err = ncmpi_create(f->comm, f->temp, NC_CLOBBER | NC_64BIT_DATA, MPI_INFO_NULL, &nc);
    enum ps_status rc = err == NC_NOERR ? PS_OK : nc_fail(PS_EIO, path, "cannot be created", err);
    PS_TRY(ps_agree(f->comm, rc));
    err = define(nc, dataset, s, &v);
    rc = ps_agree(f->comm,
                  err == NC_NOERR ? PS_OK : nc_fail(PS_EIO, path, "defining the variable failed", err));
    MPI_Offset at = 0;
    if (rc == PS_OK) {
        err = move_rows(f->comm, nc, &v, s->mine, s->data, true);
        if (err != NC_NOERR) rc = nc_fail(PS_EIO, path, "writing failed (disk full?)", err);
        ncmpi_inq_varoffset(nc, v.id, &at);
    }
    err = ncmpi_close(nc);
    if (rc == PS_OK && err != NC_NOERR) rc = nc_fail(PS_EIO, path, "writing failed (disk full?)", err);
    if (rc != PS_OK || f->rank != 0 || s->rows == 0) return rc;
    struct ps_infile written; /* a short write is not always reported by the layers below */
    PS_TRY(ps_infile_open(f->temp, &written));
    ps_infile_close(&written);
    int64_t end = (int64_t)at + s->rows * ps_row_bytes(s->cols, s->type);
    PS_CHECK(written.bytes >= end, PS_EIO, "%s: writing failed: %lld of %lld bytes arrived (disk full?)",
             path, (long long)written.bytes, (long long)end);
    return PS_OK;
}

static enum ps_status write_shard(MPI_Comm comm, const char *path, const char *dataset,
                                  const struct ps_shard *s)
{
    struct ps_outfile f;
    PS_TRY(ps_outfile_open(comm, path, false, &f));
    return ps_outfile_close(&f, write_file(&f, path, dataset[0] ? dataset : "DATA", s));
}
#endif

const struct ps_format ps_format_nc = {
    .name = "netCDF",
    .suffixes = " .nc .nc4 .cdf ",
    .match = match,
#ifdef PS_HAVE_PNETCDF
    .info = info,
    .read = read_shard,
    .write = write_shard,
    .attribute = attribute,
#else
    .missing = "install PnetCDF (Debian: libpnetcdf-dev) and build again",
#endif
};
