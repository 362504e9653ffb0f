/* ranks: 1 2 3 */
#include "iocheck.h"
#include "common/io/npyhead.h"

/** Rank 0 writes a .npy file from its header text and data. */
static void make_file(const char *path, int version, const char *dict, const void *data, size_t bytes)
{
    char head[512];
    size_t n = strlen(dict), start = version == 1 ? 10 : 12, len = (start + n + 1 + 63) / 64 * 64 - start;
    if (io_rank() == 0) {
        memcpy(head, "\x93NUMPY", 6);
        head[6] = (char)version;
        head[7] = 0;
        memset(head + 8, 0, 4);
        head[8] = (char)len;
        head[9] = (char)(len >> 8);
        memset(head + start, ' ', len);
        memcpy(head + start, dict, n);
        head[start + len - 1] = '\n';
        FILE *f = fopen(path, "wb");
        fwrite(head, 1, start + len, f);
        fwrite(data, 1, bytes, f);
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void expect(int64_t rows, int64_t cols, enum ps_dtype type, const char *what)
{
    int size;
    struct ps_shard s;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, io_path("a.npy"), "", &s);
    mck_assert(rc == PS_OK, "%s: %s", what, ps_err_message());
    mck_assert(io_is(&s, rows, cols, type, io_rank(), size), "%s: other data", what);
    ps_shard_free(&s);
}

static void reverse(void *data, int64_t n, size_t size)
{
    unsigned char *b = data;
    for (int64_t i = 0; i < n; i++, b += size)
        for (size_t k = 0; k < size / 2; k++) {
            unsigned char x = b[k];
            b[k] = b[size - 1 - k];
            b[size - 1 - k] = x;
        }
}

/** All types in both byte orders, both orders of elements, all versions. */
START_TEST(variants)
{
    static const char *const code[] = {"i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"};
    enum { ROWS = 113, COLS = 4 };
    char dict[128];
    uint64_t bytes[ROWS * COLS];
    for (int t = 0; t < PS_NDTYPES; t++)
        for (int big = 0; big < 2; big++)
            for (int fortran = 0; fortran < 2; fortran++) {
                size_t size = ps_dtype_size((enum ps_dtype)t);
                char order = size == 1 ? '|' : big ? '>' : fortran ? '=' : '<';
                for (int64_t i = 0; i < ROWS; i++)
                    for (int64_t k = 0; k < COLS; k++)
                        io_put(bytes, fortran ? k * ROWS + i : i * COLS + k, (enum ps_dtype)t, i * COLS + k);
                if (big) reverse(bytes, ROWS * COLS, size);
                snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (%d, %d), }",
                         order, code[t], fortran ? "True" : "False", ROWS, COLS);
                make_file(io_path("a.npy"), 1 + t % 3, dict, bytes, ROWS * COLS * size);
                expect(ROWS, COLS, (enum ps_dtype)t, dict);
            }
}
END_TEST

/** Column-major and longer than the piece that is read at once. */
START_TEST(long_columns)
{
    enum { ROWS = 100003, COLS = 2 };
    float *x = malloc(sizeof *x * ROWS * COLS);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t k = 0; k < COLS; k++) io_put(x, k * ROWS + i, PS_F32, i * COLS + k);
    make_file(io_path("a.npy"), 1, "{'descr':'<f4','fortran_order':True,'shape':(100003,2)}", x,
              sizeof *x * ROWS * COLS);
    free(x);
    expect(ROWS, COLS, PS_F32, "long columns");
}
END_TEST

/** Writings of the header that other programs use. */
START_TEST(spellings)
{
    static const char *const dict[] = {
        "{'shape': (3,), 'descr': '<i2', 'fortran_order': False}",
        "{\"descr\": \"<i2\", \"fortran_order\": False, \"shape\": (3,), }",
        "{'descr':'<i2','fortran_order':True,'shape':(3L,)}",
        "{ 'descr' : '<i2' ,\t'fortran_order' : False , 'shape' : ( 3 , ) , }",
    };
    int16_t x[3];
    for (int i = 0; i < 3; i++) io_put(x, i, PS_I16, i);
    for (int i = 0; i < 4; i++) {
        make_file(io_path("a.npy"), 1, dict[i], x, sizeof x);
        expect(3, 0, PS_I16, dict[i]);
    }
}
END_TEST

static void expect_lines(int64_t lines)
{
    struct ps_shard_info info;
    const enum ps_status rc = ps_shard_info(MPI_COMM_WORLD, io_path("a.npy"), "", &info);
    mck_assert(rc == PS_OK && info.lines == lines, "pictures of %lld lines", (long long)info.lines);
}

/** Of pictures, a row is one picture. */
START_TEST(dimensions)
{
    uint8_t x[7 * 24];
    for (int i = 0; i < 7 * 24; i++) io_put(x, i, PS_U8, i);
    make_file(io_path("a.npy"), 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (7, 4, 3, 2), }", x,
              sizeof x);
    expect(7, 24, PS_U8, "four dimensions");
    expect_lines(0);
    make_file(io_path("a.npy"), 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (7, 4, 6), }", x,
              sizeof x);
    expect(7, 24, PS_U8, "three dimensions");
    expect_lines(4);
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *dict, *words;
    } list[] = {
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "booleans"},
        {"{'descr': '<c16', 'fortran_order': False, 'shape': (3,), }", "complex"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "Python objects"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", "16-bit floats"},
        {"{'descr': '<U7', 'fortran_order': False, 'shape': (3,), }", "not of a numeric type"},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,), }", "fields with names"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "single number"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 3, 1), }",
         "more than 2 dimensions in Fortran"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 0), }", "no columns"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4294967296, 4294967296), }",
         "impossible shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }", "no columns"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "impossible shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, }", "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}", "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (300,), }", "truncated"},
        {"", "damaged"},
    };
    float x[3] = {1, 2, 3};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        make_file(io_path("a.npy"), 1, list[i].dict, x, sizeof x);
        io_fails(io_path("a.npy"), "", PS_EINPUT, list[i].words);
    }
    make_file(io_path("a.npy"), 4, list[0].dict, x, sizeof x);
    io_fails(io_path("a.npy"), "", PS_EINPUT, "unknown version");
    make_file(io_path("a.npy"), 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", x, sizeof x);
    io_truncate(io_path("a.npy"), -1);
    io_fails(io_path("a.npy"), "", PS_EINPUT, "truncated");
    io_truncate(io_path("a.npy"), 30);
    io_fails(io_path("a.npy"), "", PS_EINPUT, "truncated in its header");
    io_truncate(io_path("a.npy"), 7);
    io_fails(io_path("a.npy"), "", PS_EINPUT, "not a .npy file");
}
END_TEST

/** What we write as a header is what the format asks for. */
START_TEST(own_header)
{
    char head[256];
    struct ps_npy h;
    int n = ps_npy_header(INT64_MAX / 64, 3, PS_F64, head);
    ck_assert_int_eq(n % 64, 0);
    ck_assert_int_eq(head[n - 1], '\n');
    ck_assert_ptr_null(ps_npy_parse((unsigned char *)head, n, &h));
    ck_assert(h.rows == INT64_MAX / 64 && h.cols == 3 && h.type == PS_F64 && !h.swap && !h.fortran &&
              h.offset == n);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {variants, long_columns, spellings, dimensions, refused, own_header, NULL};
    return mck_main(argc, argv, "npyfile", tests);
}
