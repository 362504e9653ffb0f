/* Writing packed images. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/io/imagepack.h"
#include "common/io/infile.h"
#include "common/io/outfile.h"
#include "common/run/err.h"

#ifdef PS_HAVE_PNETCDF
#    include <pnetcdf.h>

enum { CALL_BYTES = 1 << 30 };

static enum ps_status nc_fail(const char *path, const char *what, int err)
{
    return ps_fail(PS_EIO, "%s: %s: %s", path, what, ncmpi_strerror(err));
}

/** Dimensions and variables, by number. */
struct defined {
    int data, start, label, labels, name_start, names, class_start, class_names;
};

static nc_type type_of(enum ps_dtype type)
{
    return type == PS_U16 ? NC_USHORT : type == PS_I16 ? NC_SHORT : type == PS_F32 ? NC_FLOAT : NC_UBYTE;
}

static MPI_Datatype mpi_type_of(enum ps_dtype type)
{
    return type == PS_U16   ? MPI_UNSIGNED_SHORT
           : type == PS_I16 ? MPI_SHORT
           : type == PS_F32 ? MPI_FLOAT
                            : MPI_UNSIGNED_CHAR;
}

/* A variable with a dimension of its own. */
static int define_one(int nc, const char *dimension, int64_t n, const char *name, nc_type type, int *id)
{
    int dim;
    const int err = ncmpi_def_dim(nc, dimension, n, &dim);
    return err != NC_NOERR ? err : ncmpi_def_var(nc, name, type, 1, &dim, id);
}

static int define_data(int nc, const struct ps_images_head *h, int image, int64_t bytes, struct defined *d)
{
    int err, dims[4] = {image};
    if (h->pixels) {
        if ((err = ncmpi_def_dim(nc, "height", h->height, &dims[1])) != NC_NOERR) return err;
        if ((err = ncmpi_def_dim(nc, "width", h->width, &dims[2])) != NC_NOERR) return err;
        if ((err = ncmpi_def_dim(nc, "band", h->bands, &dims[3])) != NC_NOERR) return err;
        return ncmpi_def_var(nc, "pixels", type_of(h->type), 4, dims, &d->data);
    }
    if ((err = define_one(nc, "image_and_end", h->n + 1, "start", NC_INT64, &d->start)) != NC_NOERR)
        return err;
    return define_one(nc, "byte", bytes, "bytes", NC_UBYTE, &d->data);
}

/* Values that are not known yet have their room now, so that data does not move later. */
static int define_attributes(int nc, const struct ps_images_head *h)
{
    static const double zero[PS_PICTURE_BANDS_MAX];
    static const char format[] = "psml images 1";
    int err = ncmpi_put_att_text(nc, NC_GLOBAL, "format", (MPI_Offset)strlen(format), format);
    for (int k = 0; k < PS_IMAGES_PARTS && err == NC_NOERR && h->parted; k++) {
        const long long range[2] = {h->part[k].lo, h->part[k].hi};
        err = ncmpi_put_att_longlong(nc, NC_GLOBAL, ps_images_part_name(k), NC_INT64, 2, range);
    }
    if (err == NC_NOERR) err = ncmpi_put_att_double(nc, NC_GLOBAL, "mean", NC_DOUBLE, h->bands, zero);
    if (err == NC_NOERR) err = ncmpi_put_att_double(nc, NC_GLOBAL, "std", NC_DOUBLE, h->bands, zero);
    return err;
}

/* @param texts bytes of names of images, of names of classes */
static int define(int nc, const struct ps_images_head *h, int64_t bytes, const int64_t *texts,
                  struct defined *d)
{
    int err, image, dims[2];
    if ((err = ncmpi_def_dim(nc, "image", h->n, &image)) != NC_NOERR) return err;
    dims[0] = image;
    if ((err = ncmpi_def_var(nc, "label", NC_INT, 1, dims, &d->label)) != NC_NOERR) return err;
    if ((err = ncmpi_def_var(nc, "name_start", NC_INT64, 1, dims, &d->name_start)) != NC_NOERR) return err;
    if ((err = define_one(nc, "class", h->classes, "class_start", NC_INT64, &d->class_start)) != NC_NOERR)
        return err;
    ncmpi_inq_dimid(nc, "class", &dims[1]);
    if (h->several && (err = ncmpi_def_var(nc, "labels", NC_UBYTE, 2, dims, &d->labels)) != NC_NOERR)
        return err;
    if ((err = define_one(nc, "names_byte", texts[0], "names", NC_CHAR, &d->names)) != NC_NOERR) return err;
    if ((err = define_one(nc, "class_names_byte", texts[1], "class_names", NC_CHAR, &d->class_names)) !=
        NC_NOERR)
        return err;
    if ((err = define_data(nc, h, image, bytes, d)) != NC_NOERR) return err;
    if ((err = define_attributes(nc, h)) != NC_NOERR) return err;
    return ncmpi_enddef(nc);
}

/* Rows of `row` elements of `size` bytes, by rank 0 alone; other ranks take part with nothing. Collective. */
static int put_rows(MPI_Comm comm, int nc, int var, int64_t rows, int64_t row, MPI_Datatype type, size_t size,
                    const void *data)
{
    int rank, err = NC_NOERR;
    const int64_t step = CALL_BYTES / (row * (int64_t)size) > 0 ? CALL_BYTES / (row * (int64_t)size) : 1;
    MPI_Comm_rank(comm, &rank);
    for (int64_t lo = 0; lo < rows; lo += step) {
        const int64_t n = rank != 0 ? 0 : rows - lo < step ? rows - lo : step;
        MPI_Offset start[2] = {n > 0 ? lo : 0, 0}, count[2] = {n, n > 0 ? row : 0};
        const int one = ncmpi_put_vara_all(nc, var, start, count,
                                           (const char *)data + lo * row * (int64_t)size, n * row, type);
        if (err == NC_NOERR) err = one;
    }
    return err;
}

/* Texts behind each other, each with its zero. @param place out [n] @return bytes; to == NULL: only that */
static int64_t join(const struct ps_images *l, const int64_t *text, int64_t n, int64_t skip, int64_t *place,
                    char *to)
{
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const char *name = l->text + text[i] + skip;
        const int64_t bytes = (int64_t)strlen(name) + 1;
        if (to) {
            place[i] = at;
            memcpy(to + at, name, (size_t)bytes);
        }
        at += bytes;
    }
    return at;
}

/* Names, starts and labels. Collective. */
static enum ps_status put_lists(struct ps_imagepack *p, const struct ps_images *l, const struct defined *d,
                                const int64_t *texts, const int64_t *start)
{
    const struct ps_images_head *h = &p->head;
    int64_t *place = NULL;
    char *text = NULL;
    int err[6] = {NC_NOERR};
    enum ps_status rc =
        ps_alloc(&place, h->n > h->classes ? h->n : h->classes, sizeof *place, "places of names");
    if (rc == PS_OK) rc = ps_alloc(&text, texts[0] > texts[1] ? texts[0] : texts[1], 1, "names of images");
    PS_TRY_DONE(ps_agree(p->comm, rc));
    join(l, l->name, h->n, l->head.strip, place, text);
    err[0] = put_rows(p->comm, p->nc, d->name_start, h->n, 1, MPI_LONG_LONG, sizeof *place, place);
    err[1] = put_rows(p->comm, p->nc, d->names, texts[0], 1, MPI_CHAR, 1, text);
    join(l, l->class_name, h->classes, 0, place, text);
    err[2] = put_rows(p->comm, p->nc, d->class_start, h->classes, 1, MPI_LONG_LONG, sizeof *place, place);
    err[3] = put_rows(p->comm, p->nc, d->class_names, texts[1], 1, MPI_CHAR, 1, text);
    if (start) err[4] = put_rows(p->comm, p->nc, d->start, h->n + 1, 1, MPI_LONG_LONG, sizeof *start, start);
    if (h->several)
        err[5] = put_rows(p->comm, p->nc, d->labels, h->n, h->classes, MPI_UNSIGNED_CHAR, 1, l->labels);
    for (int i = 0; i < 6 && rc == PS_OK; i++)
        if (err[i] != NC_NOERR) rc = nc_fail(p->path, "writing failed (disk full?)", err[i]);
    rc = ps_agree(p->comm, rc);
done:
    free(place);
    free(text);
    return rc;
}

/* Rank 0: a full disk is known now, not hours later. */
static enum ps_status reserve(const char *path, int64_t bytes)
{
    struct ps_outfile f = {.fd = -1};
    FILE *file = fopen(path, "wb");
    PS_CHECK(file, PS_EIO, "%s: cannot be created (no such folder, or no permission)", path);
    f.fd = fileno(file);
    snprintf(f.path, sizeof f.path, "%s", path);
    const enum ps_status rc = ps_outfile_reserve(&f, bytes);
    fclose(file);
    return rc;
}

static int64_t data_bytes(const struct ps_images_head *h, const int64_t *start)
{
    if (!h->pixels) return start[h->n];
    return h->n * h->height * h->width * h->bands * (int64_t)ps_dtype_size(h->type);
}

static enum ps_status create(struct ps_imagepack *p, const struct ps_images *l, const int64_t *start)
{
    int rank;
    struct defined d;
    const int64_t bytes = data_bytes(&p->head, start);
    const int64_t texts[2] = {join(l, l->name, p->head.n, l->head.strip, NULL, NULL),
                              join(l, l->class_name, p->head.classes, 0, NULL, NULL)};
    MPI_Comm_rank(p->comm, &rank);
    PS_TRY(ps_agree(p->comm, rank == 0 ? reserve(p->path, bytes) : PS_OK));
    int err = ncmpi_create(p->comm, p->path, NC_CLOBBER | NC_64BIT_DATA, MPI_INFO_NULL, &p->nc);
    PS_TRY(ps_agree(p->comm, err == NC_NOERR ? PS_OK : nc_fail(p->path, "cannot be created", err)));
    p->open = true;
    err = define(p->nc, &p->head, bytes, texts, &d);
    PS_TRY(ps_agree(p->comm,
                    err == NC_NOERR ? PS_OK : nc_fail(p->path, "its variables cannot be defined", err)));
    p->data = d.data;
    return put_lists(p, l, &d, texts, start);
}

static enum ps_status open_again(struct ps_imagepack *p)
{
    int err = ncmpi_open(p->comm, p->path, NC_WRITE, MPI_INFO_NULL, &p->nc);
    PS_TRY(ps_agree(p->comm, err == NC_NOERR ? PS_OK : nc_fail(p->path, "cannot be opened again", err)));
    p->open = true;
    err = ncmpi_inq_varid(p->nc, p->head.pixels ? "pixels" : "bytes", &p->data);
    return ps_agree(p->comm, err == NC_NOERR ? PS_OK : nc_fail(p->path, "is no file of packed images", err));
}

enum ps_status ps_imagepack_begin(MPI_Comm comm, const char *path, const struct ps_images *list,
                                  const struct ps_images_head *head, const int64_t *start, bool go_on,
                                  struct ps_imagepack *out)
{
    *out = (struct ps_imagepack){.comm = comm, .path = path, .head = *head};
    const enum ps_status rc = go_on ? open_again(out) : create(out, list, start);
    if (rc != PS_OK) ps_imagepack_close(out);
    return rc;
}

enum ps_status ps_imagepack_put(struct ps_imagepack *p, int64_t lo, int64_t hi, const void *data)
{
    const struct ps_images_head *h = &p->head;
    const int64_t one = h->pixels ? (int64_t)h->height * h->width * h->bands : 1;
    const int64_t size = h->pixels ? (int64_t)ps_dtype_size(h->type) : 1,
                  step = CALL_BYTES / (one * size) + 1;
    int64_t calls = (hi - lo + step - 1) / step, most;
    int err = NC_NOERR;
    MPI_Allreduce(&calls, &most, 1, MPI_INT64_T, MPI_MAX, p->comm);
    for (int64_t c = 0; c < most; c++) {
        const int64_t from = lo + c * step < hi ? lo + c * step : hi, n = hi - from < step ? hi - from : step;
        MPI_Offset start[4] = {n > 0 ? from : 0, 0, 0, 0}, count[4] = {n, h->height, h->width, h->bands};
        const int put =
            ncmpi_put_vara_all(p->nc, p->data, start, count, (const char *)data + (from - lo) * one * size,
                               n * one, h->pixels ? mpi_type_of(h->type) : MPI_UNSIGNED_CHAR);
        if (err == NC_NOERR) err = put;
    }
    const int synced = ncmpi_sync(p->nc);
    if (err == NC_NOERR) err = synced;
    return ps_agree(p->comm, err == NC_NOERR ? PS_OK : nc_fail(p->path, "writing failed (disk full?)", err));
}

/* A short write is not always reported by the layers below. Rank 0. */
static enum ps_status check_size(const struct ps_imagepack *p, int64_t end)
{
    struct ps_infile written;
    PS_TRY(ps_infile_open(p->path, &written));
    ps_infile_close(&written);
    PS_CHECK(written.bytes >= end, PS_EIO, "%s: writing failed: %lld of %lld bytes arrived (disk full?)",
             p->path, (long long)written.bytes, (long long)end);
    return PS_OK;
}

enum ps_status ps_imagepack_end(struct ps_imagepack *p, const int32_t *label, const double *mean,
                                const double *std)
{
    int rank, var, err = NC_NOERR, known = mean != NULL;
    double moments[2][PS_PICTURE_BANDS_MAX] = {{0}};
    MPI_Offset end = 0, bytes = 1;
    int dims[4], n_dims = 0;
    MPI_Comm_rank(p->comm, &rank);
    MPI_Bcast(&known, 1, MPI_INT, 0, p->comm);
    for (int k = 0; rank == 0 && known && k < p->head.bands; k++)
        moments[0][k] = mean[k], moments[1][k] = std[k];
    MPI_Bcast(moments, 2 * PS_PICTURE_BANDS_MAX, MPI_DOUBLE, 0, p->comm);
    ncmpi_inq_varid(p->nc, "label", &var);
    err = put_rows(p->comm, p->nc, var, p->head.n, 1, MPI_INT, sizeof *label, label);
    if (err == NC_NOERR && known)
        err = ncmpi_put_att_double(p->nc, NC_GLOBAL, "mean", NC_DOUBLE, p->head.bands, moments[0]);
    if (err == NC_NOERR && known)
        err = ncmpi_put_att_double(p->nc, NC_GLOBAL, "std", NC_DOUBLE, p->head.bands, moments[1]);
    ncmpi_inq_varoffset(p->nc, p->data, &end);
    ncmpi_inq_varndims(p->nc, p->data, &n_dims);
    ncmpi_inq_vardimid(p->nc, p->data, dims);
    for (int k = 0; k < n_dims; k++) {
        MPI_Offset length = 0;
        ncmpi_inq_dimlen(p->nc, dims[k], &length);
        bytes *= length;
    }
    if (p->head.pixels) bytes *= (MPI_Offset)ps_dtype_size(p->head.type);
    const int closed = ncmpi_close(p->nc);
    p->open = false;
    if (err == NC_NOERR) err = closed;
    enum ps_status rc = err == NC_NOERR ? PS_OK : nc_fail(p->path, "writing failed (disk full?)", err);
    if (rc == PS_OK && rank == 0) rc = check_size(p, (int64_t)(end + bytes));
    return ps_agree(p->comm, rc);
}

void ps_imagepack_close(struct ps_imagepack *p)
{
    if (p->open) ncmpi_close(p->nc);
    p->open = false;
}
#else
enum ps_status ps_imagepack_begin(MPI_Comm comm, const char *path, const struct ps_images *list,
                                  const struct ps_images_head *head, const int64_t *start, bool go_on,
                                  struct ps_imagepack *out)
{
    (void)list, (void)head, (void)start, (void)go_on;
    *out = (struct ps_imagepack){.open = false};
    return ps_agree(
        comm,
        ps_fail(PS_EBACKEND,
                "%s: packed images need PnetCDF: install it (Debian: libpnetcdf-dev) and build again", path));
}

enum ps_status ps_imagepack_put(struct ps_imagepack *p, int64_t lo, int64_t hi, const void *data)
{
    (void)p, (void)lo, (void)hi, (void)data;
    return PS_EBACKEND;
}

enum ps_status ps_imagepack_end(struct ps_imagepack *p, const int32_t *label, const double *mean,
                                const double *std)
{
    (void)p, (void)label, (void)mean, (void)std;
    return PS_EBACKEND;
}

void ps_imagepack_close(struct ps_imagepack *p)
{
    (void)p;
}
#endif
