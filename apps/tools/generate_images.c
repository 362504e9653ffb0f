/* psml-data generate images: small labelled pictures, JPEG or PNG, in class folders or in one tar file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/images_draw.h"
#include "common/io/outfile.h"
#include "common/io/picture.h"
#include "common/io/tarfile.h"
#include "common/par/block.h"
#include "common/run/log.h"

struct params {
    ps_str output, format;
    int64_t n;
    int classes, height, width, quality;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, output, .positional = 1, .letter = 'o',
             .help = "folder for class folders, or a tar file (.tar) of such"),
    PS_PARAM(struct params, n, .letter = 'n', .def = "10000", .range = "[1,999999999]", .help = "pictures"),
    PS_PARAM(struct params, classes, .def = "10", .range = "[1,1000]", .help = "of textures"),
    PS_PARAM(struct params, height, .def = "64", .range = "[1,4096]", .unit = "pixels",
             .help = "of a picture"),
    PS_PARAM(struct params, width, .def = "64", .range = "[1,4096]", .unit = "pixels",
             .help = "of a picture"),
    PS_PARAM(struct params, format, .def = "jpeg", .choices = "jpeg|png", .help = "of the files"),
    PS_PARAM(struct params, quality, .def = "90", .range = "[1,100]", .help = "of JPEG"),
};

enum { NAME = 64, TOGETHER = 64 << 20 /* bytes of pixels of a rank in memory */ };

/** Pictures of a rank, encoded. */
struct encoded {
    int64_t lo, hi;
    int64_t room;   /* bytes that each has */
    uint8_t *file;  /* [hi - lo][room] */
    int64_t *bytes; /* [hi - lo] */
};

static bool is_png(const struct params *p)
{
    return strcmp(p->format, "png") == 0;
}

static void name_of(const struct params *p, int64_t i, char out[NAME])
{
    snprintf(out, NAME, "class_%03d/image_%09lld.%s", (int)(i % p->classes), (long long)i,
             is_png(p) ? "png" : "jpg");
}

static enum ps_status encode_one(const struct params *p, const uint8_t *pixels, uint8_t *to, int64_t *n)
{
    return is_png(p) ? ps_png_encode(pixels, p->height, p->width, 3, to, n)
                     : ps_jpeg_encode(pixels, p->height, p->width, 3, p->quality, to, n);
}

static enum ps_status encode(const struct ps_run *run, const struct params *p, struct encoded *e)
{
    const int64_t pixels = 3 * (int64_t)p->height * p->width;
    enum ps_status rc = PS_OK;
#pragma omp parallel num_threads(run->threads)
    {
        uint8_t *picture = malloc((size_t)pixels);
#pragma omp for schedule(dynamic, 16)
        for (int64_t i = e->lo; i < e->hi; i++) {
            int64_t n = e->room;
            enum ps_status one = PS_ENOMEM;
            if (picture) {
                images_draw((uint64_t)run->common->seed, i, (int)(i % p->classes), p->classes, p->height,
                            p->width, picture);
                one = encode_one(p, picture, e->file + (i - e->lo) * e->room, &n);
            }
            e->bytes[i - e->lo] = n;
            if (one != PS_OK) {
#pragma omp critical(generate_images)
                rc = one;
            }
        }
        free(picture);
    }
    PS_CHECK(rc != PS_EBACKEND, rc, "%s pictures need %s (Debian: %s-dev), which this build does not have",
             is_png(p) ? "PNG" : "JPEG", is_png(p) ? "libpng" : "libjpeg", is_png(p) ? "libpng" : "libjpeg");
    return rc == PS_OK ? rc : ps_fail(rc, "a picture could not be encoded");
}

static enum ps_status make_folder(const char *path)
{
    struct stat s;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        return PS_OK;
    return ps_fail(PS_EIO, "the folder %s cannot be made: %s", path, strerror(errno));
}

/* Rank 0. */
static enum ps_status make_folders(const struct params *p)
{
    char path[PS_STR_MAX + NAME];
    PS_TRY(make_folder(p->output));
    for (int k = 0; k < p->classes; k++) {
        snprintf(path, sizeof path, "%s/class_%03d", p->output, k);
        PS_TRY(make_folder(path));
    }
    return PS_OK;
}

static enum ps_status write_files(const struct params *p, const struct encoded *e)
{
    char path[PS_STR_MAX + NAME], name[NAME];
    for (int64_t i = e->lo; i < e->hi; i++) {
        const size_t n = (size_t)e->bytes[i - e->lo];
        name_of(p, i, name);
        snprintf(path, sizeof path, "%s/%s", p->output, name);
        FILE *f = fopen(path, "wb");
        PS_CHECK(f, PS_EIO, "%s: cannot be created: %s", path, strerror(errno));
        const bool whole = fwrite(e->file + (i - e->lo) * e->room, 1, n, f) == n;
        PS_CHECK(fclose(f) == 0 && whole, PS_EIO, "%s: writing failed (disk full?)", path);
    }
    return PS_OK;
}

static int64_t in_blocks(int64_t bytes)
{
    return PS_TAR_BLOCK + (bytes + PS_TAR_BLOCK - 1) / PS_TAR_BLOCK * PS_TAR_BLOCK;
}

/* This rank's members as one run of bytes. @param from where the first is, behind those of lower ranks */
static enum ps_status write_members(const struct params *p, const struct encoded *e,
                                    const struct ps_outfile *f, int64_t from, int64_t bytes)
{
    uint8_t *run, *at;
    char name[NAME];
    PS_TRY(ps_zalloc(&run, bytes, 1, "a part of a tar file"));
    at = run;
    for (int64_t i = e->lo; i < e->hi; i++) {
        const int64_t n = e->bytes[i - e->lo];
        name_of(p, i, name);
        ps_tar_put_head(name, n, at);
        memcpy(at + PS_TAR_BLOCK, e->file + (i - e->lo) * e->room, (size_t)n);
        at += in_blocks(n);
    }
    const enum ps_status rc = ps_outfile_write(f, run, bytes, from);
    free(run);
    return rc;
}

/* Collective. @param end in, out: bytes of the tar file */
static enum ps_status add_to_tar(struct ps_run *run, const struct params *p, const struct encoded *e,
                                 const struct ps_outfile *f, int64_t *end)
{
    int64_t mine = 0, before = 0, all;
    for (int64_t i = 0; i < e->hi - e->lo; i++) mine += in_blocks(e->bytes[i]);
    MPI_Exscan(&mine, &before, 1, MPI_INT64_T, MPI_SUM, run->comm);
    MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, run->comm);
    if (run->rank == 0) before = 0; /* MPI leaves it undefined */
    const enum ps_status rc = write_members(p, e, f, *end + before, mine);
    *end += all;
    return rc;
}

/* All pictures, as many at once as memory allows. Collective. @param tar NULL: files in folders */
static enum ps_status make_all(struct ps_run *run, const struct params *p, struct ps_outfile *tar)
{
    const int64_t room =
        is_png(p) ? ps_png_room(p->height, p->width, 3) : PS_JPEG_HEAD + 3 * (int64_t)p->height * p->width;
    const int64_t step = TOGETHER / room + 1;
    struct encoded e = {.room = room};
    struct ps_progress progress;
    int64_t end = 0;
    static const unsigned char zeros[2 * PS_TAR_BLOCK];
    enum ps_status rc = ps_alloc(&e.file, step * room, 1, "encoded pictures");
    if (rc == PS_OK) rc = ps_alloc(&e.bytes, step, sizeof *e.bytes, "encoded pictures");
    rc = ps_agree(run->comm, rc);
    ps_progress_begin(&progress, run, "drawing", "pictures", p->n);
    for (int64_t lo = 0; lo < p->n && rc == PS_OK; lo += step * run->size) {
        const int64_t n = p->n - lo < step * run->size ? p->n - lo : step * run->size;
        const struct ps_range mine = ps_block(n, run->size, run->rank);
        e.lo = lo + mine.lo, e.hi = lo + mine.hi;
        rc = ps_agree(run->comm, encode(run, p, &e));
        if (rc == PS_OK) rc = tar ? add_to_tar(run, p, &e, tar, &end) : write_files(p, &e);
        rc = ps_agree(run->comm, rc);
        ps_progress_at(&progress, lo + n);
    }
    ps_progress_end(&progress);
    if (rc == PS_OK && tar && run->rank == 0) rc = ps_outfile_write(tar, zeros, sizeof zeros, end);
    free(e.file);
    free(e.bytes);
    return rc;
}

static enum ps_status run_images(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    const char *dot = strrchr(p->output, '.');
    struct ps_outfile tar;
    enum ps_status rc;
    if (dot && strcmp(dot, ".tar") == 0) {
        PS_TRY(ps_outfile_open(run->comm, p->output, false, &tar));
        rc = ps_outfile_close(&tar, make_all(run, p, &tar));
    } else {
        PS_TRY(ps_agree(run->comm, run->rank == 0 ? make_folders(p) : PS_OK));
        rc = ps_agree(run->comm, make_all(run, p, NULL));
    }
    if (rc == PS_OK)
        ps_print(run, "%s: %lld pictures of %d classes, %d x %d\n", p->output, (long long)p->n, p->classes,
                 p->height, p->width);
    return rc;
}

const struct ps_program ps_data_images = {
    .name = "psml-data generate images",
    .summary = "generate small labelled pictures, JPEG or PNG, in folders or in a tar file",
    .synopsis = "[options] OUTPUT",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_HAS_SEED,
    .run = run_images,
};
