/* ranks: 1 2 3 */
#include "iocheck.h"

#ifdef PS_HAVE_HDF5
#    include <hdf5.h>
#    include "common/io/h5meta.h"

/** How a data set is stored in a test file. */
struct layout {
    const char *what; /**< words of info's storage; NULL = not checked */
    hsize_t chunk[2]; /**< 0 = not chunked */
    int shuffle, deflate, fletcher, compact, big, early, user_block,
        order; /**< order: deflate before shuffle */
    int type;
};

static hid_t file_type(enum ps_dtype type, int big)
{
    static int made;
    static hid_t types[PS_NDTYPES][2];
    if (!made) {
        hid_t le[] = {H5T_STD_I8LE,  H5T_STD_U8LE,  H5T_STD_I16LE, H5T_STD_U16LE,  H5T_STD_I32LE,
                      H5T_STD_U32LE, H5T_STD_I64LE, H5T_STD_U64LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
        hid_t be[] = {H5T_STD_I8BE,  H5T_STD_U8BE,  H5T_STD_I16BE, H5T_STD_U16BE,  H5T_STD_I32BE,
                      H5T_STD_U32BE, H5T_STD_I64BE, H5T_STD_U64BE, H5T_IEEE_F32BE, H5T_IEEE_F64BE};
        for (int t = 0; t < PS_NDTYPES; t++) {
            types[t][0] = le[t];
            types[t][1] = be[t];
        }
        made = 1;
    }
    return types[type][big];
}

static hid_t memory_type(enum ps_dtype type)
{
    int big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return file_type(type, big);
}

static hid_t create_list(const struct layout *l, int cols)
{
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    if (l->compact) H5Pset_layout(dcpl, H5D_COMPACT);
    if (l->chunk[0]) H5Pset_chunk(dcpl, cols ? 2 : 1, l->chunk);
    if (l->early) H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
    if (l->order) H5Pset_deflate(dcpl, 3);
    if (l->shuffle) H5Pset_shuffle(dcpl);
    if (l->deflate) H5Pset_deflate(dcpl, 5);
    if (l->fletcher) H5Pset_fletcher32(dcpl);
    return dcpl;
}

/** Rank 0 writes the known matrix, or its first `written` rows, with HDF5 itself. */
static void make_file(const char *path, const char *name, int64_t rows, int64_t cols, const struct layout *l,
                      int64_t written)
{
    if (io_rank() == 0) {
        hsize_t dims[2] = {(hsize_t)rows, (hsize_t)cols}, start[2] = {0, 0},
                part[2] = {(hsize_t)written, (hsize_t)cols};
        struct ps_shard s = io_make(rows, cols, (enum ps_dtype)l->type, (struct ps_range){0, rows});
        hid_t fcpl = H5Pcreate(H5P_FILE_CREATE), dcpl = create_list(l, (int)cols);
        if (l->user_block) H5Pset_userblock(fcpl, 1024);
        hsize_t grow[2] = {H5S_UNLIMITED, H5S_UNLIMITED}; /* chunks larger than the data want room to grow */
        int grows = l->chunk[0] > dims[0] || (cols && l->chunk[1] > dims[1]);
        hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, H5P_DEFAULT),
              space = H5Screate_simple(cols ? 2 : 1, dims, grows ? grow : NULL);
        hid_t set = H5Dcreate2(file, name, file_type(l->type, l->big), space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
        hid_t memory = H5Screate_simple(cols ? 2 : 1, part, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL);
        if (written) H5Dwrite(set, memory_type(l->type), memory, space, H5P_DEFAULT, s.data);
        H5Sclose(memory);
        H5Dclose(set);
        H5Sclose(space);
        H5Fclose(file);
        H5Pclose(dcpl);
        H5Pclose(fcpl);
        free(s.data);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void check_layout(const struct layout *l, int64_t rows, int64_t cols)
{
    int size;
    struct ps_shard s;
    struct ps_shard_info info;
    const char *path = io_path("l.h5");
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    make_file(path, "group-free name", rows, cols, l, rows);
    enum ps_status rc = ps_shard_info(MPI_COMM_WORLD, path, "", &info);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    struct ps_h5plan plan;
    struct ps_h5chunk *chunks;
    enum ps_h5way way =
        l->order || l->fletcher || l->compact || l->user_block || (l->deflate && !ps_h5_can_inflate())
            ? PS_H5_LIBRARY
        : l->chunk[0] ? PS_H5_CHUNKED
                      : PS_H5_CONTIGUOUS;
    rc = ps_h5_look(path, "", &plan, &chunks);
    if (plan.way == PS_H5_LOOKUP && plan.chunks_down * plan.chunks_across > 1000) way = PS_H5_LOOKUP;
    mck_assert(rc == PS_OK && plan.way == way, "%s is read in way %d, not %d", info.storage, plan.way, way);
    free(chunks);
    mck_assert(!l->what || !strcmp(info.storage, l->what), "storage is '%s', not '%s'", info.storage,
               l->what);
    rc = ps_shard_read(MPI_COMM_WORLD, path, "", &s);
    mck_assert(rc == PS_OK, "%s: %s", info.storage, ps_err_message());
    mck_assert(io_is(&s, rows, cols, (enum ps_dtype)l->type, io_rank(), size), "%s, %lld x %lld: other data",
               info.storage, (long long)rows, (long long)cols);
    ps_shard_free(&s);
}

START_TEST(layouts)
{
    static const struct layout list[] = {
        {.what = "contiguous", .type = PS_F32},
        {.what = "contiguous, bytes swapped", .type = PS_F64, .big = 1},
        {.what = "chunked 16x3", .chunk = {16, 3}, .type = PS_F32},
        {.what = "chunked 16x3, deflate", .chunk = {16, 3}, .deflate = 1, .type = PS_I16},
        {.what = "chunked 16x3, shuffle", .chunk = {16, 3}, .shuffle = 1, .type = PS_I64},
        {.what = "chunked 16x3, shuffle, deflate",
         .chunk = {16, 3},
         .shuffle = 1,
         .deflate = 1,
         .type = PS_F32},
        {.chunk = {7, 2},
         .shuffle = 1,
         .deflate = 1,
         .type = PS_U16}, /* chunks end beyond rows and columns */
        {.chunk = {7, 1}, .shuffle = 1, .deflate = 1, .type = PS_F64},
        {.chunk = {1, 3}, .deflate = 1, .type = PS_U8},
        {.chunk = {101, 1}, .shuffle = 1, .type = PS_I8},
        {.chunk = {100, 3}, .shuffle = 1, .deflate = 1, .big = 1, .type = PS_F32},
        {.chunk = {33, 2}, .shuffle = 1, .deflate = 1, .big = 1, .type = PS_I64},
        {.what = "chunked 16x3, deflate, shuffle",
         .chunk = {16, 3},
         .order = 1,
         .shuffle = 1,
         .type = PS_F32},
        {.what = "chunked 16x3, shuffle, deflate, fletcher32",
         .chunk = {16, 3},
         .shuffle = 1,
         .deflate = 1,
         .fletcher = 1,
         .type = PS_F32},
        {.what = "compact", .compact = 1, .type = PS_I32},
        {.chunk = {16, 3}, .shuffle = 1, .deflate = 1, .user_block = 1, .type = PS_F32},
        {.user_block = 1, .type = PS_F32},
        {.early = 1, .type = PS_U32},
        {.chunk = {300, 8}, .shuffle = 1, .deflate = 1, .type = PS_F32}, /* one chunk, larger than the data */
        {.chunk = {16, 8}, .type = PS_F64},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) check_layout(&list[i], 101, 3);
}
END_TEST

/** So many chunks that their places are not asked for one by one; more than a batch, too. */
START_TEST(many_chunks)
{
    static const struct layout list[] = {
        {.chunk = {1, 2}, .type = PS_F32},
        {.chunk = {2, 3}, .shuffle = 1, .deflate = 1, .type = PS_F64},
        {.chunk = {1, 1}, .shuffle = 1, .deflate = 1, .big = 1, .type = PS_I32}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) check_layout(&list[i], 5001, 3);
}
END_TEST

START_TEST(one_dimension)
{
    static const struct layout list[] = {{.type = PS_I64},
                                         {.what = "chunked 10, shuffle, deflate",
                                          .chunk = {10, 0},
                                          .shuffle = 1,
                                          .deflate = 1,
                                          .type = PS_F64},
                                         {.chunk = {1, 0}, .type = PS_U8},
                                         {.chunk = {4096, 0}, .deflate = 1, .big = 1, .type = PS_I16}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        check_layout(&list[i], 5000, 0);
        check_layout(&list[i], 1, 0);
    }
}
END_TEST

START_TEST(every_type_chunked)
{
    for (int t = 0; t < PS_NDTYPES; t++)
        for (int big = 0; big < 2; big++) {
            struct layout l = {.chunk = {64, 5}, .shuffle = 1, .deflate = 1, .big = big, .type = t};
            check_layout(&l, 1000, 5);
            l.chunk[1] = 3;
            check_layout(&l, 1000, 5);
        }
}
END_TEST

/** What was never written is the fill value, whichever way it is stored. */
START_TEST(partly_written)
{
    static const struct layout list[] = {{.chunk = {16, 3}, .deflate = 1, .type = PS_F32}, {.type = PS_F32}};
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int i = 0; i < 2; i++)
        for (int written = 0; written <= 32; written += 32) {
            struct ps_shard s;
            make_file(io_path("p.h5"), "A", 101, 3, &list[i], written);
            enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, io_path("p.h5"), "A", &s);
            mck_assert(rc == PS_OK, "%s", ps_err_message());
            struct ps_shard want = io_make(101, 3, PS_F32, s.mine);
            int wrong = 0;
            for (int64_t r = s.mine.lo; r < s.mine.hi; r++)
                for (int k = 0; k < 3; k++) {
                    int64_t at = (r - s.mine.lo) * 3 + k;
                    wrong += ((float *)s.data)[at] != (r < written ? ((float *)want.data)[at] : 0.0f);
                }
            mck_assert(!wrong, "%d values wrong with %d rows written", wrong, written);
            free(want.data);
            ps_shard_free(&s);
        }
}
END_TEST

/** Flip or cut bytes: each way of reading must notice, or read what is there; never hang. */
START_TEST(damage)
{
    struct layout chunked = {.chunk = {16, 3}, .shuffle = 1, .deflate = 1, .type = PS_F32},
                  plain = {.type = PS_F32};
    const char *path = io_path("d.h5");
    make_file(path, "A", 5001, 3, &plain, 5001);
    io_truncate(path, -100);
    io_fails(path, "A", PS_EINPUT, "truncated");
    io_truncate(path, 50);
    io_fails(path, "A", PS_EINPUT, "cannot be opened as HDF5");
    make_file(path, "A", 5001, 3, &chunked, 5001);
    if (io_rank() == 0) { /* overwrite the second half of the file's chunks */
        FILE *f = fopen(path, "r+b");
        fseek(f, 40000, SEEK_SET);
        for (int i = 0; i < 4000; i++) fputc(0xAA, f);
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    struct ps_shard s;
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, "A", &s);
    mck_assert(rc == PS_EINPUT, "damage passed unnoticed: %d", rc);
    mck_assert(strstr(ps_err_message(), path), "%s", ps_err_message());
}
END_TEST

static hid_t add(hid_t file, const char *name, hid_t type, int ndims)
{
    hsize_t dims[3] = {2, 2, 2};
    hid_t space = ndims ? H5Screate_simple(ndims, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    H5Dclose(set);
    return set;
}

START_TEST(refused_sets)
{
    const char *path = io_path("r.h5");
    if (io_rank() == 0) {
        hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, 8);
        add(file, "words", text, 1);
        add(file, "cube", H5T_NATIVE_FLOAT, 3);
        add(file, "single", H5T_NATIVE_FLOAT, 0);
        H5Gclose(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Tclose(text);
        H5Fclose(file);
        H5Fclose(H5Fcreate(io_path("none.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    io_fails(path, "", PS_EINPUT, "several data sets, name one of: cube, single, words");
    io_fails(path, "DATA", PS_EINPUT, "has no data set 'DATA'; it holds: cube, single, words");
    io_fails(path, "group", PS_EINPUT, "has no data set 'group'");
    io_fails(path, "words", PS_EINPUT, "not numeric");
    io_fails(path, "cube", PS_EINPUT, "3 dimensions");
    io_fails(path, "single", PS_EINPUT, "0 dimensions");
    io_fails(io_path("none.h5"), "", PS_EINPUT, "holds no data set");
}
END_TEST

static void expect(const char *path, const char *name, int64_t rows, int64_t cols, enum ps_dtype type)
{
    int size;
    struct ps_shard s;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, name, &s);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    mck_assert(io_is(&s, rows, cols, type, io_rank(), size), "%s: other data", name);
    ps_shard_free(&s);
}

static void put(const char *path, const char *name, int64_t rows, int64_t cols, enum ps_dtype type)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct ps_shard s = io_make(rows, cols, type, ps_block(rows, size, io_rank()));
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, path, name, &s);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    free(s.data);
}

START_TEST(other_sets_stay)
{
    struct layout chunked = {.chunk = {16, 3}, .shuffle = 1, .deflate = 1, .type = PS_F32, .user_block = 1};
    const char *path = io_path("k.h5");
    struct stat first, again;
    make_file(path, "DATA", 101, 3, &chunked, 101);
    put(path, "CLUSTERS", 101, 0, PS_I64);
    put(path, "/a/b/c", 7, 2, PS_U8);
    expect(path, "DATA", 101, 3, PS_F32);
    expect(path, "CLUSTERS", 101, 0, PS_I64);
    expect(path, "a/b/c", 7, 2, PS_U8);
    put(path, "CLUSTERS", 50, 2, PS_F64);
    stat(path, &first);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < 5; i++) put(path, "CLUSTERS", 50, 2, PS_F64);
    stat(path, &again);
    mck_assert(again.st_size <= first.st_size + 4096, "replacing makes the file grow from %lld to %lld",
               (long long)first.st_size, (long long)again.st_size);
    expect(path, "CLUSTERS", 50, 2, PS_F64);
    expect(path, "DATA", 101, 3, PS_F32);
    struct ps_shard s = io_make(3, 0, PS_I8, ps_block(3, 1, 0));
    if (io_rank()) s.mine.lo = s.mine.hi;
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, path, "a/b", &s);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "is a group"), "%s", ps_err_message());
    io_write_file(io_path("not.h5"), "hello there", 11);
    rc = ps_shard_write(MPI_COMM_WORLD, io_path("not.h5"), "A", &s);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "cannot be opened as HDF5"), "%s", ps_err_message());
    free(s.data);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        layouts,      many_chunks,     one_dimension, every_type_chunked, partly_written, damage,
        refused_sets, other_sets_stay, NULL};
    return mck_main(argc, argv, "h5file", tests);
}
#else
START_TEST(left_out)
{
    io_write_file(io_path("a.h5"), "\x89HDF\r\n\x1a\n", 8);
    io_fails(io_path("a.h5"), "", PS_EBACKEND, "HDF5 files are not supported in this build: install");
}
END_TEST
int main(int argc, char **argv)
{
    const TTest *const tests[] = {left_out, NULL};
    return mck_main(argc, argv, "h5file", tests);
}
#endif
