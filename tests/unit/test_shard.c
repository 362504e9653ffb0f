/* ranks: 1 2 3 4 */
#include <sys/resource.h>
#include "iocheck.h"

/* formats that keep every type; text is below, as it reads all as float64 */
static const char *const typed[] = {
#ifdef PS_HAVE_HDF5
    "m.h5",
#endif
#ifdef PS_HAVE_PNETCDF
    "m.nc",
#endif
    "m.npy", NULL};

/** Own rows, cut unevenly: the first rank has most. */
static struct ps_range uneven(int64_t rows, int rank, int size)
{
    int64_t half = rows / 2;
    if (size == 1) return (struct ps_range){0, rows};
    if (rank == 0) return (struct ps_range){0, half};
    struct ps_range r = ps_block(rows - half, size - 1, rank - 1);
    return (struct ps_range){r.lo + half, r.hi + half};
}

static void round_trip(const char *name, int64_t rows, int64_t cols, enum ps_dtype type)
{
    int rank = io_rank(), size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const char *path = io_path(name);
    struct ps_shard s = io_make(rows, cols, type, uneven(rows, rank, size)), back;
    struct ps_shard_info info;
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, path, "A", &s);
    mck_assert(rc == PS_OK, "write %s: %s", name, ps_err_message());
    free(s.data);
    rc = ps_shard_info(MPI_COMM_WORLD, path, "", &info);
    mck_assert(rc == PS_OK && info.rows == rows && info.cols == cols && info.type == type,
               "info %s %lld x %lld %s: %s", name, (long long)info.rows, (long long)info.cols,
               ps_dtype_name(info.type), ps_err_message());
    rc = ps_shard_read(MPI_COMM_WORLD, path, "", &back);
    mck_assert(rc == PS_OK, "read %s: %s", name, ps_err_message());
    mck_assert(io_is(&back, rows, cols, type, rank, size), "%s %lld x %lld %s: other data", name,
               (long long)rows, (long long)cols, io_types[type]);
    ps_shard_free(&back);
    rc = ps_shard_read(MPI_COMM_SELF, path, "", &back); /* what many wrote, one reads */
    mck_assert(rc == PS_OK && io_is(&back, rows, cols, type, 0, 1), "%s: other data for one rank", name);
    ps_shard_free(&back);
    MPI_Barrier(MPI_COMM_WORLD);
}

START_TEST(all_types)
{
    for (int f = 0; typed[f]; f++)
        for (int t = 0; t < PS_NDTYPES; t++) {
            round_trip(typed[f], 101, 3, (enum ps_dtype)t);
            round_trip(typed[f], 77, 0, (enum ps_dtype)t);
            if (io_rank() == 0) unlink(io_path(typed[f]));
            MPI_Barrier(MPI_COMM_WORLD);
        }
}
END_TEST

START_TEST(odd_sizes)
{
    static const int64_t shapes[][2] = {{0, 0}, {0, 5}, {1, 0},    {1, 1},     {2, 7},
                                        {3, 0}, {5, 1}, {4099, 2}, {70001, 5}, {2, 40000}};
    for (int f = 0; typed[f]; f++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            if (io_rank() == 0) unlink(io_path(typed[f]));
            MPI_Barrier(MPI_COMM_WORLD);
            round_trip(typed[f], shapes[i][0], shapes[i][1], i % 2 ? PS_F64 : PS_I16);
        }
}
END_TEST

/** Integers beyond 2^53 cannot come back from text, which is read as float64: compare in that. */
static double as_double(const void *data, int64_t i, enum ps_dtype type)
{
    struct ps_points p = {.data = data, .n = i + 1, .d = 1, .type = type};
    return ps_points_at(&p, i, 0);
}

static void text_trip(const char *name, int64_t rows, int64_t cols, enum ps_dtype type)
{
    int rank = io_rank(), size;
    int64_t width = cols ? cols : 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct ps_shard s = io_make(rows, cols, type, uneven(rows, rank, size)), back, want;
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, io_path(name), "", &s);
    mck_assert(rc == PS_OK, "write %s: %s", name, ps_err_message());
    free(s.data);
    rc = ps_shard_read(MPI_COMM_WORLD, io_path(name), "", &back);
    mck_assert(rc == PS_OK, "read %s: %s", name, ps_err_message());
    mck_assert(back.rows == rows && back.cols == (width == 1 ? 0 : cols) && back.type == PS_F64, "shape");
    want = io_make(rows, cols, type, ps_block(rows, size, rank));
    int64_t differ = 0, n = (want.mine.hi - want.mine.lo) * width;
    for (int64_t i = 0; i < n; i++) {
        double x = ((const double *)back.data)[i];
        differ +=
            type == PS_F32 ? (float)x != ((const float *)want.data)[i] : x != as_double(want.data, i, type);
    }
    mck_assert(differ == 0 && back.mine.lo == want.mine.lo && back.mine.hi == want.mine.hi,
               "%s %s: %lld values differ", name, io_types[type], (long long)differ);
    free(want.data);
    ps_shard_free(&back);
}

START_TEST(text_types)
{
    for (int t = 0; t < PS_NDTYPES; t++) {
        text_trip("m.csv", 101, 3, (enum ps_dtype)t);
        text_trip("m.tsv", 77, 0, (enum ps_dtype)t);
    }
    text_trip("m.txt", 1, 2, PS_F64);
    text_trip("m.txt", 3, 1, PS_F32);
    text_trip("m.txt", 30011, 4, PS_F64);
    text_trip("m.txt", 2, 9000, PS_F64); /* a line is longer than a rank's share of the bytes */
}
END_TEST

START_TEST(refused_files)
{
    static const char gz[] = "\x1f\x8b\x08\0\0\0\0\0", binary[] = "\0\1\2\3abc\xff";
    io_fails(io_path("nowhere.npy"), "", PS_EIO, "no such file");
    io_fails("", "", PS_EIO, "empty");
    io_fails(io_path(""), "", PS_EIO, "is a directory");
    io_fails("/dev/null", "", PS_EIO, "pipe or device");
    io_write_file(io_path("empty.h5"), "", 0);
    io_fails(io_path("empty.h5"), "", PS_EINPUT, "the file is empty");
    io_write_file(io_path("z.csv"), gz, sizeof gz);
    io_fails(io_path("z.csv"), "", PS_EINPUT, "gzip");
    io_write_file(io_path("odd.bin"), binary, sizeof binary);
    io_fails(io_path("odd.bin"), "", PS_EINPUT, "no known format");
    io_write_file(io_path("odd.npy"), binary, sizeof binary);
    io_fails(io_path("odd.npy"), "", PS_EINPUT, "named like a npy file");
    io_write_file(io_path("text.h5"), "1 2\n", 4);
    io_fails(io_path("text.h5"), "", PS_EINPUT, "holds text");
    if (io_rank() == 0) chmod(io_path("odd.bin"), 0);
    MPI_Barrier(MPI_COMM_WORLD);
    if (geteuid() != 0) io_fails(io_path("odd.bin"), "", PS_EIO, "no permission");
}
END_TEST

START_TEST(content_before_name)
{
    struct ps_shard s = io_make(3, 2, PS_F32, ps_block(3, 1, 0)), back;
    if (io_rank() == 0) {
        ps_shard_write(MPI_COMM_SELF, io_path("really.npy"), "", &s);
        rename(io_path("really.npy"), io_path("named.csv"));
    }
    free(s.data);
    MPI_Barrier(MPI_COMM_WORLD);
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, io_path("named.csv"), "", &back);
    mck_assert(rc == PS_OK && back.type == PS_F32 && back.cols == 2, "%s", ps_err_message());
    ps_shard_free(&back);
}
END_TEST

static void write_fails(const char *path, enum ps_status status, const char *words)
{
    int rank = io_rank(), size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct ps_shard s = io_make(50000, 4, PS_F64, ps_block(50000, size, rank));
    enum ps_status rc = ps_shard_write(MPI_COMM_WORLD, path, "A", &s);
    mck_assert(rc == status && strstr(ps_err_message(), words), "%s: status %d, '%s' lacks '%s'", path, rc,
               ps_err_message(), words);
    free(s.data);
}

START_TEST(refused_outputs)
{
    write_fails("/nowhere/at/all.npy", PS_EIO, "folder does not exist");
    write_fails("out.xyz", PS_EIO, "format");
    write_fails("plain", PS_EIO, "format");
    if (io_rank() == 0) mkdir(io_path("d.npy"), 0777);
    MPI_Barrier(MPI_COMM_WORLD);
    write_fails(io_path("d.npy"), PS_EIO, "is a directory");
}
END_TEST

/** Does the folder hold a file whose name ends in .tmp? */
static int leftovers(void)
{
    char command[600];
    snprintf(command, sizeof command, "ls %s | grep -q '\\.tmp$'", io_path(""));
    return io_rank() == 0 && system(command) == 0;
}

/** A limit of the file size stands for a full disk: writing fails somewhere in the middle. */
START_TEST(full_disk)
{
    static const char *const names[] = {"full.npy", "full.csv",
#ifdef PS_HAVE_HDF5
                                        "full.h5",
#endif
#ifdef PS_HAVE_PNETCDF
                                        "full.nc",
#endif
                                        NULL};
    struct rlimit old, low;
    getrlimit(RLIMIT_FSIZE, &old);
    for (int i = 0; names[i]; i++) {
        text_trip("warm.txt", 3, 2, PS_F64); /* the library that writes is in use before the limit */
        struct ps_shard s = io_make(5, 2, PS_F64, ps_block(5, 1, 0)), back;
        enum ps_status rc =
            io_rank() == 0 ? ps_shard_write(MPI_COMM_SELF, io_path(names[i]), "A", &s) : PS_OK;
        free(s.data);
        mck_assert(rc == PS_OK, "%s", ps_err_message());
        low = (struct rlimit){200000, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &low);
        write_fails(io_path(names[i]), PS_EIO, names[i]);
        setrlimit(RLIMIT_FSIZE, &old);
        rc = ps_shard_read(MPI_COMM_WORLD, io_path(names[i]), "", &back);
        mck_assert(rc == PS_OK && back.rows == 5, "%s: the existing file is gone: %s", names[i],
                   ps_err_message());
        ps_shard_free(&back);
        mck_assert(!leftovers(), "%s: a temporary file is left", names[i]);
    }
}
END_TEST

START_TEST(same_bytes)
{
    int rank = io_rank(), size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int f = 0; typed[f]; f++) {
        char one[64], many[64];
        snprintf(one, sizeof one, "one%s", strchr(typed[f], '.'));
        snprintf(many, sizeof many, "many%s", strchr(typed[f], '.'));
        struct ps_shard s = io_make(999, 3, PS_F32, ps_block(999, size, rank));
        ps_shard_write(MPI_COMM_WORLD, io_path(many), "A", &s);
        free(s.data);
        s = io_make(999, 3, PS_F32, ps_block(999, 1, 0));
        if (rank == 0) ps_shard_write(MPI_COMM_SELF, io_path(one), "A", &s);
        free(s.data);
        char command[1100];
        snprintf(command, sizeof command, "cmp -s %s %s", io_path(one), io_path(many));
        mck_assert(rank != 0 || system(command) == 0, "%s: the bytes depend on the number of ranks",
                   typed[f]);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {all_types,       odd_sizes, text_types, refused_files, content_before_name,
                                  refused_outputs, full_disk, same_bytes, NULL};
    return mck_main(argc, argv, "shard", tests);
}
