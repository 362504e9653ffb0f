/* ranks: 1 3 */
#include "iocheck.h"
#include "common/io/imagelist.h"
#ifdef PS_HAVE_HDF5
#    include <hdf5.h>

enum { N = 40 };

/* Image i of a part has 3 + 211 (i modulo 30) bytes: several in a block of the heap, and larger ones alone.
 */
static size_t bytes_of(int i)
{
    return 3 + 211 * (size_t)(i % 30);
}

static uint8_t byte_of(int part, int i, size_t k)
{
    return (uint8_t)(50 * part + 7 * i + (int)k);
}

static void put(hid_t where, const char *name, hid_t type, hid_t memory, int dims, hsize_t columns,
                hsize_t chunk, const void *data)
{
    const hsize_t length[2] = {N, columns};
    const hid_t space = H5Screate_simple(dims, length, NULL), plan = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk) H5Pset_chunk(plan, 1, &chunk);
    const hid_t set = H5Dcreate2(where, name, type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(set);
    H5Pclose(plan);
    H5Sclose(space);
}

/* @param columns of targets; 0: a number each, i modulo 12; else 1 where (i + column) modulo 3 is 0 */
static void write_part(hid_t where, int part, hsize_t chunk, hsize_t columns)
{
    static uint8_t bytes[N][8192];
    static int64_t target[N][4];
    int64_t number[N];
    hvl_t image[N];
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < bytes_of(i); k++) bytes[i][k] = byte_of(part, i, k);
        image[i] = (hvl_t){bytes_of(i), bytes[i]};
        number[i] = i % 12;
        for (int k = 0; k < 4; k++) target[i][k] = (i + k) % 3 == 0;
    }
    const hid_t vlen = H5Tvlen_create(H5T_NATIVE_UINT8);
    put(where, "images", vlen, vlen, 1, 0, chunk, image);
    put(where, "targets", H5T_STD_I32BE, H5T_NATIVE_INT64, columns ? 2 : 1, columns, 0,
        columns ? (const void *)target : number);
    H5Tclose(vlen);
}

static void write_file(const char *path, hsize_t columns)
{
    if (io_rank() == 0) {
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        static const char *const names[] = {"train", "val"};
        for (int part = 0; part < 2; part++) {
            const hid_t group = H5Gcreate2(file, names[part], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            write_part(group, part, part ? 7 : 0, columns);
            H5Gclose(group);
        }
        H5Fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Every image is there once, with its bytes and its number; ten is behind nine. */
START_TEST(parts)
{
    struct ps_images l;
    const char *path = io_path("images.h5");
    static uint8_t read[8192];
    bool seen[2][N] = {{false}};
    write_file(path, 0);
    mck_assert(ps_images_open(MPI_COMM_WORLD, path, &l) == PS_OK, "%s", ps_err_message());
    mck_assert(l.head.n == 2 * N && l.head.classes == 12 && l.head.parted && l.head.part[0].hi == N &&
                   l.head.part[1].hi == 2 * N && !l.head.several,
               "%lld images", (long long)l.head.n);
    mck_assert(strcmp(ps_images_class(&l, 10), "10") == 0, "%s", ps_images_class(&l, 10));
    for (int64_t i = 0; i < l.head.n; i++) {
        const int part = i >= N, which = atoi(strchr(ps_images_name(&l, i), '[') + 1);
        mck_assert(which >= 0 && which < N && !seen[part][which], "%s twice", ps_images_name(&l, i));
        seen[part][which] = true;
        mck_assert(l.bytes[i] == (int64_t)bytes_of(which) && l.label[i] == which % 12, "%s",
                   ps_images_name(&l, i));
        mck_assert(ps_images_read(&l, i, read) == NULL, "reading");
        for (size_t k = 0; k < bytes_of(which); k++)
            mck_assert(read[k] == byte_of(part, which, k), "%s, byte %zu", ps_images_name(&l, i), k);
    }
    ps_images_free(&l);
}
END_TEST

START_TEST(several)
{
    struct ps_images l;
    const char *path = io_path("several.h5");
    write_file(path, 4);
    mck_assert(ps_images_open(MPI_COMM_WORLD, path, &l) == PS_OK, "%s", ps_err_message());
    mck_assert(l.head.several && l.head.classes == 4, "%lld classes", (long long)l.head.classes);
    for (int64_t i = 0; i < l.head.n; i++) {
        const int which = atoi(strchr(ps_images_name(&l, i), '[') + 1);
        for (int k = 0; k < 4; k++)
            mck_assert(l.labels[4 * i + k] == ((which + k) % 3 == 0), "%s", ps_images_name(&l, i));
    }
    ps_images_free(&l);
}
END_TEST

START_TEST(broken)
{
    struct ps_images l;
    const char *path = io_path("cut.h5");
    write_file(path, 0);
    io_truncate(path, 3000);
    mck_assert(ps_images_open(MPI_COMM_WORLD, path, &l) == PS_EINPUT && strstr(ps_err_message(), "cut.h5"),
               "%s", ps_err_message());
    ps_err_clear();
    if (io_rank() == 0) {
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(H5Gcreate2(file, "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    mck_assert(ps_images_open(MPI_COMM_WORLD, path, &l) == PS_EINPUT &&
                   strstr(ps_err_message(), "`images` and `targets`"),
               "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {parts, several, broken, NULL};
    return mck_main(argc, argv, "images_h5", tests);
}
#else
START_TEST(none)
{
    struct ps_images l;
    io_write_file(io_path("none.h5"), "", 0);
    mck_assert(ps_images_open(MPI_COMM_WORLD, io_path("none.h5"), &l) == PS_EBACKEND, "without the library");
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {none, NULL};
    return mck_main(argc, argv, "images_h5", tests);
}
#endif
