/* ranks: 1 2 3 4 */
#include "iocheck.h"
#ifdef PS_HAVE_ZLIB
#    include <zlib.h>
#endif

static const struct {
    enum ps_dtype type;
    unsigned char code;
} types[] = {{PS_U8, 8}, {PS_I8, 9}, {PS_I16, 11}, {PS_I32, 12}, {PS_F32, 13}, {PS_F64, 14}};
enum { NTYPES = sizeof types / sizeof *types, ROOM = 1 << 16 };

/** Header and big-endian values of the known matrix. @return bytes */
static size_t compose(unsigned char *out, unsigned char code, enum ps_dtype type, int ndims, const int *dims)
{
    size_t n = 0, size = ps_dtype_size(type), count = 1;
    uint64_t value;
    out[n++] = 0, out[n++] = 0, out[n++] = code, out[n++] = (unsigned char)ndims;
    for (int k = 0; k < ndims; k++) {
        for (int shift = 24; shift >= 0; shift -= 8) out[n++] = (unsigned char)(dims[k] >> shift);
        count *= (size_t)dims[k];
    }
    for (size_t i = 0; i < count; i++) {
        io_put(&value, 0, type, (int64_t)i);
        for (size_t b = size; b-- > 0;) out[n++] = ((unsigned char *)&value)[b];
    }
    return n;
}

static void pack(const char *path, const unsigned char *bytes, size_t n)
{
#ifdef PS_HAVE_ZLIB
    if (io_rank() == 0) {
        gzFile f = gzopen(path, "wb");
        gzwrite(f, bytes, (unsigned)n);
        gzclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
#else
    io_write_file(path, bytes, n);
#endif
}

static void expect(const char *path, int64_t rows, int64_t cols, int64_t lines, enum ps_dtype type)
{
    int size;
    struct ps_shard s;
    struct ps_shard_info info;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, "", &s);
    mck_assert(rc == PS_OK, "%s: %s", io_types[type], ps_err_message());
    mck_assert(ps_shard_info(MPI_COMM_WORLD, path, "", &info) == PS_OK && info.lines == lines,
               "pictures of %lld lines", (long long)info.lines);
    mck_assert(io_is(&s, rows, cols, type, io_rank(), size), "%s: other data", io_types[type]);
    ps_shard_free(&s);
}

START_TEST(variants)
{
    static unsigned char bytes[ROOM];
    const int list[1] = {97}, matrix[2] = {31, 5}, pictures[3] = {17, 4, 6}, one[4] = {1, 2, 3, 4},
              none[2] = {0, 3};
    for (int t = 0; t < NTYPES; t++)
        for (int packed = 0; packed < 2; packed++) {
            const char *path = io_path(packed ? "a-ubyte.gz" : "a-ubyte");
            void (*put)(const char *, const unsigned char *, size_t) = pack;
#define EXPECT(dims, n, rows, cols, lines)                                   \
    do {                                                                     \
        size_t size = compose(bytes, types[t].code, types[t].type, n, dims); \
        if (packed)                                                          \
            put(path, bytes, size);                                          \
        else                                                                 \
            io_write_file(path, bytes, size);                                \
        expect(path, rows, cols, lines, types[t].type);                      \
    } while (0)
            EXPECT(list, 1, 97, 0, 0);
            EXPECT(matrix, 2, 31, 5, 0);
            EXPECT(pictures, 3, 17, 24, 4);
            EXPECT(one, 4, 1, 24, 0);
            EXPECT(none, 2, 0, 3, 0);
        }
}
END_TEST

START_TEST(refused)
{
    static unsigned char bytes[ROOM];
    const int dims[2] = {50, 20};
    const char *path = io_path("b-ubyte");
    size_t n = compose(bytes, 8, PS_U8, 2, dims);
    io_write_file(path, bytes, n - 1);
    io_fails(path, "", PS_EINPUT, "truncated: its header promises 1012 bytes, the file has 1011");
    io_write_file(path, bytes, n + 1);
    io_fails(path, "", PS_EINPUT, "promises 1012 bytes, the file has 1013");
    io_write_file(path, bytes, 10);
    io_fails(path, "", PS_EINPUT, "no known format");
    bytes[2] = 10;
    io_write_file(path, bytes, n);
    io_fails(path, "", PS_EINPUT, "no known format");
    const int huge[3] = {0x7fffffff, 0x7fffffff, 0x7fffffff};
    compose(bytes, 14, PS_F64, 1, dims); /* a header to write over: no array is that large */
    bytes[3] = 3;
    for (int k = 0; k < 3; k++)
        for (int b = 0; b < 4; b++) bytes[4 + 4 * k + b] = (unsigned char)(huge[k] >> (24 - 8 * b));
    io_write_file(path, bytes, 100);
    io_fails(path, "", PS_EINPUT, "impossible shape");
#ifdef PS_HAVE_ZLIB
    n = compose(bytes, 8, PS_U8, 2, dims);
    pack(path, bytes, n - 1);
    io_fails(path, "", PS_EINPUT, "truncated or damaged");
    pack(path, bytes, n);
    io_truncate(path, -300);
    io_fails(path, "", PS_EINPUT, "truncated or damaged");
#endif
    struct ps_shard s = io_make(4, 2, PS_U8, (struct ps_range){0, 0});
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, io_path("a.idx"), "", &s);
    ps_shard_free(&s);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "no format that can be written"), "%s",
               ps_err_message());
}
END_TEST

#ifdef PS_HAVE_ZLIB
/** MNIST's known means and first label. */
START_TEST(mnist)
{
    const char *data = getenv("DATA");
    char path[600];
    struct ps_shard s;
    snprintf(path, sizeof path, "%s/mnist/train-images-idx3-ubyte.gz", data ? data : "");
    if (access(path, R_OK)) return;
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, "", &s);
    mck_assert(rc == PS_OK && s.rows == 60000 && s.cols == 784 && s.type == PS_U8, "%s", ps_err_message());
    int64_t sum = 0;
    for (int64_t i = 0; i < (s.mine.hi - s.mine.lo) * 784; i++) sum += ((uint8_t *)s.data)[i];
    ps_shard_free(&s);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    double mean = (double)sum / 60000 / 784;
    mck_assert(mean > 33.3175 && mean < 33.3185, "mean %.9g", mean);
    snprintf(path, sizeof path, "%s/mnist/train-labels-idx1-ubyte.gz", data);
    rc = ps_shard_read(MPI_COMM_WORLD, path, "", &s);
    mck_assert(rc == PS_OK && s.rows == 60000 && s.cols == 0, "%s", ps_err_message());
    mck_assert(io_rank() != 0 || ((uint8_t *)s.data)[0] == 5, "the first digit is a 5");
    ps_shard_free(&s);
}
END_TEST
#endif

int main(int argc, char **argv)
{
    const TTest *tests[] = {variants, refused,
#ifdef PS_HAVE_ZLIB
                            mnist,
#endif
                            NULL};
    return mck_main(argc, argv, "idxfile", tests);
}
