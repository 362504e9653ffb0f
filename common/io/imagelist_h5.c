/* Images in HDF5: a group for each part holds `images`, bytes of variable length, and `targets`. The library
 * is asked where the references to the images are; from them their places in the file follow, so that images
 * are read in parallel and without it. Source: HDF5 File Format Specification 3.0, sections III.E "Global
 * Heap" and IV.A.2.d "Variable-length". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/h5meta.h"
#include "common/io/imagelist_sources.h"
#include "common/io/infile.h"
#include "common/run/err.h"

#ifdef PS_HAVE_HDF5
enum { REFERENCE = 16, HEAP_HEAD = 16, OBJECT_HEAD = 16, NAME = 256 };

/** A part of the file. */
struct group {
    hid_t images, targets;
    int64_t n, labels;        /* labels: columns of targets; 0: one number for each image */
    unsigned char *reference; /* [n][REFERENCE]; owned */
    int64_t *target;          /* [n][labels or 1]; owned */
};

static uint64_t little(const unsigned char *c, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--) v = v << 8 | c[i];
    return v;
}

/* References of a data set in chunks, which lie in the file as they are in memory. */
static enum ps_status read_chunks(const char *path, hid_t set, struct group *g)
{
    const hid_t plan = H5Dget_create_plist(set);
    hsize_t chunk = 0;
    const int filters = H5Pget_nfilters(plan);
    H5Pget_chunk(plan, 1, &chunk);
    enum ps_status rc = PS_OK;
    if (filters != 0)
        rc = ps_fail(PS_EINPUT, "%s: images are compressed by HDF5: repack them (h5repack -f NONE)", path);
    for (hsize_t at = 0; at < (hsize_t)g->n && rc == PS_OK; at += chunk) {
        uint32_t skipped = 0;
        unsigned char *raw;
        const int64_t n = g->n - (int64_t)at < (int64_t)chunk ? g->n - (int64_t)at : (int64_t)chunk;
        rc = ps_alloc(&raw, (int64_t)chunk, REFERENCE, "a chunk of references");
        if (rc == PS_OK && H5Dread_chunk(set, H5P_DEFAULT, &at, &skipped, raw) < 0)
            rc = ps_h5_fail(PS_EINPUT, path, "a chunk of images cannot be read");
        if (rc == PS_OK) memcpy(g->reference + at * REFERENCE, raw, (size_t)n * REFERENCE);
        free(raw);
    }
    H5Pclose(plan);
    return rc;
}

static enum ps_status read_references(const char *path, const struct ps_infile *f, struct group *g)
{
    const hid_t type = H5Dget_type(g->images),
                base = H5Tget_class(type) == H5T_VLEN ? H5Tget_super(type) : -1;
    const bool bytes = base >= 0 && H5Tget_class(base) == H5T_INTEGER && H5Tget_size(base) == 1;
    const haddr_t at = H5Dget_offset(g->images);
    if (base >= 0) H5Tclose(base);
    H5Tclose(type);
    PS_CHECK(bytes, PS_EINPUT, "%s: images: bytes of variable length are wanted (vlen uint8)", path);
    PS_TRY(ps_alloc(&g->reference, g->n, REFERENCE, "references to images"));
    if (at == HADDR_UNDEF) return read_chunks(path, g->images, g);
    return ps_infile_read(f, g->reference, g->n * REFERENCE, (int64_t)at);
}

static enum ps_status read_targets(const char *path, struct group *g)
{
    hsize_t length[2] = {0, 0};
    const hid_t space = H5Dget_space(g->targets);
    const int dims = H5Sget_simple_extent_ndims(space);
    if (dims == 1 || dims == 2) H5Sget_simple_extent_dims(space, length, NULL);
    H5Sclose(space);
    PS_CHECK((dims == 1 || dims == 2) && (int64_t)length[0] == g->n, PS_EINPUT,
             "%s: targets: a number, or a row of numbers, for each of the %lld images is wanted", path,
             (long long)g->n);
    g->labels = dims == 2 && length[1] > 1 ? (int64_t)length[1] : 0;
    PS_CHECK(dims == 1 || length[1] > 0, PS_EINPUT, "%s: targets: rows are empty", path);
    PS_TRY(ps_alloc(&g->target, g->n * (g->labels ? g->labels : 1), sizeof *g->target, "targets of images"));
    if (H5Dread(g->targets, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, g->target) < 0)
        return ps_h5_fail(PS_EINPUT, path, "targets cannot be read");
    return PS_OK;
}

/* Where the bytes of a reference are. @return false: damaged */
static bool find_bytes(const struct ps_infile *f, const unsigned char *reference, int64_t *at, int64_t *bytes)
{
    unsigned char head[OBJECT_HEAD];
    const int64_t heap = (int64_t)little(reference + 4, 8), index = (int64_t)little(reference + 12, 4);
    *bytes = (int64_t)little(reference, 4);
    *at = 0;
    if (*bytes == 0) return true;
    if (heap < 0 || ps_pread_all(f->fd, head, HEAP_HEAD, heap) != HEAP_HEAD || memcmp(head, "GCOL", 4) != 0)
        return false;
    const uint64_t size = little(head + 8, 8);
    if (size > (uint64_t)(f->bytes - heap)) return false;
    for (int64_t next = heap + HEAP_HEAD; next + OBJECT_HEAD <= heap + (int64_t)size;) {
        if (ps_pread_all(f->fd, head, OBJECT_HEAD, next) != OBJECT_HEAD) return false;
        const uint64_t n = little(head + 8, 8), left = (uint64_t)(heap + (int64_t)size - next - OBJECT_HEAD);
        if (little(head, 2) == 0 || n > left) return false; /* 0: the rest is free */
        if ((int64_t)little(head, 2) == index) {
            *at = next + OBJECT_HEAD;
            return *bytes <= (int64_t)n;
        }
        next += OBJECT_HEAD + (int64_t)((n + 7) / 8 * 8);
    }
    return false;
}

/* Names of classes are their numbers. */
static enum ps_status add_labels(struct ps_finds *f, const struct group *g, int64_t i, struct ps_found *x)
{
    char text[24];
    int64_t place;
    x->label = f->text_n;
    for (int64_t k = 0; k < (g->labels ? g->labels : 1); k++) {
        const int64_t v = g->target[i * (g->labels ? g->labels : 1) + k];
        if (g->labels && v == 0) continue;
        const int n = snprintf(text, sizeof text, "%lld", (long long)(g->labels ? k : v));
        PS_TRY(ps_finds_text(f, text, n, &place));
        x->labels++;
    }
    return PS_OK;
}

static enum ps_status add_images(const char *path, const struct ps_infile *file, const char *name, int part,
                                 const struct group *g, struct ps_finds *f)
{
    const int64_t first = f->n;
    char text[NAME + 64];
    int64_t bad = -1;
    if (g->labels) f->several = true;
    for (int64_t i = 0; i < g->n; i++) {
        struct ps_found x = {.part = (int8_t)part};
        const int n = snprintf(text, sizeof text, "%s/images[%012lld]", name, (long long)i);
        PS_TRY(ps_finds_text(f, text, n, &x.name));
        PS_TRY(add_labels(f, g, i, &x));
        PS_TRY(ps_finds_add(f, x));
    }
#    pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 0; i < g->n; i++) {
        struct ps_found *x = &f->image[first + i];
        if (!find_bytes(file, g->reference + i * REFERENCE, &x->at, &x->bytes)) {
#    pragma omp atomic write
            bad = i;
        }
    }
    PS_CHECK(bad < 0, PS_EINPUT, "%s: damaged or truncated: image %lld of %s is not where it should be", path,
             (long long)bad, name);
    return PS_OK;
}

/* A group with both data sets; @param part -1: the file has no parts */
static enum ps_status read_group(const char *path, const struct ps_infile *file, hid_t where,
                                 const char *name, int part, struct ps_finds *f)
{
    struct group g = {.images = H5Dopen2(where, "images", H5P_DEFAULT),
                      .targets = H5Dopen2(where, "targets", H5P_DEFAULT)};
    enum ps_status rc = PS_OK;
    if (g.images < 0 || g.targets < 0) {
        rc = ps_fail(PS_EINPUT, "%s: group %s does not hold `images` and `targets`", path, name);
    } else {
        const hid_t space = H5Dget_space(g.images);
        g.n = H5Sget_simple_extent_ndims(space) == 1 ? (int64_t)H5Sget_simple_extent_npoints(space) : -1;
        H5Sclose(space);
        if (g.n < 0) rc = ps_fail(PS_EINPUT, "%s: images of group %s are no list", path, name);
        if (rc == PS_OK) rc = read_references(path, file, &g);
        if (rc == PS_OK) rc = read_targets(path, &g);
        if (rc == PS_OK) rc = add_images(path, file, name, part, &g, f);
    }
    if (g.images >= 0) H5Dclose(g.images);
    if (g.targets >= 0) H5Dclose(g.targets);
    free(g.reference);
    free(g.target);
    return rc;
}

static enum ps_status read_groups(const char *path, const struct ps_infile *file, hid_t h5,
                                  struct ps_finds *f)
{
    H5G_info_t info;
    char name[NAME];
    size_t address = 0, length = 0;
    const hid_t plan = H5Fget_create_plist(h5);
    hsize_t block = 0;
    H5Pget_sizes(plan, &address, &length);
    H5Pget_userblock(plan, &block);
    H5Pclose(plan);
    PS_CHECK(address == 8 && length == 8 && block == 0, PS_EINPUT,
             "%s: addresses of %d bytes behind a user block of %lld are not read: repack it (h5repack)", path,
             (int)address, (long long)block);
    if (H5Lexists(h5, "images", H5P_DEFAULT) > 0) return read_group(path, file, h5, "", -1, f);
    H5Gget_info(h5, &info);
    for (hsize_t i = 0; i < info.nlinks; i++) {
        H5Lget_name_by_idx(h5, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        const int part = ps_finds_part(name, (int64_t)strlen(name));
        const hid_t group = part >= 0 ? H5Gopen2(h5, name, H5P_DEFAULT) : -1;
        if (group < 0) continue;
        const enum ps_status rc = read_group(path, file, group, name, part, f);
        H5Gclose(group);
        PS_TRY(rc);
    }
    PS_CHECK(f->n > 0, PS_EINPUT,
             "%s: has no group called train, val or test that holds `images` and `targets`", path);
    return PS_OK;
}

enum ps_status ps_images_h5(const char *source, struct ps_images *out, void **block)
{
    struct ps_finds f = {.numbered = true};
    struct ps_infile file;
    PS_TRY(ps_infile_open(source, &file));
    ps_h5_quiet();
    const hid_t fapl = ps_h5_access(), h5 = H5Fopen(source, H5F_ACC_RDONLY, fapl);
    enum ps_status rc =
        h5 >= 0 ? ps_finds_file(&f, source) : ps_h5_fail(PS_EINPUT, source, "cannot be opened as HDF5");
    if (rc == PS_OK) rc = read_groups(source, &file, h5, &f);
    if (rc == PS_OK) rc = ps_finds_end(&f, source, out, block);
    if (h5 >= 0) H5Fclose(h5);
    H5Pclose(fapl);
    ps_infile_close(&file);
    ps_finds_free(&f);
    return rc;
}
#else
enum ps_status ps_images_h5(const char *source, struct ps_images *out, void **block)
{
    (void)out, (void)block;
    return ps_fail(
        PS_EBACKEND,
        "%s: HDF5 files need parallel HDF5: install it (Debian: libhdf5-openmpi-dev) and build again",
        source);
}
#endif
