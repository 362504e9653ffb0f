/* ranks: 1 2 3 4 */
#include "iocheck.h"
#ifdef PS_HAVE_ZLIB
#    include <zlib.h>

enum { ROOM = 1 << 21 };

/** How an archive is written. */
struct style {
    bool deflated, wide, streamed; /* wide: 64-bit sizes; streamed: sizes follow the data */
    const char *comment;
};

/** An archive that grows in memory: members, then the directory. */
static struct {
    unsigned char bytes[ROOM], dir[4096];
    size_t n, dir_n;
    int members;
} zip;

static void le(unsigned char **p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8) *(*p)++ = (unsigned char)value;
}

/** Fields that the header of a member and its entry of the directory share. */
static void fields(unsigned char **p, const char *name, struct style s, uint32_t crc, uint64_t packed,
                   uint64_t bytes, int extra)
{
    le(p, s.wide ? 45 : 20, 2);
    le(p, s.streamed ? 8 : 0, 2);
    le(p, s.deflated ? 8 : 0, 2);
    le(p, 0, 4);
    le(p, crc, 4);
    le(p, s.wide ? 0xffffffff : packed, 4);
    le(p, s.wide ? 0xffffffff : bytes, 4);
    le(p, strlen(name), 2);
    le(p, (uint64_t)extra, 2);
}

static void text(unsigned char **p, const char *s)
{
    memcpy(*p, s, strlen(s));
    *p += strlen(s);
}

static void add(const char *name, const unsigned char *data, size_t n, struct style s)
{
    static unsigned char packed[ROOM];
    const uint64_t at = zip.n;
    const uint32_t crc = (uint32_t)crc32(0, data, (unsigned)n);
    size_t length = n;
    if (s.deflated) {
        z_stream z = {
            .next_in = (unsigned char *)data, .avail_in = (unsigned)n, .next_out = packed, .avail_out = ROOM};
        deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        length = z.total_out;
        deflateEnd(&z);
    } else {
        memcpy(packed, data, n);
    }
    unsigned char *p = zip.bytes + zip.n;
    text(&p, "PK\3\4");
    fields(&p, name, s, s.streamed ? 0 : crc, s.streamed ? 0 : length, s.streamed ? 0 : n, s.wide ? 20 : 0);
    text(&p, name);
    if (s.wide) le(&p, 1, 2), le(&p, 16, 2), le(&p, n, 8), le(&p, length, 8);
    memcpy(p, packed, length);
    p += length;
    if (s.streamed)
        text(&p, "PK\7\10"), le(&p, crc, 4), le(&p, length, s.wide ? 8 : 4), le(&p, n, s.wide ? 8 : 4);
    zip.n = (size_t)(p - zip.bytes);
    p = zip.dir + zip.dir_n;
    text(&p, "PK\1\2");
    le(&p, 45, 2);
    fields(&p, name, s, crc, length, n, s.wide ? 4 + 3 + 28 : 0);
    le(&p, 0, 10);
    le(&p, s.wide ? 0xffffffff : at, 4);
    text(&p, name);
    if (s.wide) /* another field comes first */
        le(&p, 0x7855, 2), le(&p, 3, 2), le(&p, 0, 3), le(&p, 1, 2), le(&p, 24, 2), le(&p, n, 8),
            le(&p, length, 8), le(&p, at, 8);
    zip.dir_n = (size_t)(p - zip.dir);
    zip.members++;
}

/** Directory and end; into a file. */
static const char *finish(const char *name, struct style s)
{
    const uint64_t at = zip.n;
    unsigned char *p = zip.bytes + zip.n;
    memcpy(p, zip.dir, zip.dir_n);
    p += zip.dir_n;
    const uint64_t end = (uint64_t)(p - zip.bytes);
    if (s.wide) {
        text(&p, "PK\6\6");
        le(&p, 44, 8), le(&p, 45, 2), le(&p, 45, 2), le(&p, 0, 8);
        le(&p, (uint64_t)zip.members, 8), le(&p, (uint64_t)zip.members, 8), le(&p, zip.dir_n, 8),
            le(&p, at, 8);
        text(&p, "PK\6\7");
        le(&p, 0, 4), le(&p, end, 8), le(&p, 1, 4);
    }
    text(&p, "PK\5\6");
    le(&p, 0, 4), le(&p, (uint64_t)zip.members, 2), le(&p, (uint64_t)zip.members, 2);
    le(&p, s.wide ? 0xffffffff : zip.dir_n, 4), le(&p, s.wide ? 0xffffffff : at, 4);
    le(&p, s.comment ? strlen(s.comment) : 0, 2);
    if (s.comment) text(&p, s.comment);
    zip.n = (size_t)(p - zip.bytes);
    io_write_file(io_path(name), zip.bytes, zip.n);
    return io_path(name);
}

static void start(void)
{
    zip.n = zip.dir_n = 0;
    zip.members = 0;
}

/** A .npy file of the known matrix. @return bytes */
static size_t compose(unsigned char *out, const char *shape, const char *code, enum ps_dtype type,
                      int64_t rows, int64_t width, bool fortran)
{
    memset(out, ' ', 128);
    memcpy(out, "\x93NUMPY\1\0\x76\0", 10);
    out[10 + sprintf((char *)out + 10, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", code,
                     fortran ? "True" : "False", shape)] = ' ';
    out[127] = '\n';
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < width; k++)
            io_put(out + 128, fortran ? k * rows + i : i * width + k, type, i * width + k);
    return 128 + (size_t)(rows * width) * ps_dtype_size(type);
}

static void expect(const char *path, const char *name, int64_t rows, int64_t cols, enum ps_dtype type)
{
    int size;
    struct ps_shard s;
    struct ps_shard_info i;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, name, &s);
    mck_assert(rc == PS_OK, "%s: %s", name, ps_err_message());
    mck_assert(io_is(&s, rows, cols, type, io_rank(), size), "%s: other data", name);
    ps_shard_free(&s);
    rc = ps_shard_info(MPI_COMM_WORLD, path, name, &i);
    mck_assert(rc == PS_OK && i.rows == rows && i.cols == cols && i.type == type && !strcmp(i.format, "npz"),
               "%s: %s", name, ps_err_message());
}

static unsigned char npy[ROOM];

/** Stored or deflated, 64-bit sizes or not, sizes before or after the data, a comment that looks like an end;
 * both orders of elements, longer than what is unpacked at once. */
START_TEST(variants)
{
    for (int v = 0; v < 16; v++) {
        const struct style s = {.deflated = v & 1,
                                .wide = v & 2,
                                .streamed = v & 4,
                                .comment =
                                    v & 8 ? "a comment, PK\5\6 and more than twenty-two letters" : NULL};
        start();
        add("readme.txt", (const unsigned char *)"hello", 5, s);
        add("y.npy", npy, compose(npy, "(5,)", "|u1", PS_U8, 5, 1, false), s);
        add("x_train.npy", npy, compose(npy, "(311, 28, 28)", "<f4", PS_F32, 311, 784, false), s);
        add("x.npy.npy", npy, compose(npy, "(70001, 2)", "<f8", PS_F64, 70001, 2, true), s);
        add("empty.npy", npy, compose(npy, "(0, 3)", "<i4", PS_I32, 0, 3, false), s);
        const char *path = finish("a.npz", s);
        expect(path, "x_train", 311, 784, PS_F32);
        expect(path, "x_train.npy", 311, 784, PS_F32);
        expect(path, "x.npy", 70001, 2, PS_F64);
        expect(path, "y", 5, 0, PS_U8);
        expect(path, "empty", 0, 3, PS_I32);
    }
}
END_TEST

START_TEST(names)
{
    const struct style s = {0};
    start();
    add("one.npy", npy, compose(npy, "(5,)", "|u1", PS_U8, 5, 1, false), s);
    expect(finish("a.npz", s), "", 5, 0, PS_U8);
    io_fails(io_path("a.npz"), "two", PS_EINPUT, "has no array 'two'; it holds: one");
    start();
    add("one.npy", npy, compose(npy, "(5,)", "|u1", PS_U8, 5, 1, false), s);
    add("two.npy", npy, 133, s);
    io_fails(finish("a.npz", s), "", PS_EINPUT, "several arrays, name one of: one, two");
    start();
    add("one.txt", npy, 133, s);
    io_fails(finish("a.npz", s), "", PS_EINPUT, "holds no array");
    start();
    io_fails(finish("a.npz", s), "", PS_EINPUT, "holds no array");
}
END_TEST

/** Make an archive with one array, with byte `at` of the file (from its end if at < 0) changed. */
static const char *spoiled(struct style s, long at, int change)
{
    start();
    add("x.npy", npy, compose(npy, "(100, 700)", "<f4", PS_F32, 100, 700, false), s);
    finish("b.npz", s);
    zip.bytes[at < 0 ? (long)zip.n + at : at] ^= (unsigned char)change;
    io_write_file(io_path("b.npz"), zip.bytes, zip.n);
    return io_path("b.npz");
}

START_TEST(damaged)
{
    enum { HEAD = 30 + 5, NPY = 128, ENTRY = 46 + 5, END = 22 };
    const struct style stored = {0}, deflated = {.deflated = true};
    const long dir = -ENTRY - END;
    expect(spoiled(stored, 0, 0), "x", 100, 700, PS_F32);
    expect(spoiled(deflated, 0, 0), "x", 100, 700, PS_F32);
    io_fails(spoiled(stored, HEAD + NPY + 100000, 1), "x", PS_EINPUT, "b.npz(x): is damaged: its checksum");
    io_fails(spoiled(stored, HEAD + NPY + 279999, 128), "x", PS_EINPUT, "b.npz(x): is damaged: its checksum");
    io_fails(spoiled(stored, HEAD + 40, 1), "x", PS_EINPUT, "b.npz(x): ");
    io_fails(spoiled(deflated, HEAD + 900, 255), "x", PS_EINPUT, "b.npz(x): is damaged");
    io_fails(spoiled(deflated, dir + 16, 1), "x", PS_EINPUT, "b.npz(x): is damaged: its checksum");
    io_fails(spoiled(stored, dir + 8, 1), "x", PS_EINPUT, "b.npz(x): is encrypted");
    io_fails(spoiled(stored, dir + 10, 12), "x", PS_EINPUT, "b.npz(x): is packed by method 12");
    io_fails(spoiled(stored, dir + 24, 1), "x", PS_EINPUT, "its two sizes differ");
    io_fails(spoiled(deflated, dir + 24, 1), "x", PS_EINPUT, "b.npz(x): ");
    io_fails(spoiled(deflated, dir + 27, 64), "x", PS_EINPUT, "cannot unpack to 1074021952");
    io_fails(spoiled(stored, dir + 23, 64), "x", PS_EINPUT, "directory at the end is damaged");
    io_fails(spoiled(stored, dir, 1), "x", PS_EINPUT, "directory at the end is damaged");
    io_fails(spoiled(stored, dir + 44, 1), "x", PS_EINPUT, "directory at the end is damaged");
    io_fails(spoiled(stored, dir + 42, 1), "x", PS_EINPUT, "its header cannot be read");
    io_fails(spoiled(stored, 27, 255), "x", PS_EINPUT, "its header cannot be read");
    io_fails(spoiled(stored, -6, 1), "x", PS_EINPUT, "directory at the end is damaged");
    for (long cut = -1; cut > -200; cut -= 18) {
        spoiled(stored, 0, 0);
        io_truncate(io_path("b.npz"), cut);
        io_fails(io_path("b.npz"), "x", PS_EINPUT, "directory at the end is damaged or cut off");
    }
    start();
    add("x.npy", npy, compose(npy, "(100, 700)", "<f4", PS_F32, 100, 700, false) - 1, stored);
    io_fails(finish("b.npz", stored), "x", PS_EINPUT,
             "b.npz(x): truncated: its header promises 280128 bytes");
    start();
    add("x.npy", npy, compose(npy, "(10,)", "|b1", PS_U8, 10, 1, false), deflated);
    io_fails(finish("b.npz", deflated), "x", PS_EINPUT, "b.npz(x): holds booleans");
    struct ps_shard s = io_make(4, 2, PS_U8, (struct ps_range){0, io_rank() ? 0 : 4});
    if (io_rank()) s.mine = (struct ps_range){4, 4};
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, io_path("c.npz"), "", &s);
    ps_shard_free(&s);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "read only"), "%s", ps_err_message());
}
END_TEST
#else
START_TEST(missing)
{
    io_write_file(io_path("a.npz"), "PK\3\4 and some more letters", 27);
    io_fails(io_path("a.npz"), "x", PS_EBACKEND, "zlib");
}
END_TEST
#endif

int main(int argc, char **argv)
{
#ifdef PS_HAVE_ZLIB
    const TTest *const tests[] = {variants, names, damaged, NULL};
#else
    const TTest *const tests[] = {missing, NULL};
#endif
    return mck_main(argc, argv, "npzfile", tests);
}
