/* psml-data generate digits: drawn digits in the four IDX files that MNIST has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/digits_draw.h"
#include "common/io/outfile.h"
#include "common/par/block.h"
#include "common/run/log.h"

struct params {
    ps_str output;
    int64_t n, test;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, output, .positional = 1, .letter = 'o',
             .help = "folder for the files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                     "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"),
    PS_PARAM(struct params, n, .letter = 'n', .def = "60000", .range = "[1,2147483647]",
             .help = "training samples"),
    PS_PARAM(struct params, test, .def = "10000", .range = "[1,2147483647]", .help = "test samples"),
};

/* Test samples are those from here on, so that no number of training samples reaches them. */
static const int64_t first_test = (int64_t)1 << 40;

static void big_endian(int64_t value, unsigned char out[4])
{
    for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Write bytes with dimensions dim[dims], of which this rank has those of samples [mine). Collective. */
static enum ps_status write_idx(MPI_Comm comm, const char *folder, const char *name, int dims,
                                const int64_t *dim, struct ps_range mine, const uint8_t *data)
{
    enum { BYTES = 8, MAX_DIMS = 3 };
    unsigned char head[4 + 4 * MAX_DIMS] = {0, 0, BYTES, (unsigned char)dims};
    char path[PS_STR_MAX + 32];
    struct ps_outfile f;
    int64_t row = 1;
    const int64_t begin = 4 + 4 * dims;
    for (int k = 0; k < dims; k++) {
        big_endian(dim[k], head + 4 + 4 * k);
        if (k > 0) row *= dim[k];
    }
    snprintf(path, sizeof path, "%s/%s-idx%d-ubyte", folder, name, dims);
    PS_TRY(ps_outfile_open(comm, path, false, &f));
    enum ps_status rc = f.rank == 0 ? ps_outfile_write(&f, head, begin, 0) : PS_OK;
    if (rc == PS_OK) rc = ps_outfile_write(&f, data, (mine.hi - mine.lo) * row, begin + mine.lo * row);
    return ps_outfile_close(&f, rc);
}

/* Draw own samples of a set and write its two files. Collective. */
static enum ps_status write_set(struct ps_run *run, const char *folder, const char *name, int64_t first,
                                int64_t n)
{
    const struct ps_range mine = ps_block(n, run->size, run->rank);
    const int64_t dim[] = {n, DIGIT_SIDE, DIGIT_SIDE};
    const uint64_t seed = (uint64_t)run->common->seed;
    uint8_t *pixel = NULL, *label = NULL;
    char images[32], labels[32];
    enum ps_status rc = ps_alloc(&pixel, (mine.hi - mine.lo) * DIGIT_PIXELS, 1, "the digits of this rank");
    if (rc == PS_OK) rc = ps_alloc(&label, mine.hi - mine.lo, 1, "the labels of this rank");
    PS_TRY_DONE(ps_agree(run->comm, rc));
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int64_t i = mine.lo; i < mine.hi; i++)
        label[i - mine.lo] = (uint8_t)digits_draw(seed, first + i, pixel + (i - mine.lo) * DIGIT_PIXELS);
    snprintf(images, sizeof images, "%s-images", name);
    snprintf(labels, sizeof labels, "%s-labels", name);
    PS_TRY_DONE(write_idx(run->comm, folder, images, 3, dim, mine, pixel));
    rc = write_idx(run->comm, folder, labels, 1, dim, mine, label);
done:
    free(pixel);
    free(label);
    return rc;
}

static enum ps_status make_folder(const char *path)
{
    struct stat s;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        return PS_OK;
    return ps_fail(PS_EIO, "the folder %s cannot be made: %s", path, strerror(errno));
}

static enum ps_status run_digits(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    PS_TRY(ps_agree(run->comm, run->rank == 0 ? make_folder(p->output) : PS_OK));
    PS_TRY(write_set(run, p->output, "train", 0, p->n));
    PS_TRY(write_set(run, p->output, "t10k", first_test, p->test));
    ps_print(run, "%s: %lld digits for training, %lld for testing, %d x %d\n", p->output, (long long)p->n,
             (long long)p->test, DIGIT_SIDE, DIGIT_SIDE);
    return PS_OK;
}

const struct ps_program ps_data_digits = {
    .name = "psml-data generate digits",
    .summary = "generate drawn digits with labels, in the files that MNIST has",
    .synopsis = "[options] FOLDER",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_HAS_SEED,
    .run = run_digits,
};
