/* ranks: 1 2 3 */
#include "iocheck.h"

#ifdef PS_HAVE_PNETCDF
#    include <pnetcdf.h>

/** All ranks make a file of a CDF version with a table over a fixed and a list over an unlimited dimension,
 * and a second variable of the latter, so that records alternate. */
static void make_file(const char *path, int version)
{
    int nc, dims[3], table, list, other, rank = io_rank();
    int mode = NC_CLOBBER | (version == 5 ? NC_64BIT_DATA : version == 2 ? NC_64BIT_OFFSET : 0);
    ncmpi_create(MPI_COMM_WORLD, path, mode, MPI_INFO_NULL, &nc);
    ncmpi_def_dim(nc, "x", 50, &dims[0]);
    ncmpi_def_dim(nc, "y", 3, &dims[1]);
    ncmpi_def_dim(nc, "time", NC_UNLIMITED, &dims[2]);
    ncmpi_def_var(nc, "table", NC_FLOAT, 2, dims, &table);
    int by_record[2] = {dims[2], dims[1]};
    ncmpi_def_var(nc, "list", NC_INT, 2, by_record, &list);
    ncmpi_def_var(nc, "other", NC_DOUBLE, 1, &dims[2], &other);
    ncmpi_enddef(nc);
    struct ps_shard a = io_make(50, 3, PS_F32, ps_block(50, 1, 0)),
                    b = io_make(20, 3, PS_I32, ps_block(20, 1, 0)),
                    c = io_make(20, 0, PS_F64, ps_block(20, 1, 0));
    MPI_Offset start[2] = {0, 0}, na[2] = {rank ? 0 : 50, 3}, nb[2] = {rank ? 0 : 20, 3};
    ncmpi_put_vara_float_all(nc, table, start, na, a.data);
    ncmpi_put_vara_int_all(nc, list, start, nb, b.data);
    ncmpi_put_vara_double_all(nc, other, start, nb, c.data);
    ncmpi_close(nc);
    free(a.data);
    free(b.data);
    free(c.data);
}

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

START_TEST(versions)
{
    static const int version[] = {1, 2, 5};
    for (int i = 0; i < 3; i++) {
        char words[16];
        struct ps_shard_info info;
        const char *path = io_path("v.nc");
        make_file(path, version[i]);
        expect(path, "table", 50, 3, PS_F32);
        expect(path, "list", 20, 3, PS_I32);
        expect(path, "other", 20, 0, PS_F64);
        snprintf(words, sizeof words, "CDF-%d", version[i]);
        enum ps_status rc = ps_shard_info(MPI_COMM_WORLD, path, "list", &info);
        mck_assert(rc == PS_OK && strstr(info.storage, words) && strstr(info.storage, "by records"), "%s",
                   info.storage);
    }
}
END_TEST

START_TEST(refused)
{
    const char *path = io_path("r.nc");
    make_file(path, 5);
    io_fails(path, "", PS_EINPUT, "several variables, name one of: table, list, other");
    io_fails(path, "DATA", PS_EINPUT, "no variable 'DATA'; it holds: table, list, other");
    io_truncate(path, -16);
    io_fails(path, "list", PS_EINPUT, "truncated");
    expect(path, "table", 50, 3, PS_F32); /* what is whole can be read */
    io_truncate(path, 300);
    io_fails(path, "table", PS_EINPUT, "truncated");
    io_truncate(path, 20);
    io_fails(path, "table", PS_EINPUT, "netCDF");
    int nc, dims[3], id;
    ncmpi_create(MPI_COMM_WORLD, path, NC_CLOBBER, MPI_INFO_NULL, &nc);
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        ncmpi_def_dim(nc, name, 2, &dims[i]);
    }
    ncmpi_def_var(nc, "cube", NC_FLOAT, 3, dims, &id);
    ncmpi_def_var(nc, "words", NC_CHAR, 1, dims, &id);
    ncmpi_def_var(nc, "single", NC_INT, 0, dims, &id);
    ncmpi_enddef(nc);
    ncmpi_close(nc);
    io_fails(path, "cube", PS_EINPUT, "3 dimensions");
    io_fails(path, "words", PS_EINPUT, "holds text");
    io_fails(path, "single", PS_EINPUT, "0 dimensions");
}
END_TEST

/** A variable of more than 2 GiB, its file being one large hole: shape, the check of the size, and a value
 * near its end. */
START_TEST(large)
{
    const char *path = io_path("big.nc");
    const int64_t rows = 300000000, cols = 2;
    int nc, dims[2], id, rank = io_rank();
    struct ps_shard_info info;
    ncmpi_create(MPI_COMM_WORLD, path, NC_CLOBBER | NC_64BIT_DATA, MPI_INFO_NULL, &nc);
    ncmpi_def_dim(nc, "rows", rows, &dims[0]);
    ncmpi_def_dim(nc, "columns", cols, &dims[1]);
    ncmpi_def_var(nc, "A", NC_FLOAT, 2, dims, &id);
    ncmpi_enddef(nc);
    MPI_Offset start[2] = {rows - 1, 1}, count[2] = {rank ? 0 : 1, 1};
    float last = 3.5f;
    ncmpi_put_vara_float_all(nc, id, start, count, &last);
    ncmpi_close(nc);
    enum ps_status rc = ps_shard_info(MPI_COMM_WORLD, path, "", &info);
    mck_assert(rc == PS_OK && info.rows == rows && info.cols == cols, "%s", ps_err_message());
    mck_assert(info.file_bytes > (int64_t)2 << 30, "the file is too small");
    io_truncate(path, -8);
    rc = ps_shard_info(MPI_COMM_WORLD, path, "", &info);
    mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), "truncated"), "%s", ps_err_message());
    if (rank == 0) unlink(path);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {versions, refused, large, NULL};
    return mck_main(argc, argv, "ncfile", tests);
}
#else
START_TEST(left_out)
{
    io_write_file(io_path("a.nc"), "CDF\5\0\0\0\0", 8);
    io_fails(io_path("a.nc"), "", PS_EBACKEND, "netCDF files are not supported in this build: install");
}
END_TEST
int main(int argc, char **argv)
{
    const TTest *const tests[] = {left_out, NULL};
    return mck_main(argc, argv, "ncfile", tests);
}
#endif
