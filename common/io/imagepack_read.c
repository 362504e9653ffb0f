/* Lists of packed images. The pixels themselves are read at their places in the file, without PnetCDF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/imagelist_sources.h"
#include "common/io/imagepack.h"
#include "common/io/infile.h"
#include "common/run/err.h"

#ifdef PS_HAVE_PNETCDF
#    include <pnetcdf.h>

enum { CALL = 1 << 27 /* elements of a call */, DIMS = 4 };

/** A file that rank 0 has open. */
struct pack {
    const char *path;
    int nc;
    int64_t bytes; /* of the file */
};

static enum ps_status damaged(const struct pack *p, const char *what)
{
    return ps_fail(PS_EINPUT, "%s: is no file of packed images, or a damaged one: %s", p->path, what);
}

static int64_t length(const struct pack *p, const char *dimension)
{
    int dim;
    MPI_Offset n = -1;
    if (ncmpi_inq_dimid(p->nc, dimension, &dim) != NC_NOERR) return -1;
    ncmpi_inq_dimlen(p->nc, dim, &n);
    return (int64_t)n;
}

/* A variable of n elements of `size` bytes; its bytes must be there, as a file that was cut reads as zeros.
 * @param at out: where it begins; may be NULL */
static enum ps_status find(const struct pack *p, const char *name, int64_t n, int64_t size, int *var,
                           int64_t *at)
{
    MPI_Offset offset = 0;
    int n_dims = 0, dims[DIMS];
    int64_t has = 1;
    if (ncmpi_inq_varid(p->nc, name, var) != NC_NOERR) return damaged(p, name);
    ncmpi_inq_varoffset(p->nc, *var, &offset);
    ncmpi_inq_varndims(p->nc, *var, &n_dims);
    if (n_dims < 1 || n_dims > DIMS) return damaged(p, name);
    ncmpi_inq_vardimid(p->nc, *var, dims);
    for (int k = 0; k < n_dims; k++) {
        MPI_Offset one = 0;
        ncmpi_inq_dimlen(p->nc, dims[k], &one);
        if (one > 0 && has > INT64_MAX / one) return damaged(p, name);
        has *= one;
    }
    if (has != n || n > INT64_MAX / size) return damaged(p, name);
    PS_CHECK(offset <= p->bytes && n * size <= p->bytes - offset, PS_EINPUT,
             "%s: truncated: variable %s reaches up to offset %lld, the file has %lld bytes", p->path, name,
             (long long)(offset + n * size), (long long)p->bytes);
    if (at) *at = (int64_t)offset;
    return PS_OK;
}

/* A variable of one dimension. */
static enum ps_status get(const struct pack *p, const char *name, int64_t n, MPI_Datatype type, int64_t size,
                          void *out)
{
    int var;
    PS_TRY(find(p, name, n, size, &var, NULL));
    for (int64_t lo = 0; lo < n; lo += CALL) {
        MPI_Offset start[1] = {lo}, count[1] = {n - lo < CALL ? n - lo : CALL};
        if (ncmpi_get_vara_all(p->nc, var, start, count, (char *)out + lo * size, count[0], type) != NC_NOERR)
            return damaged(p, name);
    }
    return PS_OK;
}

/* Numbers of labels are bytes [n][classes], read where they lie. */
static enum ps_status get_labels(const struct pack *p, struct ps_images *l)
{
    int var;
    int64_t at;
    struct ps_infile f;
    const int64_t n = l->head.n * l->head.classes;
    PS_TRY(find(p, "labels", n, 1, &var, &at));
    PS_TRY(ps_infile_open(p->path, &f));
    const enum ps_status rc = ps_infile_read(&f, l->labels, n, at);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_pixels_head(const struct pack *p, struct ps_images_head *h)
{
    int var;
    nc_type type;
    h->pixels = ncmpi_inq_varid(p->nc, "pixels", &var) == NC_NOERR;
    if (!h->pixels) return PS_OK;
    const int64_t height = length(p, "height"), width = length(p, "width"), bands = length(p, "band");
    if (height < 1 || width < 1 || bands < 1 || height > 65536 || width > 65536 ||
        bands > PS_PICTURE_BANDS_MAX)
        return damaged(p, "the shape of its pixels");
    ncmpi_inq_vartype(p->nc, var, &type);
    if (type != NC_UBYTE && type != NC_USHORT && type != NC_SHORT && type != NC_FLOAT)
        return damaged(p, "the type of its pixels");
    h->height = (int)height, h->width = (int)width, h->bands = (int)bands;
    h->type = type == NC_USHORT ? PS_U16 : type == NC_SHORT ? PS_I16 : type == NC_FLOAT ? PS_F32 : PS_U8;
    h->swap = ps_dtype_size(h->type) > 1 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return PS_OK;
}

static enum ps_status read_head(const struct pack *p, struct ps_images_head *h)
{
    char format[32] = "";
    MPI_Offset bands = 0;
    int var;
    MPI_Offset n = 0;
    if (ncmpi_inq_attlen(p->nc, NC_GLOBAL, "format", &n) != NC_NOERR || n >= (MPI_Offset)sizeof format ||
        ncmpi_get_att_text(p->nc, NC_GLOBAL, "format", format) != NC_NOERR ||
        strcmp(format, "psml images 1") != 0)
        return damaged(p, "psml-data pack writes them");
    h->n = length(p, "image");
    h->classes = length(p, "class");
    if (h->n < 1 || h->classes < 1 || h->classes > INT32_MAX) return damaged(p, "no images or no classes");
    h->several = ncmpi_inq_varid(p->nc, "labels", &var) == NC_NOERR;
    h->files = 1;
    h->part[0].hi = h->n;
    for (int k = 0; k < PS_IMAGES_PARTS; k++) {
        long long range[2];
        if (ncmpi_inq_attlen(p->nc, NC_GLOBAL, ps_images_part_name(k), &n) != NC_NOERR || n != 2) continue;
        if (ncmpi_get_att_longlong(p->nc, NC_GLOBAL, ps_images_part_name(k), range) != NC_NOERR) continue;
        if (range[0] < 0 || range[0] > range[1] || range[1] > h->n) return damaged(p, ps_images_part_name(k));
        h->part[k] = (struct ps_range){range[0], range[1]};
        h->parted = true;
    }
    PS_TRY(read_pixels_head(p, h));
    if (ncmpi_inq_attlen(p->nc, NC_GLOBAL, "mean", &bands) == NC_NOERR && bands >= 1 &&
        bands <= PS_PICTURE_BANDS_MAX && (!h->pixels || bands == h->bands)) {
        ncmpi_get_att_double(p->nc, NC_GLOBAL, "mean", h->mean);
        h->has_moments = ncmpi_get_att_double(p->nc, NC_GLOBAL, "std", h->std) == NC_NOERR && h->std[0] > 0;
        h->bands = (int)bands;
    }
    const int64_t names = length(p, "names_byte"), classes = length(p, "class_names_byte");
    if (names < 1 || classes < 1) return damaged(p, "names");
    h->text = names + classes + (int64_t)strlen(p->path) + 1;
    return PS_OK;
}

/* Where the data of each image is. */
static enum ps_status read_places(const struct pack *p, struct ps_images *l)
{
    const struct ps_images_head *h = &l->head;
    int var;
    int64_t at, *start = NULL;
    enum ps_status rc;
    if (h->pixels) {
        const int64_t size = (int64_t)ps_dtype_size(h->type),
                      one = (int64_t)h->height * h->width * h->bands * size;
        if (one > INT32_MAX || h->n > INT64_MAX / one) return damaged(p, "the shape of its pixels");
        PS_TRY(find(p, "pixels", h->n * (one / size), size, &var, &at));
        for (int64_t i = 0; i < h->n; i++) l->at[i] = at + i * one, l->bytes[i] = one;
        return PS_OK;
    }
    PS_TRY(ps_alloc(&start, h->n + 1, sizeof *start, "places of images"));
    PS_TRY_DONE(get(p, "start", h->n + 1, MPI_LONG_LONG, sizeof *start, start));
    PS_TRY_DONE(find(p, "bytes", length(p, "byte"), 1, &var, &at));
    for (int64_t i = 0; i < h->n; i++) {
        PS_CHECK_DONE(start[i] >= 0 && start[i] <= start[i + 1] && start[i + 1] <= length(p, "byte"),
                      PS_EINPUT, "%s: is a damaged file of packed images: start", p->path);
        l->at[i] = at + start[i];
        l->bytes[i] = start[i + 1] - start[i];
    }
done:
    free(start);
    return rc;
}

/* Places in a text of `room` bytes that ends with a zero. */
static enum ps_status check_places(const struct pack *p, const int64_t *place, int64_t n, const char *text,
                                   int64_t room)
{
    if (text[room - 1] != '\0') return damaged(p, "names");
    for (int64_t i = 0; i < n; i++)
        if (place[i] < 0 || place[i] >= room) return damaged(p, "names");
    return PS_OK;
}

static enum ps_status read_lists(const struct pack *p, struct ps_images *l)
{
    const struct ps_images_head *h = &l->head;
    const int64_t names = length(p, "names_byte"), classes = length(p, "class_names_byte");
    PS_TRY(read_places(p, l));
    PS_TRY(get(p, "label", h->n, MPI_INT, sizeof *l->label, l->label));
    for (int64_t i = 0; i < h->n; i++)
        if (l->label[i] < -1 || l->label[i] >= h->classes) return damaged(p, "label");
    PS_TRY(get(p, "name_start", h->n, MPI_LONG_LONG, sizeof *l->name, l->name));
    PS_TRY(get(p, "names", names, MPI_CHAR, 1, l->text));
    PS_TRY(check_places(p, l->name, h->n, l->text, names));
    PS_TRY(get(p, "class_start", h->classes, MPI_LONG_LONG, sizeof *l->class_name, l->class_name));
    PS_TRY(get(p, "class_names", classes, MPI_CHAR, 1, l->text + names));
    PS_TRY(check_places(p, l->class_name, h->classes, l->text + names, classes));
    for (int64_t k = 0; k < h->classes; k++) l->class_name[k] += names;
    l->file_name[0] = names + classes;
    memcpy(l->text + names + classes, p->path, strlen(p->path) + 1);
    return h->several ? get_labels(p, l) : PS_OK;
}

static enum ps_status read_list(const char *path, struct ps_images *l, void **block)
{
    struct pack p = {.path = path};
    struct ps_infile f;
    MPI_Offset header = 0;
    PS_TRY(ps_infile_open(path, &f));
    p.bytes = f.bytes;
    ps_infile_close(&f);
    const int err = ncmpi_open(MPI_COMM_SELF, path, NC_NOWRITE, MPI_INFO_NULL, &p.nc);
    PS_CHECK(err == NC_NOERR, PS_EINPUT, "%s: cannot be opened as netCDF (damaged or truncated?): %s", path,
             ncmpi_strerror(err));
    ncmpi_inq_header_size(p.nc, &header);
    enum ps_status rc =
        header <= p.bytes ? read_head(&p, &l->head) : damaged(&p, "it is truncated in its header");
    if (rc == PS_OK) rc = ps_zalloc(block, ps_images_block(&l->head), 1, "the list of images");
    if (rc == PS_OK) {
        ps_images_lay_out(l, *block);
        rc = read_lists(&p, l);
    }
    ncmpi_close(p.nc);
    return rc;
}

enum ps_status ps_images_pack(MPI_Comm comm, const char *source, struct ps_images *out)
{
    int rank;
    struct ps_images first = {.node = MPI_COMM_NULL};
    void *block = NULL;
    MPI_Comm_rank(comm, &rank);
    const enum ps_status rc = rank == 0 ? read_list(source, &first, &block) : PS_OK;
    return ps_images_share(comm, &first, block, rc, out);
}
#else
enum ps_status ps_images_pack(MPI_Comm comm, const char *source, struct ps_images *out)
{
    *out = (struct ps_images){.node = MPI_COMM_NULL};
    return ps_agree(
        comm, ps_fail(PS_EBACKEND,
                      "%s: packed images need PnetCDF: install it (Debian: libpnetcdf-dev) and build again",
                      source));
}
#endif
