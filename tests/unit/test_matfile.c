/* ranks: 1 2 3 4 */
#include "iocheck.h"

#ifdef PS_HAVE_MATIO
#    include <matio.h>

static const enum matio_classes classes[PS_NDTYPES] = {MAT_C_INT8,   MAT_C_UINT8,  MAT_C_INT16, MAT_C_UINT16,
                                                       MAT_C_INT32,  MAT_C_UINT32, MAT_C_INT64, MAT_C_UINT64,
                                                       MAT_C_SINGLE, MAT_C_DOUBLE};
static const enum matio_types types[PS_NDTYPES] = {MAT_T_INT8,   MAT_T_UINT8,  MAT_T_INT16, MAT_T_UINT16,
                                                   MAT_T_INT32,  MAT_T_UINT32, MAT_T_INT64, MAT_T_UINT64,
                                                   MAT_T_SINGLE, MAT_T_DOUBLE};

/** Write a variable whose row-major pixels x bands are the known matrix; rank 0 alone. */
static void add(mat_t *mat, const char *name, int rank, const size_t *dims, enum ps_dtype type,
                enum matio_compression compression)
{
    size_t h = dims[0], w = rank == 3 ? dims[1] : 1, b = rank == 3 ? dims[2] : dims[1];
    uint64_t *x = malloc(h * w * b * sizeof *x);
    for (size_t i = 0; i < h; i++)
        for (size_t j = 0; j < w; j++)
            for (size_t k = 0; k < b; k++)
                io_put(x, (int64_t)(i + h * (j + w * k)), type, (int64_t)((i * w + j) * b + k));
    size_t copy[3] = {dims[0], dims[1], rank == 3 ? dims[2] : 1};
    matvar_t *m = Mat_VarCreate(name, classes[type], types[type], rank, copy, x, 0);
    Mat_VarWrite(mat, m, compression);
    Mat_VarFree(m);
    free(x);
}

static void make_one(const char *path, enum mat_ft version, int rank, const size_t *dims, enum ps_dtype type,
                     enum matio_compression compression)
{
    if (io_rank() == 0) {
        mat_t *mat = Mat_CreateVer(path, NULL, version);
        add(mat, "x", rank, dims, type, compression);
        Mat_Close(mat);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void expect(const char *path, const char *dataset, int64_t rows, int64_t cols, enum ps_dtype type,
                   const char *what)
{
    int size;
    struct ps_shard s;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, dataset, &s);
    mck_assert(rc == PS_OK, "%s %s: %s", what, io_types[type], ps_err_message());
    mck_assert(io_is(&s, rows, cols, type, io_rank(), size), "%s %s: other data", what, io_types[type]);
    ps_shard_free(&s);
}

/** All types, matrices and cubes, plain, compressed, and in HDF5. */
START_TEST(variants)
{
    static const struct {
        const char *name;
        enum mat_ft version;
        enum matio_compression compression;
    } forms[] = {{"plain", MAT_FT_MAT5, MAT_COMPRESSION_NONE},
                 {"compressed", MAT_FT_MAT5, MAT_COMPRESSION_ZLIB},
                 {"7.3", MAT_FT_MAT73, MAT_COMPRESSION_NONE}};
    const size_t cube[3] = {7, 5, 33}, matrix[2] = {13, 4}, column[2] = {11, 1}, row[2] = {1, 11};
    const char *path = io_path("a.mat");
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (int t = 0; t < PS_NDTYPES; t++) {
            enum ps_dtype type = (enum ps_dtype)t;
            make_one(path, forms[f].version, 3, cube, type, forms[f].compression);
            expect(path, "", 35, 33, type, forms[f].name);
            make_one(path, forms[f].version, 2, matrix, type, forms[f].compression);
            expect(path, "x", 13, 4, type, forms[f].name);
            make_one(path, forms[f].version, 2, column, type, forms[f].compression);
            expect(path, "", 11, 0, type, forms[f].name);
            make_one(path, forms[f].version, 2, row, type, forms[f].compression);
            expect(path, "", 11, 0, type, forms[f].name);
        }
}
END_TEST

/** More bytes than are read at once, so that bands come in pieces. */
START_TEST(large_cube)
{
    const size_t cube[3] = {301, 299, 95};
    const char *path = io_path("large.mat");
    make_one(path, MAT_FT_MAT5, 3, cube, PS_F64, MAT_COMPRESSION_NONE);
    expect(path, "", 301 * 299, 95, PS_F64, "large");
    const size_t matrix[2] = {1000000, 9};
    make_one(path, MAT_FT_MAT5, 2, matrix, PS_F64, MAT_COMPRESSION_NONE);
    expect(path, "", 1000000, 9, PS_F64, "large");
    if (io_rank() == 0) unlink(path);
}
END_TEST

/** Choosing among variables, and what cannot be read. */
START_TEST(several)
{
    const size_t matrix[2] = {3, 4}, one[2] = {1, 1}, four[4] = {2, 2, 2, 2}, text[2] = {1, 5};
    const char *path = io_path("b.mat");
    if (io_rank() == 0) {
        mat_t *mat = Mat_CreateVer(path, NULL, MAT_FT_MAT5);
        double x[16] = {0};
        mat_complex_split_t parts = {x, x};
        size_t dims[4];
        add(mat, "scalar", 2, one, PS_F64, MAT_COMPRESSION_NONE);
        add(mat, "good", 2, matrix, PS_I16, MAT_COMPRESSION_ZLIB);
        memcpy(dims, four, sizeof four);
        matvar_t *m = Mat_VarCreate("four", MAT_C_DOUBLE, MAT_T_DOUBLE, 4, dims, x, 0);
        Mat_VarWrite(mat, m, MAT_COMPRESSION_NONE);
        Mat_VarFree(m);
        memcpy(dims, matrix, sizeof matrix);
        m = Mat_VarCreate("complex", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &parts, MAT_F_COMPLEX);
        Mat_VarWrite(mat, m, MAT_COMPRESSION_NONE);
        Mat_VarFree(m);
        memcpy(dims, text, sizeof text);
        m = Mat_VarCreate("text", MAT_C_CHAR, MAT_T_UINT8, 2, dims, "words", 0);
        Mat_VarWrite(mat, m, MAT_COMPRESSION_NONE);
        Mat_VarFree(m);
        Mat_Close(mat);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    expect(path, "", 3, 4, PS_I16, "the only matrix"); /* scalars do not count */
    expect(path, "scalar", 1, 0, PS_F64, "a scalar by name");
    io_fails(path, "four", PS_EINPUT, "no matrix or cube of real numbers is four");
    io_fails(path, "complex", PS_EINPUT, "good (3 x 4)");
    io_fails(path, "text", PS_EINPUT, "no matrix or cube");
    io_fails(path, "none", PS_EINPUT, "has no variable 'none'; it holds: scalar (1 x 1), good (3 x 4)");
    if (io_rank() == 0) {
        mat_t *mat = Mat_Open(path, MAT_ACC_RDWR);
        add(mat, "second", 2, matrix, PS_F64, MAT_COMPRESSION_NONE);
        Mat_Close(mat);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    io_fails(path, "", PS_EINPUT, "holds several variables, name one of");
}
END_TEST

/** Files that are cut are refused wherever they are cut. */
START_TEST(truncated)
{
    const size_t cube[3] = {9, 8, 7};
    const char *path = io_path("cut.mat");
    struct stat st;
    for (int c = 0; c < 2; c++)
        for (long cut = 1; cut < 300; cut += 37) {
            make_one(path, MAT_FT_MAT5, 3, cube, PS_F64, c ? MAT_COMPRESSION_ZLIB : MAT_COMPRESSION_NONE);
            io_truncate(path, -cut);
            io_fails(path, "", PS_EINPUT, "truncated");
        }
    for (long keep = 128; keep < 140; keep += 4) {
        make_one(path, MAT_FT_MAT5, 3, cube, PS_F64, MAT_COMPRESSION_NONE);
        io_truncate(path, keep);
        mck_assert(stat(path, &st) == 0 && st.st_size == keep, "the file could not be cut");
        io_fails(path, "", PS_EINPUT, keep == 128 ? "holds no variable" : "truncated");
    }
    make_one(path, MAT_FT_MAT73, 3, cube, PS_F64, MAT_COMPRESSION_NONE);
    io_truncate(path, -100);
    io_fails(path, "", PS_EINPUT, "cannot be opened as HDF5");
    io_write_file(path, "MATLAB 5.0 MAT-file", 20);
    io_fails(path, "", PS_EINPUT, "is named like a MATLAB file but does not begin like one");
}
END_TEST
#else
/** The message names what is missing. */
START_TEST(missing)
{
    unsigned char head[256] = "MATLAB 5.0 MAT-file, Platform: none";
    io_write_file(io_path("a.mat"), head, sizeof head);
    io_fails(io_path("a.mat"), "", PS_EBACKEND, "libmatio");
}
END_TEST
#endif

int main(int argc, char **argv)
{
    const TTest *tests[] = {
#ifdef PS_HAVE_MATIO
        variants, large_cube, several, truncated,
#else
        missing,
#endif
        NULL};
    return mck_main(argc, argv, "matfile", tests);
}
