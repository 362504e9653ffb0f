/* psml-data pack: labelled images in folders, tar files or a table into one file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/pack.h"
#include "common/io/imagestack.h"
#include "common/io/outfile.h"
#include "common/run/log.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

static const struct ps_param rows[] = {
    PS_PARAM(
        struct pack_params, source, .positional = 1, .letter = 'i',
        .help =
            "folder of class folders (train, val and test may stand above them), tar files of such folders "
            "(a.tar,b*.tar), a CSV of path, label or labels, and perhaps part, or HDF5 of images and "
            "targets"),
    PS_PARAM(struct pack_params, output, .positional = 2, .letter = 'o',
             .help = "netCDF file to write (.nc)"),
    PS_PARAM(
        struct pack_params, keep, .def = "pixels", .choices = "pixels|jpeg",
        .help =
            "what is packed: pixels of one size, or the bytes of the files as they are (JPEG, also PNG and "
            "TIFF)"),
    PS_PARAM(
        struct pack_params, size, .def = "", .unit = "pixels",
        .help = "height x width of packed pixels (64x64); none: that of the first image, of its finest band"),
    PS_PARAM(struct pack_params, resize, .def = "0", .range = "[0,65536]", .unit = "pixels",
             .help = "shorter side before the centre is cut out at the size; 0: as small as the size allows"),
    PS_PARAM(struct pack_params, bands, .def = "",
             .help = "that are files of their own (B02,B03,B04: patch_17_B02.tif or patch_17/B02.tif), put "
                     "together in this order; none: a file is an image"),
    PS_PARAM(struct pack_params, split, .def = "",
             .help = "shares of parts, train=0.9,valid=0.1, of each class; none: the parts that there are"),
    PS_PARAM(struct pack_params, broken, .def = "skip", .choices = "skip|fatal",
             .help = "images that cannot be decoded are named and left out, or end the run"),
    PS_PARAM(struct pack_params, check, .def = "yes",
             .help =
                 "decode files that are packed as they are, which finds broken ones, and mean and deviation"),
    PS_PARAM(struct pack_params, round, .def = "64", .range = "[1,65536]", .unit = "MiB",
             .help = "of a rank from one save of the progress to the next"),
};

/* What will be in the file. Collective. */
static enum ps_status plan(struct pack *k)
{
    struct ps_images_head *h = &k->head;
    enum ps_status rc = PS_OK;
    *h = k->list.head;
    h->pixels = strcmp(k->p->keep, "pixels") == 0;
    if (k->list.head.pixels) rc = ps_fail(PS_EUSAGE, "%s: is packed already", k->p->source);
    if (rc == PS_OK && !h->pixels && k->p->size[0])
        rc = ps_fail(PS_EUSAGE, "size = %s: files are kept as they are", k->p->size);
    if (rc == PS_OK && !h->pixels && k->bands > 0)
        rc = ps_fail(PS_EUSAGE, "bands = %s: bands are put together as pixels, not kept as files",
                     k->p->bands);
    if (rc == PS_OK && k->run->rank == 0) rc = pack_look(k);
    PS_TRY(ps_agree(k->run->comm, rc));
    MPI_Bcast(h, sizeof *h, MPI_BYTE, 0, k->run->comm);
    for (int b = 0; b < PS_PICTURE_BANDS_MAX; b++) k->scale[b] = 1;
    if (!h->pixels) rc = ps_alloc(&k->start, h->n + 1, sizeof *k->start, "places of images");
    PS_TRY(ps_agree(k->run->comm, rc));
    if (k->start) {
        k->start[0] = 0;
        for (int64_t i = 0; i < h->n; i++) k->start[i + 1] = k->start[i] + k->list.bytes[i];
    }
    k->mark = pack_mark(k);
    return PS_OK;
}

/* The end of a round that begins with image lo. */
static int64_t round_end(const struct pack *k, int64_t lo)
{
    const int64_t most = k->p->round * k->run->size << 20, n = k->head.n;
    const int64_t one =
        (int64_t)k->head.height * k->head.width * k->head.bands * (int64_t)ps_dtype_size(k->head.type);
    int64_t hi = lo + 1;
    if (!k->start) return n - lo < most / one + 1 ? n : lo + most / one + 1;
    while (hi < n && k->start[hi + 1] - k->start[lo] <= most) hi++;
    return hi;
}

static enum ps_status rounds(struct pack *k)
{
    struct ps_progress progress;
    enum ps_status rc = PS_OK;
    const int64_t from = k->at.done;
    ps_progress_begin(&progress, k->run, "packing", "images", k->head.n - from);
    while (k->at.done < k->head.n && rc == PS_OK) {
        rc = pack_round(k, k->at.done, round_end(k, k->at.done));
        if (rc == PS_OK) rc = ps_agree(k->run->comm, k->run->rank == 0 ? pack_save(k) : PS_OK);
        ps_progress_at(&progress, k->at.done - from);
        if (rc == PS_OK && k->at.done < k->head.n && ps_stop_agree(k->run->comm))
            rc = ps_fail(PS_STOPPED, "stopped after image %lld of %lld; the same command goes on",
                         (long long)k->at.done, (long long)k->head.n);
    }
    ps_progress_end(&progress);
    return rc;
}

/* Mean and deviation of each band. @return is there a pixel? */
static bool moments(const struct pack *k, double *mean, double *std)
{
    const double n = (double)k->at.pixels;
    for (int b = 0; b < k->head.bands && k->at.pixels > 0; b++) {
        mean[b] = ps_exact_value(&k->at.sum[b]) / n;
        const double square = ps_exact_value(&k->at.sum[k->head.bands + b]) / n - mean[b] * mean[b];
        std[b] = square > 0 ? sqrt(square) : 0;
    }
    return k->at.pixels > 0;
}

/* Labels and moments, and the file's final name. Collective. */
static enum ps_status finish(struct pack *k, const char *part)
{
    double mean[PS_PICTURE_BANDS_MAX], std[PS_PICTURE_BANDS_MAX];
    int32_t *label;
    const bool known = moments(k, mean, std);
    enum ps_status rc = ps_alloc(&label, k->head.n, sizeof *label, "labels");
    if (rc == PS_OK && k->at.broken == k->head.n)
        rc = ps_fail(PS_EINPUT, "%s: all images are broken", k->p->source);
    PS_TRY_DONE(ps_agree(k->run->comm, rc));
    memcpy(label, k->list.label, (size_t)k->head.n * sizeof *label);
    for (int64_t i = 0; i < k->at.broken; i++) label[k->at.which[i]] = -1;
    PS_TRY_DONE(ps_imagepack_end(&k->file, label, known ? mean : NULL, std));
    if (k->run->rank == 0 && rename(part, k->p->output) != 0)
        rc = ps_fail(PS_EIO, "%s: renaming %s to it failed", k->p->output, part);
    PS_TRY_DONE(ps_agree(k->run->comm, rc));
    if (k->run->rank == 0) pack_clear(k);
done:
    free(label);
    return rc;
}

static void tell(const struct pack *k, double seconds)
{
    const struct ps_images_head *h = &k->head;
    double mean[PS_PICTURE_BANDS_MAX], std[PS_PICTURE_BANDS_MAX];
    ps_print(k->run, "%s: %lld images of %lld classes", k->p->output, (long long)(h->n - k->at.broken),
             (long long)h->classes);
    if (h->pixels)
        ps_print(k->run, ", %d x %d x %d %s\n", h->height, h->width, h->bands, ps_dtype_name(h->type));
    else
        ps_print(k->run, ", files of %.1f MB\n", 1e-6 * (double)k->start[h->n]);
    for (int p = 0; p < PS_IMAGES_PARTS && h->parted; p++)
        ps_print(k->run, "%s: %lld images\n", ps_images_part_name(p),
                 (long long)(h->part[p].hi - h->part[p].lo));
    if (k->at.broken > 0) ps_print(k->run, "broken: %lld images, left out\n", (long long)k->at.broken);
    if (moments(k, mean, std) && h->bands <= 16)
        for (int b = 0; b < h->bands; b++)
            ps_print(k->run, "band %d: mean %.3f, deviation %.3f\n", b, mean[b], std[b]);
    ps_info(k->run, "%.2f s\n", seconds);
}

static enum ps_status run_pack(struct ps_run *run, const void *params)
{
    struct pack *k = NULL;
    char part[PS_STR_MAX + 16];
    const double begin = ps_elapsed(run);
    bool found;
    PS_TRY(ps_agree(run->comm, ps_zalloc(&k, 1, sizeof *k, "what is packed")));
    k->run = run;
    k->p = params;
    ps_phase(run, "list");
    enum ps_status rc = ps_images_open(run->comm, k->p->source, &k->list);
    if (rc == PS_OK && k->p->bands[0])
        rc = ps_stack_join(run->comm, k->p->bands, &k->list, &k->files, &k->bands);
    if (rc == PS_OK && k->p->split[0]) rc = pack_split(run, k->p->split, &k->list);
    if (rc == PS_OK) rc = plan(k);
    if (rc == PS_OK) rc = pack_resume(k, &found);
    pack_part_name(k, part, sizeof part);
    if (rc == PS_OK && found)
        ps_info(run, "going on after image %lld of %lld\n", (long long)k->at.done, (long long)k->head.n);
    if (rc == PS_OK) rc = ps_imagepack_begin(run->comm, part, &k->list, &k->head, k->start, found, &k->file);
    ps_phase(run, "pack");
    if (rc == PS_OK) rc = rounds(k);
    if (rc == PS_OK) rc = finish(k, part);
    ps_imagepack_close(&k->file);
    if (rc == PS_OK) tell(k, ps_elapsed(run) - begin);
    ps_images_free(&k->list);
    ps_images_free(&k->files);
    free(k->start);
    free(k->at.which);
    free(k->at.sum);
    free(k);
    return rc;
}

const struct ps_program ps_data_pack = {
    .name = "psml-data pack",
    .summary = "put labelled images into one file, in parallel",
    .synopsis = "[options] SOURCE OUTPUT",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct pack_params),
    .common = PS_HAS_SEED | PS_STOPS,
    .run = run_pack,
};
