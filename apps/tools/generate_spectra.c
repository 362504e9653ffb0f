/* psml-data generate spectra: a synthetic hyperspectral scene with ground truth. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_labels.h"
#include "apps/tools/data_values.h"
#include "apps/tools/spectra_scene.h"
#include "apps/tools/spectra_signal.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

enum { USUAL_SIDE = 145, LEAST_PER_CLASS = 4 };
static const double most_labelled = 0.8;

struct params {
    ps_str output;
    int64_t n;
    int64_t height;
    int64_t width;
    int bands;
    int classes;
    double labelled;
    double noise;
    double field;
    ps_str type;
    ps_str output_dataset;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, output, .positional = 1, .letter = 'o',
             .help =
                 "file to write; LIBSVM text (.libsvm .svm .svmlight .el) gets the labelled pixels, other "
                 "formats all, and the ground truth GT"),
    PS_PARAM(struct params, n, .def = "0", .letter = 'n', .range = "[0,inf)",
             .help = "labelled pixels; 0 = the share `labelled` of the scene"),
    PS_PARAM(struct params, height, .def = "0", .range = "[0,10000000]", .unit = "pixels",
             .help = "lines of the scene; 0 = as many as `width`, or else 145, or what `n` needs"),
    PS_PARAM(struct params, width, .def = "0", .range = "[0,10000000]", .unit = "pixels",
             .help = "pixels of a line; 0 = as many as `height`"),
    PS_PARAM(struct params, bands, .def = "200", .letter = 'd', .range = "[4,100000]",
             .help = "spectral bands, the features"),
    PS_PARAM(struct params, classes, .def = "16", .range = "[2,1000]",
             .help = "classes; 16 have the sizes of those of Indian Pines, other numbers follow Zipf's law"),
    PS_PARAM(struct params, labelled, .def = "0.4875", .range = "(0,0.8]",
             .help = "share of the pixels that has a label"),
    PS_PARAM(struct params, noise, .def = "0.016", .range = "[0,1]", .unit = "reflectance",
             .help = "standard deviation between pixels of a field; similar classes are 0.02 apart"),
    PS_PARAM(struct params, field, .def = "12", .range = "[2,10000]", .unit = "pixels",
             .help = "mean side of a field"),
    PS_PARAM(struct params, type, .def = "float32", .choices = "float32|float64|uint16",
             .help = "float: reflectance; uint16: reflectance times 10000"),
    PS_PARAM(struct params, output_dataset, .def = "DATA", .help = "name inside an HDF5 or netCDF file"),
};

/** The scene that is asked for. Local. */
static enum ps_status settle(const struct params *p, int64_t seed, struct scene_spec *s)
{
    double share = p->labelled;
    *s = (struct scene_spec){.height = p->height ? p->height : p->width,
                             .width = p->width ? p->width : p->height,
                             .labelled = p->n,
                             .classes = p->classes,
                             .field = p->field,
                             .seed = (uint64_t)seed};
    PS_CHECK(p->n < (int64_t)1 << 46, PS_EUSAGE, "n = %lld: so many pixels are out of reach",
             (long long)p->n);
    if (!s->height) s->height = s->width = p->n ? (int64_t)ceil(sqrt((double)p->n / share)) : USUAL_SIDE;
    double total = (double)s->height * (double)s->width;
    if (!s->labelled) s->labelled = (int64_t)(share * total);
    PS_CHECK(s->labelled >= (int64_t)LEAST_PER_CLASS * s->classes, PS_EUSAGE,
             "%lld labelled pixels are too few for %d classes: at least %d of each are needed",
             (long long)s->labelled, s->classes, LEAST_PER_CLASS);
    PS_CHECK((double)s->labelled <= most_labelled * total, PS_EUSAGE,
             "%lld labelled pixels are too many for a scene of %lld x %lld: at most %g of all",
             (long long)s->labelled, (long long)s->height, (long long)s->width, most_labelled);
    return PS_OK;
}

/** Numbers of own pixels that are written: those with a label, or all. Local. */
static enum ps_status list_pixels(const struct scene *scene, bool only_labelled, int64_t **list, int64_t *n)
{
    int64_t pixels = (scene->line.hi - scene->line.lo) * scene->spec.width;
    *n = 0;
    PS_TRY(ps_alloc(list, pixels, sizeof **list, "the list of pixels"));
    for (int64_t i = 0; i < pixels; i++)
        if (!only_labelled || scene->label[i]) (*list)[(*n)++] = i;
    return PS_OK;
}

static void put(struct ps_shard *x, int64_t at, uint16_t steps)
{
    if (x->type == PS_U16)
        ((uint16_t *)x->data)[at] = steps;
    else if (x->type == PS_F32)
        ((float *)x->data)[at] = (float)((double)steps / SIGNAL_STEPS);
    else
        ((double *)x->data)[at] = (double)steps / SIGNAL_STEPS;
}

/** Make the spectra of the listed pixels. Local. */
static enum ps_status fill(const struct ps_run *run, const struct scene *scene, const struct signal *signal,
                           const int64_t *list, int64_t n, struct ps_shard *x)
{
    double *work = NULL;
    uint16_t *spectrum = NULL;
    int64_t bands = signal->bands, elements;
    enum ps_status rc = PS_OK;
    PS_CHECK_DONE(!__builtin_mul_overflow(n, bands, &elements), PS_ENOMEM, "the scene is too large");
    PS_TRY_DONE(ps_alloc(&x->data, elements, ps_dtype_size(x->type), "the spectra of this rank"));
    PS_TRY_DONE(ps_alloc(&work, run->threads * bands, sizeof *work, "spectra of pixels"));
    PS_TRY_DONE(ps_alloc(&spectrum, run->threads * bands, sizeof *spectrum, "spectra of pixels"));
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int64_t i = 0; i < n; i++) {
        uint16_t *own = spectrum + omp_get_thread_num() * bands;
        signal_pixel(signal, scene, list[i], work + omp_get_thread_num() * bands, own);
        for (int64_t k = 0; k < bands; k++) put(x, i * bands + k, own[k]);
    }
done:
    free(work), free(spectrum);
    return rc;
}

/** The labelled pixels as LIBSVM text. Collective over comm. */
static enum ps_status write_text(MPI_Comm comm, const char *path, const struct scene *scene,
                                 const int64_t *list, int64_t n, struct ps_shard *x)
{
    double *label;
    int64_t written;
    enum ps_status rc = ps_agree(comm, ps_alloc(&label, n, sizeof *label, "the labels"));
    if (rc == PS_OK) {
        for (int64_t i = 0; i < n; i++) label[i] = scene->label[list[i]];
        x->mine = (struct ps_range){0, n};
        rc = data_write_labelled(comm, path, "", x, label, NULL, &written);
    }
    free(label);
    return rc;
}

/** The ground truth, as a picture. Collective over comm. */
static enum ps_status write_truth(MPI_Comm comm, const char *path, const struct scene *scene)
{
    int64_t width = scene->spec.width, n = (scene->line.hi - scene->line.lo) * width;
    ps_str where;
    struct ps_shard y = {.rows = scene->spec.height,
                         .cols = width,
                         .mine = scene->line,
                         .type = scene->spec.classes <= UINT8_MAX ? PS_U8 : PS_U16};
    enum ps_status rc = data_labels_path(path, where);
    if (rc == PS_OK) rc = ps_alloc(&y.data, n, ps_dtype_size(y.type), "the ground truth");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        for (int64_t i = 0; i < n; i++) data_put(y.data, i, y.type, scene->label[i]);
        rc = ps_shard_write(comm, where, "GT", &y);
    }
    ps_shard_free(&y);
    return rc;
}

static void tell(struct ps_run *run, const struct params *p, const struct scene_spec *s, bool text)
{
    ps_print(run, "%s: %lld x %d, %lld labelled pixels of %lld x %lld in %d classes\n", p->output,
             (long long)(text ? s->labelled : s->height * s->width), p->bands, (long long)s->labelled,
             (long long)s->height, (long long)s->width, s->classes);
    ps_record_begin(run, "result");
    ps_record_int(run, "labelled", s->labelled);
    ps_record_int(run, "pixels", s->height * s->width);
    ps_record_end(run);
}

static enum ps_status run_spectra(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    bool text = !strcmp(ps_shard_format_named(p->output), "LIBSVM");
    struct scene_spec spec;
    struct scene scene = {0};
    struct signal signal = {0};
    struct ps_shard x = {.cols = p->bands};
    int64_t *list = NULL, n = 0;
    enum ps_status rc;
    ps_phase(run, "scene");
    PS_TRY(settle(p, run->common->seed, &spec));
    PS_TRY_DONE(scene_make(run->comm, &spec, &scene));
    ps_phase(run, "spectra");
    data_type_named(p->type, &x.type);
    if (text && x.type == PS_F32) x.type = PS_F64; /* text has no types, and 0.1 is not 0.1f */
    x.rows = spec.height * spec.width;
    x.mine = (struct ps_range){scene.line.lo * spec.width, scene.line.hi * spec.width};
    rc = signal_make(&spec, p->bands, p->noise, &signal);
    if (rc == PS_OK) rc = list_pixels(&scene, text, &list, &n);
    if (rc == PS_OK) rc = fill(run, &scene, &signal, list, n, &x);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    ps_phase(run, "write");
    if (text) {
        PS_TRY_DONE(write_text(run->comm, p->output, &scene, list, n, &x));
    } else {
        PS_TRY_DONE(ps_shard_write(run->comm, p->output, p->output_dataset, &x));
        PS_TRY_DONE(write_truth(run->comm, p->output, &scene));
    }
    tell(run, p, &spec, text);
done:
    free(list);
    ps_shard_free(&x);
    signal_free(&signal);
    scene_free(&scene);
    return rc;
}

const struct ps_program ps_data_spectra = {
    .name = "psml-data generate spectra",
    .summary = "generate a hyperspectral scene with ground truth, or its labelled pixels as LIBSVM text",
    .synopsis = "[options] OUTPUT",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_HAS_SEED,
    .run = run_spectra,
};
