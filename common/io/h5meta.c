/* HDF5: looking at a data set with the serial library. */
#include "common/io/h5meta.h"

#ifdef PS_HAVE_HDF5
#    include <stdio.h>
#    include <stdlib.h>
#    include <string.h>
#    include "common/io/format.h"
#    include "common/run/err.h"

#    if H5_VERSION_GE(1, 14, 0)
#        define HAVE_CHUNK_ITER 1
#    endif
/* Before H5Dchunk_iter, asking for chunk i walks the index up to i: the time for n chunks grows with n^2, 4
 * ms for 1024. */
#    ifdef HAVE_CHUNK_ITER
enum { MAX_PLACES = 1 << 22 };
#    else
enum { MAX_PLACES = 1024 };
#    endif

void ps_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static herr_t deepest(unsigned n, const H5E_error2_t *e, void *text)
{
    if (n == 0 && e->desc) snprintf(text, 256, "%s", e->desc);
    return 0;
}

enum ps_status ps_h5_fail(enum ps_status code, const char *path, const char *what)
{
    char why[256] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, deepest, why);
    return ps_fail(code, "%s: %s: %s", path, what, why);
}

hid_t ps_h5_access(void)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(fapl);
#    if H5_VERSION_GE(1, 12, 1) || (H5_VERS_MINOR == 10 && H5_VERS_RELEASE >= 7)
    H5Pset_file_locking(fapl, 0, 1);
#    endif
    return fapl;
}

hid_t ps_h5_native(enum ps_dtype type)
{
    switch (type) {
    case PS_I8:
        return H5T_NATIVE_INT8;
    case PS_U8:
        return H5T_NATIVE_UINT8;
    case PS_I16:
        return H5T_NATIVE_INT16;
    case PS_U16:
        return H5T_NATIVE_UINT16;
    case PS_I32:
        return H5T_NATIVE_INT32;
    case PS_U32:
        return H5T_NATIVE_UINT32;
    case PS_I64:
        return H5T_NATIVE_INT64;
    case PS_U64:
        return H5T_NATIVE_UINT64;
    case PS_F32:
        return H5T_NATIVE_FLOAT;
    default:
        return H5T_NATIVE_DOUBLE;
    }
}

/** Names of the data sets of a file, for choosing the only one and for messages. */
struct names {
    int count;
    char first[256], list[512];
};

#    if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#        define VISIT(file, op, data) H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_NATIVE, op, data, H5O_INFO_BASIC)
#    else
typedef H5O_info_t object_info;
#        define VISIT(file, op, data) H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, op, data, H5O_INFO_BASIC)
#    endif

static herr_t collect(hid_t object, const char *name, const object_info *info, void *data)
{
    struct names *n = data;
    (void)object;
    if (info->type != H5O_TYPE_DATASET) return 0;
    if (n->count == 0) snprintf(n->first, sizeof n->first, "%s", name);
    size_t used = strlen(n->list);
    if (used + strlen(name) + 8 < sizeof n->list)
        snprintf(n->list + used, sizeof n->list - used, "%s%s", n->count ? ", " : "", name);
    else if (used + 5 < sizeof n->list && used > 3 && strcmp(n->list + used - 3, "..."))
        strcat(n->list, " ...");
    n->count++;
    return 0;
}

/** Fill plan->dataset: the name given, or the only data set there is. */
static enum ps_status choose(hid_t file, const char *path, const char *dataset, hid_t *out,
                             struct ps_h5plan *plan)
{
    struct names names = {0};
    PS_CHECK(strlen(dataset) < sizeof plan->dataset, PS_EINPUT, "%s: the data set's name is too long", path);
    if (dataset[0]) {
        snprintf(plan->dataset, sizeof plan->dataset, "%s", dataset);
        *out = H5Dopen2(file, dataset, H5P_DEFAULT);
        if (*out >= 0) return PS_OK;
    }
    if (VISIT(file, collect, &names) < 0)
        return ps_h5_fail(PS_EINPUT, path, "its data sets cannot be listed");
    PS_CHECK(names.count, PS_EINPUT, "%s: holds no data set", path);
    PS_CHECK(!dataset[0], PS_EINPUT, "%s: has no data set '%s'; it holds: %s", path, dataset, names.list);
    PS_CHECK(names.count == 1, PS_EINPUT, "%s: holds several data sets, name one of: %s", path, names.list);
    snprintf(plan->dataset, sizeof plan->dataset, "%s", names.first);
    *out = H5Dopen2(file, names.first, H5P_DEFAULT);
    if (*out < 0) return ps_h5_fail(PS_EINPUT, path, "its data set cannot be opened");
    return PS_OK;
}

/** Our type for the file's; *direct tells that the stored bytes are that type's, in either order. */
static enum ps_status find_type(hid_t type, const char *path, struct ps_h5plan *plan, bool *direct)
{
    static const enum ps_dtype ints[4][2] = {
        {PS_U8, PS_I8}, {PS_U16, PS_I16}, {PS_U32, PS_I32}, {PS_U64, PS_I64}};
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    PS_CHECK(class == H5T_INTEGER || class == H5T_FLOAT, PS_EINPUT,
             "%s: data set %s is not numeric (integers of 8 to 64 bits, floats)", path, plan->dataset);
    if (class == H5T_FLOAT) {
        plan->type = size <= 4 ? PS_F32 : PS_F64;
    } else {
        PS_CHECK(size <= 8, PS_EINPUT, "%s: data set %s has integers of more than 64 bits", path,
                 plan->dataset);
        int step = size <= 1 ? 0 : size <= 2 ? 1 : size <= 4 ? 2 : 3;
        plan->type = ints[step][H5Tget_sign(type) == H5T_SGN_2];
    }
    hid_t native = ps_h5_native(plan->type), other = H5Tcopy(native);
    H5T_order_t order = H5Tget_order(native);
    H5Tset_order(other, order == H5T_ORDER_LE ? H5T_ORDER_BE : H5T_ORDER_LE);
    bool same = H5Tequal(type, native) > 0;
    plan->swap = !same && H5Tequal(type, other) > 0;
    *direct = same || plan->swap;
    H5Tclose(other);
    return PS_OK;
}

static enum ps_status find_shape(hid_t set, const char *path, struct ps_h5plan *plan)
{
    hid_t space = H5Dget_space(set);
    hsize_t dims[2] = {0, 0};
    int n = H5Sget_simple_extent_ndims(space);
    H5S_class_t class = H5Sget_simple_extent_type(space);
    if (n == 1 || n == 2) H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    PS_CHECK(class == H5S_SIMPLE && (n == 1 || n == 2), PS_EINPUT,
             "%s: data set %s has %d dimensions; 1-D and 2-D data can be read", path, plan->dataset, n);
    PS_CHECK(n == 1 || dims[1], PS_EINPUT, "%s: data set %s has no columns", path, plan->dataset);
    plan->rows = (int64_t)dims[0];
    plan->cols = n == 2 ? (int64_t)dims[1] : 0;
    int64_t bytes;
    PS_CHECK(plan->rows >= 0 && plan->cols >= 0 &&
                 !__builtin_mul_overflow(plan->rows, ps_row_bytes(plan->cols, plan->type), &bytes),
             PS_EINPUT, "%s: data set %s is larger than any memory", path, plan->dataset);
    return PS_OK;
}

/** Filters we undo ourselves: shuffle, then deflate, each at most once. */
static bool find_filters(hid_t dcpl, struct ps_h5plan *plan, char *text, size_t len)
{
    bool simple = true;
    int n = H5Pget_nfilters(dcpl);
    for (int i = 0; i < n; i++) {
        unsigned flags, config, values[8] = {0};
        size_t nvalues = 8, used = strlen(text);
        char name[32] = "";
        H5Z_filter_t id =
            H5Pget_filter2(dcpl, (unsigned)i, &flags, &nvalues, values, sizeof name, name, &config);
        name[sizeof name - 1] = 0;
        const char *word = name[0] ? name : "unknown filter";
        if (id == H5Z_FILTER_SHUFFLE) {
            simple = simple && plan->shuffle < 0 && plan->deflate < 0 && nvalues &&
                     values[0] == ps_dtype_size(plan->type);
            plan->shuffle = i;
            word = "shuffle";
        } else if (id == H5Z_FILTER_DEFLATE) {
            simple = simple && plan->deflate < 0 && ps_h5_can_inflate();
            plan->deflate = i;
            word = "deflate";
        } else {
            simple = false;
        }
        snprintf(text + used, len - used, ", %s", word);
    }
    return simple;
}

/** Is every chunk in its place in the grid, and inside the file? */
static bool place_chunk(const struct ps_h5plan *p, const hsize_t *where, haddr_t at, hsize_t bytes,
                        unsigned mask, struct ps_h5chunk *chunks)
{
    int64_t row = (int64_t)where[0], col = p->cols ? (int64_t)where[1] : 0;
    if (at == HADDR_UNDEF || row % p->chunk_rows || col % p->chunk_cols) return false;
    int64_t down = row / p->chunk_rows, across = col / p->chunk_cols;
    if (down >= p->chunks_down || across >= p->chunks_across) return false;
    chunks[down * p->chunks_across + across] = (struct ps_h5chunk){(int64_t)at, (int64_t)bytes, mask};
    return true;
}

#    ifdef HAVE_CHUNK_ITER
struct iteration {
    const struct ps_h5plan *plan;
    struct ps_h5chunk *chunks;
    int64_t placed;
};
static int one_chunk(const hsize_t *where, unsigned mask, haddr_t at, hsize_t bytes, void *data)
{
    struct iteration *it = data;
    it->placed += place_chunk(it->plan, where, at, bytes, mask, it->chunks);
    return H5_ITER_CONT;
}
static int64_t place_all(hid_t set, hsize_t n, const struct ps_h5plan *plan, struct ps_h5chunk *chunks)
{
    struct iteration it = {plan, chunks, 0};
    (void)n;
    return H5Dchunk_iter(set, H5P_DEFAULT, one_chunk, &it) < 0 ? -1 : it.placed;
}
#    else
static int64_t place_all(hid_t set, hsize_t n, const struct ps_h5plan *plan, struct ps_h5chunk *chunks)
{
    int64_t placed = 0;
    hid_t space = H5Dget_space(set); /* HDF5 1.10 does not take H5S_ALL here */
    for (hsize_t i = 0; i < n; i++) {
        hsize_t where[2], bytes;
        unsigned mask;
        haddr_t at;
        if (H5Dget_chunk_info(set, space, i, where, &mask, &at, &bytes) < 0) break;
        placed += place_chunk(plan, where, at, bytes, mask, chunks);
    }
    H5Sclose(space);
    return placed;
}
#    endif

/** Are all chunks inside the file? */
static enum ps_status check_places(const struct ps_h5plan *p, const char *path,
                                   const struct ps_h5chunk *chunks, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at = chunks[i].at, bytes = chunks[i].bytes;
        PS_CHECK(
            at >= 0 && bytes >= 0 && at <= p->file_bytes && bytes <= p->file_bytes - at, PS_EINPUT,
            "%s: truncated: data set %s has a chunk of %lld bytes at offset %lld, the file has %lld bytes",
            path, p->dataset, (long long)bytes, (long long)at, (long long)p->file_bytes);
    }
    return PS_OK;
}

/** Learn the places of all chunks; anything unusual leaves the work to the library. */
static enum ps_status find_chunks(hid_t set, const char *path, struct ps_h5plan *p, struct ps_h5chunk **out)
{
    hsize_t n = 0;
    int64_t grid = p->chunks_down * p->chunks_across;
    hid_t space = H5Dget_space(set);
    herr_t counted = H5Dget_num_chunks(set, space, &n);
    H5Sclose(space);
    p->way = PS_H5_LIBRARY; /* chunks that were never written hold the fill value */
    if (counted < 0 || grid == 0 || (int64_t)n != grid) return PS_OK;
    p->way = grid > MAX_PLACES ? PS_H5_LOOKUP : PS_H5_CHUNKED;
    if (!out || p->way == PS_H5_LOOKUP) return PS_OK;
    PS_TRY(ps_zalloc(out, grid, sizeof **out, "the places of chunks"));
    if (place_all(set, n, p, *out) == grid) return check_places(p, path, *out, grid);
    p->way = PS_H5_LIBRARY;
    return PS_OK;
}

static enum ps_status find_contiguous(hid_t set, const char *path, struct ps_h5plan *p)
{
    haddr_t at = H5Dget_offset(set);
    int64_t bytes = p->rows * ps_row_bytes(p->cols, p->type);
    p->way = PS_H5_CONTIGUOUS;
    p->offset = (int64_t)at;
    if (at == HADDR_UNDEF) { /* never written: all fill value, or nothing at all */
        p->way = PS_H5_LIBRARY;
        return PS_OK;
    }
    PS_CHECK(p->offset + bytes <= p->file_bytes, PS_EINPUT,
             "%s: truncated: data set %s reaches up to offset %lld, the file has %lld bytes", path,
             p->dataset, (long long)(p->offset + bytes), (long long)p->file_bytes);
    return PS_OK;
}

/** Layout and filters: which way to read, and the words for it. */
static enum ps_status find_layout(hid_t set, bool direct, const char *path, struct ps_h5plan *p,
                                  struct ps_h5chunk **chunks)
{
    hid_t dcpl = H5Dget_create_plist(set);
    enum ps_status rc = PS_OK;
    char filters[64] = "";
    H5D_layout_t layout = H5Pget_layout(dcpl);
    hsize_t dims[2] = {1, 1};
    unsigned options = 0;
    p->way = PS_H5_LIBRARY;
    p->shuffle = p->deflate = -1;
    bool simple = find_filters(dcpl, p, filters, sizeof filters) && direct;
    if (layout == H5D_CHUNKED) {
        H5Pget_chunk(dcpl, 2, dims);
        H5Pget_chunk_opts(dcpl, &options);
        p->chunk_rows = (int64_t)dims[0];
        p->chunk_cols = p->cols ? (int64_t)dims[1] : 1;
        p->chunks_down = (p->rows + p->chunk_rows - 1) / p->chunk_rows;
        p->chunks_across = ((p->cols ? p->cols : 1) + p->chunk_cols - 1) / p->chunk_cols;
        char shape[48];
        snprintf(shape, sizeof shape, p->cols ? "%lldx%lld" : "%lld", (long long)p->chunk_rows,
                 (long long)p->chunk_cols);
        snprintf(p->storage, sizeof p->storage, "chunked %.24s%.30s", shape, filters);
        if (simple && !options) {
            p->way = PS_H5_CHUNKED;
            rc = find_chunks(set, path, p, chunks);
        }
    } else if (layout == H5D_CONTIGUOUS && direct && H5Pget_external_count(dcpl) == 0) {
        snprintf(p->storage, sizeof p->storage, "contiguous");
        rc = find_contiguous(set, path, p);
    } else {
        snprintf(p->storage, sizeof p->storage, "%s",
                 layout == H5D_COMPACT      ? "compact"
                 : layout == H5D_CONTIGUOUS ? "contiguous"
                                            : "virtual");
    }
    H5Pclose(dcpl);
    if (p->swap && strlen(p->storage) + 16 < sizeof p->storage) strcat(p->storage, ", bytes swapped");
    return rc;
}

/** With a user block, addresses that the library gives are relative to different origins in different
 * releases. */
static bool has_user_block(hid_t file)
{
    hsize_t bytes = 0;
    hid_t fcpl = H5Fget_create_plist(file);
    H5Pget_userblock(fcpl, &bytes);
    H5Pclose(fcpl);
    return bytes > 0;
}

enum ps_status ps_h5_look(const char *path, const char *dataset, struct ps_h5plan *plan,
                          struct ps_h5chunk **chunks)
{
    enum ps_status rc;
    hid_t file = -1, set = -1, type = -1, fapl = -1;
    struct ps_infile f;
    bool direct = false;
    if (chunks) *chunks = NULL;
    *plan = (struct ps_h5plan){0};
    PS_TRY(ps_infile_open(path, &f));
    plan->file_bytes = f.bytes;
    ps_infile_close(&f);
    ps_h5_quiet();
    fapl = ps_h5_access();
    file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    if (file < 0) {
        rc = ps_h5_fail(PS_EINPUT, path, "cannot be opened as HDF5 (damaged or truncated?)");
        goto done;
    }
    PS_TRY_DONE(choose(file, path, dataset, &set, plan));
    type = H5Dget_type(set);
    PS_TRY_DONE(find_type(type, path, plan, &direct));
    PS_TRY_DONE(find_shape(set, path, plan));
    PS_TRY_DONE(find_layout(set, direct && !has_user_block(file), path, plan, chunks));
done:
    if (type >= 0) H5Tclose(type);
    if (set >= 0) H5Dclose(set);
    if (file >= 0) H5Fclose(file);
    H5Pclose(fapl);
    if (chunks && (rc != PS_OK || plan->way != PS_H5_CHUNKED)) {
        free(*chunks);
        *chunks = NULL;
    }
    return rc;
}
#endif
