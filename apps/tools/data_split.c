/* psml-data split: labelled rows into a part for training and one for testing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_labels.h"
#include "apps/tools/data_select.h"
#include "apps/tools/data_values.h"
#include "apps/tools/split_assign.h"
#include "common/io/sparsefile.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"
#include "kernels/rng.h"

enum part { NONE, TRAIN, TEST, PARTS };

struct params {
    ps_str input;
    ps_str train;
    ps_str test;
    double fraction;
    int64_t rows_per_class;
    bool spatial;
    int neighbours;
    double guard;
    ps_str input_dataset;
    ps_str labels;
    ps_str labels_dataset;
    ps_str unlabelled;
    ps_str output_dataset;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, input, .positional = 1, .letter = 'i',
             .help = "labelled rows: LIBSVM text, or a matrix and its ground truth or list of labels"),
    PS_PARAM(struct params, train, .positional = 2, .help = "file to write for training"),
    PS_PARAM(struct params, test, .positional = 3, .help = "file to write for testing"),
    PS_PARAM(struct params, fraction, .def = "0.1", .letter = 'f', .range = "(0,1)",
             .help = "share of each class that goes to training"),
    PS_PARAM(struct params, rows_per_class, .def = "0", .range = "[0,inf)",
             .help = "rows of each class that go to training, instead of a share; 0 = `fraction`"),
    PS_PARAM(
        struct params, spatial, .def = "false", .flag = true,
        .help =
            "whole connected regions go to training or to testing, a class of one region is cut by a line; "
            "else rows at random"),
    PS_PARAM(struct params, neighbours, .def = "8", .range = "[4,8]",
             .help = "neighbours of a pixel in a region: 8, or 4 without those at its corners"),
    PS_PARAM(struct params, guard, .def = "0", .range = "[0,1000]", .unit = "pixels",
             .help = "spatial: test pixels within this distance of a training pixel are left out"),
    PS_PARAM(
        struct params, input_dataset, .def = "",
        .help =
            "name inside an HDF5, netCDF, .npz or MATLAB file; empty = DATA beside labels of the same file, "
            "else the only one"),
    PS_PARAM(struct params, labels, .def = "", .help = "file of the labels; empty = the input"),
    PS_PARAM(struct params, labels_dataset, .def = "",
             .help = "name of the labels in their file; empty = GT in the input, else the only one"),
    PS_PARAM(
        struct params, unlabelled, .def = "auto", .choices = "auto|zero|none",
        .help = "does label 0 mean no label; auto: in a ground truth H x W it does, in a list it is a class"),
    PS_PARAM(struct params, output_dataset, .def = "DATA", .help = "name inside an HDF5 or netCDF file"),
};

/** The rows, as they stay: sparse if text becomes text, else a matrix; and which part each belongs to. */
struct set {
    bool is_sparse;
    struct ps_sparse sparse;
    struct ps_shard x;
    int64_t rows;
    struct ps_range mine;
    struct data_labels labels;
    struct data_classes classes;
    int32_t *class_of; /**< [own rows] -1 = without a label; owned */
    uint8_t *part;     /**< [own rows]; owned */
};

static void set_free(struct set *s)
{
    ps_sparse_free(&s->sparse);
    ps_shard_free(&s->x);
    data_labels_free(&s->labels);
    data_classes_free(&s->classes);
    free(s->class_of), free(s->part);
}

static bool is_text(const char *path)
{
    return !strcmp(ps_shard_format_named(path), "LIBSVM");
}

/** Labels that stand in LIBSVM text itself. Local. */
static enum ps_status own_labels(const struct ps_sparse *s, const char *unlabelled, struct data_labels *out)
{
    int64_t n = s->mine.hi - s->mine.lo;
    *out = (struct data_labels){.zero_is_none = !strcmp(unlabelled, "zero")};
    PS_TRY(ps_alloc(&out->of, n, sizeof *out->of, "labels"));
    memcpy(out->of, s->label, (size_t)n * sizeof *out->of);
    return PS_OK;
}

/** A ground truth for LIBSVM text must be the one that the text came from. Local. */
static enum ps_status check_labels(const struct params *p, const struct set *s)
{
    for (int64_t i = 0; s->is_sparse && i < s->mine.hi - s->mine.lo; i++) {
        double text = s->sparse.label[i], truth = s->labels.of[i];
        PS_CHECK(!(text < truth || text > truth), PS_EINPUT,
                 "row %lld has label %g in %s and %g in %s: is that its ground truth?",
                 (long long)(s->mine.lo + i), text, p->input, truth, p->labels);
    }
    return PS_OK;
}

/** Read rows and labels. Collective over comm. */
static enum ps_status read_set(MPI_Comm comm, const struct params *p, struct set *s)
{
    const char *format = "", *dataset = p->input_dataset;
    struct data_label_source from = {p->input, p->labels, p->labels_dataset, p->unlabelled};
    PS_TRY(ps_shard_format(comm, p->input, &format));
    bool text = !strcmp(format, "LIBSVM");
    s->is_sparse = text && is_text(p->train) && is_text(p->test);
    if (s->is_sparse) {
        PS_TRY(ps_sparse_read(comm, p->input, &s->sparse));
        s->rows = s->sparse.rows, s->mine = s->sparse.mine;
    } else {
        if (!dataset[0] && !p->labels[0] && !text) dataset = "DATA";
        PS_TRY(ps_shard_read(comm, p->input, dataset, &s->x));
        s->rows = s->x.rows, s->mine = s->x.mine;
    }
    if (s->is_sparse && !p->labels[0])
        PS_TRY(ps_agree(comm, own_labels(&s->sparse, p->unlabelled, &s->labels)));
    else
        PS_TRY(data_labels_read(comm, &from, s->rows, s->mine, &s->labels));
    PS_TRY(ps_agree(comm, check_labels(p, s)));
    int64_t n = s->mine.hi - s->mine.lo;
    PS_TRY(data_classes_find(comm, &s->labels, n, &s->classes));
    PS_CHECK(s->classes.n, PS_EINPUT, "%s: no row has a label", p->input);
    enum ps_status rc = ps_alloc(&s->class_of, n, sizeof *s->class_of, "classes of rows");
    if (rc == PS_OK) rc = ps_zalloc(&s->part, n, 1, "parts of rows");
    PS_TRY(ps_agree(comm, rc));
    for (int64_t i = 0; i < n; i++) s->class_of[i] = data_class_of(&s->classes, &s->labels, s->labels.of[i]);
    return PS_OK;
}

/** Rows of each class that training is to have: at least one, and one is left where there are two.
 * @param want out [classes] */
static void goals(const struct params *p, const struct data_classes *c, int64_t *want)
{
    for (int k = 0; k < c->n; k++) {
        want[k] = p->rows_per_class ? p->rows_per_class : (int64_t)rint(p->fraction * (double)c->count[k]);
        if (want[k] >= c->count[k]) want[k] = c->count[k] - 1;
        if (want[k] < 1) want[k] = 1;
    }
}

/** Rows at random. Collective over comm. */
static enum ps_status split_rows(MPI_Comm comm, uint64_t seed, const int64_t *want, struct set *s)
{
    int64_t n = s->mine.hi - s->mine.lo;
    struct ps_rng r = {.seed = seed, .stream = SPLIT_ROW};
    uint64_t *key;
    enum ps_status rc = ps_agree(comm, ps_alloc(&key, n, sizeof *key, "random numbers of rows"));
    if (rc == PS_OK) {
        for (int64_t i = 0; i < n; i++) key[i] = ps_rng_u64(r, s->mine.lo + i, 0);
        rc = data_select(comm, n, s->class_of, key, s->classes.n, want, s->part);
    }
    for (int64_t i = 0; rc == PS_OK && i < n; i++)
        s->part[i] = s->class_of[i] < 0 ? NONE : s->part[i] ? TRAIN : TEST;
    free(key);
    return rc;
}

/** Labelled rows as pixels, and back. Arrays owned. */
struct list {
    int64_t n;
    int64_t *row, *at;
    int32_t *class_of;
    uint8_t *part, *near;
};

static void list_free(struct list *l)
{
    free(l->row), free(l->at), free(l->class_of), free(l->part), free(l->near);
}

static enum ps_status list_pixels(const struct set *s, struct list *l)
{
    int64_t n = s->mine.hi - s->mine.lo;
    PS_TRY(ps_alloc(&l->row, n, sizeof *l->row, "pixels"));
    PS_TRY(ps_alloc(&l->at, n, sizeof *l->at, "pixels"));
    PS_TRY(ps_alloc(&l->class_of, n, sizeof *l->class_of, "pixels"));
    PS_TRY(ps_alloc(&l->part, n, 1, "pixels"));
    PS_TRY(ps_alloc(&l->near, n, 1, "pixels"));
    for (int64_t i = 0; i < n; i++)
        if (s->class_of[i] >= 0) {
            l->row[l->n] = i;
            l->at[l->n] = s->labels.pixel[i];
            l->class_of[l->n++] = s->class_of[i];
        }
    return PS_OK;
}

/** Whole regions; a class that is one region is cut. Collective over comm.
 * @param regions_of out [classes] */
static enum ps_status split_regions(MPI_Comm comm, const struct params *p, uint64_t seed, const int64_t *want,
                                    struct set *s, int64_t *regions_of)
{
    struct list l = {0};
    struct split_regions regions = {0};
    uint8_t *train = NULL, *cut = NULL;
    enum ps_status rc;
    PS_CHECK(s->labels.pixel, PS_EUSAGE,
             "--spatial needs the places of the rows: a ground truth H x W, which --labels may name");
    PS_TRY_DONE(ps_agree(comm, list_pixels(s, &l)));
    struct split_pixels pixels = {l.n, s->labels.width, l.at, l.class_of};
    PS_TRY_DONE(split_regions_find(comm, &pixels, p->neighbours > 4, &regions));
    rc = ps_alloc(&train, regions.n, 1, "parts of regions");
    if (rc == PS_OK) rc = ps_alloc(&cut, s->classes.n, 1, "classes of one region");
    if (rc == PS_OK) rc = split_assign(&regions, s->classes.n, want, seed, train);
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < regions.n; i++) regions_of[regions.list[i].class_of]++;
    for (int k = 0; k < s->classes.n; k++) cut[k] = regions_of[k] == 1;
    for (int64_t i = 0; i < l.n; i++) l.part[i] = train[regions.of[i]];
    PS_TRY_DONE(split_cut(comm, &pixels, s->classes.n, cut, want, seed, l.part));
    for (int64_t i = 0; i < l.n; i++) l.part[i] = l.part[i] ? TRAIN : TEST;
    memset(l.near, 0, (size_t)l.n);
    if (p->guard > 0) PS_TRY_DONE(split_near(comm, &pixels, l.part, TRAIN, p->guard, l.near));
    for (int64_t i = 0; i < l.n; i++) s->part[l.row[i]] = l.part[i] == TEST && l.near[i] ? NONE : l.part[i];
done:
    free(train), free(cut);
    split_regions_free(&regions);
    list_free(&l);
    return rc;
}

/** The rows of a part, written. Collective over comm. */
static enum ps_status write_part(MPI_Comm comm, const struct params *p, const struct set *s, enum part part)
{
    const char *path = part == TRAIN ? p->train : p->test;
    int64_t n = s->mine.hi - s->mine.lo, written;
    uint8_t *keep;
    enum ps_status rc = ps_agree(comm, ps_alloc(&keep, n, 1, "rows to write"));
    for (int64_t i = 0; rc == PS_OK && i < n; i++) keep[i] = s->part[i] == part;
    if (rc == PS_OK && s->is_sparse)
        rc = data_write_sparse(comm, path, &s->sparse, s->labels.of, keep);
    else if (rc == PS_OK)
        rc = data_write_labelled(comm, path, p->output_dataset, &s->x, s->labels.of, keep, &written);
    free(keep);
    return rc;
}

/** Counts by class and part. Collective over comm. @param count out [PARTS][classes] */
static void count_parts(MPI_Comm comm, const struct set *s, int64_t *count)
{
    for (int64_t i = 0; i < s->mine.hi - s->mine.lo; i++)
        if (s->class_of[i] >= 0) count[s->part[i] * s->classes.n + s->class_of[i]]++;
    MPI_Allreduce(MPI_IN_PLACE, count, PARTS * s->classes.n, MPI_INT64_T, MPI_SUM, comm);
}

static void print_line(const struct ps_run *run, const struct params *p, const char *name,
                       const int64_t *count, int64_t regions)
{
    int64_t all = count[NONE] + count[TRAIN] + count[TEST];
    ps_print(run, "%-10s %10lld %10lld %10lld", name, (long long)all, (long long)count[TRAIN],
             (long long)count[TEST]);
    if (p->spatial) ps_print(run, " %10lld %10lld", (long long)count[NONE], (long long)regions);
    ps_print(run, " %9.2f%%\n", 100 * (double)count[TRAIN] / (double)all);
}

/** The table of classes, and the record. Local; count is [PARTS][classes]. */
static void report(struct ps_run *run, const struct params *p, const struct set *s, const int64_t *count,
                   const int64_t *regions)
{
    int n = s->classes.n, whole = 0;
    int64_t sum[PARTS] = {0}, all_regions = 0;
    char name[48];
    ps_print(run, "%-10s %10s %10s %10s", "class", "rows", "train", "test");
    if (p->spatial) ps_print(run, " %10s %10s", "left out", "regions");
    ps_print(run, " %10s\n", "train");
    for (int k = 0; k < n; k++) {
        int64_t one[PARTS] = {count[k], count[n + k], count[2 * n + k]};
        data_text(s->classes.label[k], name);
        print_line(run, p, name, one, regions[k]);
        for (int i = 0; i < PARTS; i++) sum[i] += one[i];
        all_regions += regions[k];
        whole += one[TEST] == 0;
    }
    print_line(run, p, "all", sum, all_regions);
    if (whole)
        ps_warn(run, "%d class%s no row for testing%s", whole, whole > 1 ? "es have" : " has",
                p->spatial && p->guard > 0 ? ": too near to training, or a single one" : "");
    ps_record_begin(run, "result");
    ps_record_int(run, "classes", n);
    ps_record_int(run, "train", sum[TRAIN]);
    ps_record_int(run, "test", sum[TEST]);
    ps_record_int(run, "left_out", sum[NONE]);
    if (p->spatial) ps_record_int(run, "regions", all_regions);
    ps_record_end(run);
}

/** A part without rows could not be read again. Local. */
static enum ps_status check_parts(const struct data_classes *c, const int64_t *count)
{
    int64_t sum[PARTS] = {0};
    for (int i = 0; i < PARTS * c->n; i++) sum[i / c->n] += count[i];
    PS_CHECK(sum[TRAIN] && sum[TEST], PS_EINPUT, "no row is left for %s",
             sum[TRAIN] ? "testing" : "training");
    return PS_OK;
}

/** Decide on every row. Collective over comm. @param regions out [classes] */
static enum ps_status decide(struct ps_run *run, const struct params *p, struct set *s, int64_t *regions)
{
    int64_t *want;
    uint64_t seed = (uint64_t)run->common->seed;
    enum ps_status rc = ps_agree(run->comm, ps_alloc(&want, s->classes.n, sizeof *want, "goals of classes"));
    if (rc == PS_OK) {
        goals(p, &s->classes, want);
        rc = p->spatial ? split_regions(run->comm, p, seed, want, s, regions)
                        : split_rows(run->comm, seed, want, s);
    }
    free(want);
    return rc;
}

static enum ps_status run_split(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct set s = {0};
    int64_t *count = NULL;
    enum ps_status rc;
    PS_CHECK(strcmp(p->train, p->test) && strcmp(p->train, p->input) && strcmp(p->test, p->input), PS_EUSAGE,
             "the input and the two outputs must be three files");
    PS_CHECK(p->neighbours == 4 || p->neighbours == 8, PS_EUSAGE, "neighbours = %d: 4 or 8", p->neighbours);
    PS_CHECK(p->spatial || !(p->guard > 0), PS_EUSAGE, "guard = %g: only spatial splits have one", p->guard);
    ps_phase(run, "read");
    PS_TRY_DONE(read_set(run->comm, p, &s));
    ps_phase(run, "split");
    PS_TRY_DONE(ps_agree(run->comm, ps_zalloc(&count, (PARTS + 1) * (int64_t)s.classes.n, sizeof *count,
                                              "counts of classes")));
    int64_t *regions = count + PARTS * (int64_t)s.classes.n;
    PS_TRY_DONE(decide(run, p, &s, regions));
    count_parts(run->comm, &s, count);
    PS_TRY_DONE(check_parts(&s.classes, count));
    ps_phase(run, "write");
    PS_TRY_DONE(write_part(run->comm, p, &s, TRAIN));
    PS_TRY_DONE(write_part(run->comm, p, &s, TEST));
    report(run, p, &s, count, regions);
done:
    free(count);
    set_free(&s);
    return rc;
}

const struct ps_program ps_data_split = {
    .name = "psml-data split",
    .summary = "split labelled rows for training and testing: at random, or spatially disjoint",
    .synopsis = "[options] INPUT TRAIN TEST",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_HAS_SEED,
    .run = run_split,
};
