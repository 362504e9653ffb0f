#include "apps/mnist/mnist_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "common/io/shard.h"

/* Both namings are in use; %s: train-images and its like, %d: dimensions. */
static const char *const names[] = {"%s/%s-idx%d-ubyte", "%s/%s-idx%d-ubyte.gz", "%s/%s.idx%d-ubyte",
                                    "%s/%s.idx%d-ubyte.gz"};
enum { NAMES = sizeof names / sizeof *names };

/** One of the four arrays. */
struct array {
    const char *parameter, *chosen; /* the file that the user names; "" */
    const char *file;               /* its name in a folder, as MNIST has it */
    int dims;
    const char *member; /* its name in a file of several, as Keras has it */
};

static enum ps_status copy(const char *path, ps_str out)
{
    PS_CHECK((size_t)snprintf(out, sizeof(ps_str), "%s", path) < sizeof(ps_str), PS_EUSAGE,
             "the path %s is too long", path);
    return PS_OK;
}

static enum ps_status find_in_folder(const char *folder, const struct array *a, ps_str out)
{
    char path[PS_STR_MAX + 64];
    struct stat s;
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, names[i], folder, a->file, a->dims);
        if (stat(path, &s) == 0) return copy(path, out);
    }
    return ps_fail(PS_EIO, "%s: the folder has no %s-idx%d-ubyte, compressed or not; name the file by %s",
                   folder, a->file, a->dims, a->parameter);
}

static enum ps_status find(const struct mnist_choice *choice, const struct array *a, struct mnist_file *out)
{
    struct stat s;
    *out = (struct mnist_file){.dataset = ""};
    if (a->chosen[0]) return copy(a->chosen, out->path);
    PS_CHECK(choice->data[0], PS_EUSAGE,
             "no data: name a folder of the four files or an .npz file (--data), or %s", a->parameter);
    PS_CHECK(stat(choice->data, &s) == 0, PS_EIO, "%s: %s", choice->data, strerror(errno));
    if (S_ISDIR(s.st_mode)) return find_in_folder(choice->data, a, out->path);
    snprintf(out->dataset, sizeof out->dataset, "%s", a->member);
    return copy(choice->data, out->path);
}

static enum ps_status find_all(const struct mnist_choice *c, struct mnist_files *out)
{
    const struct array array[] = {{"train_images", c->train_images, "train-images", 3, "x_train"},
                                  {"train_labels", c->train_labels, "train-labels", 1, "y_train"},
                                  {"test_images", c->test_images, "t10k-images", 3, "x_test"},
                                  {"test_labels", c->test_labels, "t10k-labels", 1, "y_test"}};
    PS_TRY(find(c, &array[0], &out->train.images));
    PS_TRY(find(c, &array[1], &out->train.labels));
    PS_TRY(find(c, &array[2], &out->test.images));
    return find(c, &array[3], &out->test.labels);
}

/* A file of one array in place of the folder that it lies in is taken for what it is. Collective. */
static enum ps_status check_data(const struct ps_run *run, const char *path)
{
    static const char *const several[] = {"npz", "HDF5", "netCDF"};
    const char *format;
    PS_TRY(ps_shard_format(run->comm, path, &format));
    for (size_t i = 0; i < sizeof several / sizeof *several; i++)
        if (strcmp(format, several[i]) == 0) return PS_OK;
    return ps_fail(PS_EUSAGE,
                   "%s: %s files hold one array: name the folder of the four files, or an .npz file", path,
                   format);
}

static bool in_data(const struct mnist_file *f)
{
    return f->dataset[0] != '\0';
}

enum ps_status mnist_files_find(const struct ps_run *run, const struct mnist_choice *choice,
                                struct mnist_files *out)
{
    memset(out, 0, sizeof *out);
    PS_TRY(ps_agree(run->comm, run->rank == 0 ? find_all(choice, out) : PS_OK));
    MPI_Bcast(out, sizeof *out, MPI_BYTE, 0, run->comm);
    if (in_data(&out->train.images) || in_data(&out->train.labels) || in_data(&out->test.images) ||
        in_data(&out->test.labels))
        return check_data(run, choice->data);
    return PS_OK;
}
