/* psml-data info: what a file holds, and the spread of its values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_labels.h"
#include "apps/tools/data_values.h"
#include "common/io/sparsefile.h"
#include "common/par/block.h"
#include "common/run/log.h"

enum { SHOWN = 32, SHOWN_CLASSES = 100 };

struct params {
    ps_str input;
    ps_str input_dataset;
    bool head;
    bool all;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, input, .positional = 1, .letter = 'i', .help = "file to look at"),
    PS_PARAM(struct params, input_dataset, .def = "",
             .help = "name inside an HDF5, netCDF, .npz or MATLAB file; empty = the only one"),
    PS_PARAM(struct params, head, .def = "false", .flag = true,
             .help = "only shape and type: the values are not read"),
    PS_PARAM(struct params, all, .def = "false", .flag = true, .help = "list every column, however many"),
};

/** One column's spread over finite values. */
struct column {
    long double min, max, sum;
    int64_t finite, nan, inf;
};

static void add(struct column *c, long double v)
{
    if (isnan(v)) {
        c->nan++;
    } else if (isinf(v)) {
        c->inf++;
    } else {
        if (v < c->min) c->min = v;
        if (v > c->max) c->max = v;
        c->sum += v;
        c->finite++;
    }
}

/** Own rows: one of the two. */
struct rows {
    int64_t n, width;
    struct ps_shard shard;
    struct ps_sparse sparse; /**< used where shard has no data */
};

/** Add rows [lo, hi) of own rows to the columns' spread. */
static void add_rows(const struct rows *r, int64_t lo, int64_t hi, struct column *c)
{
    const struct ps_sparse *p = &r->sparse;
    for (int64_t k = 0; k < r->width; k++) c[k] = (struct column){.min = INFINITY, .max = -INFINITY};
    for (int64_t i = lo; i < hi; i++) {
        for (int64_t k = 0; r->shard.data && k < r->width; k++)
            add(&c[k], data_get(r->shard.data, i * r->width + k, r->shard.type));
        for (int64_t k = r->shard.data ? 0 : p->start[i]; !r->shard.data && k < p->start[i + 1]; k++)
            add(&c[p->index[k]], p->value[k]);
    }
    for (int64_t k = 0; !r->shard.data && k < r->width; k++)
        if (c[k].finite < hi - lo) { /* what is left out is 0 */
            int64_t finite = c[k].finite;
            add(&c[k], 0);
            c[k].finite += hi - lo - finite - 1;
        }
}

static void join(void *from, void *into, int *n, MPI_Datatype *type)
{
    const struct column *a = from;
    struct column *b = into;
    (void)type;
    for (int i = 0; i < *n; i++) {
        if (a[i].min < b[i].min) b[i].min = a[i].min;
        if (a[i].max > b[i].max) b[i].max = a[i].max;
        b[i].sum += a[i].sum;
        b[i].finite += a[i].finite;
        b[i].nan += a[i].nan;
        b[i].inf += a[i].inf;
    }
}

/** Spread of each column over all ranks, on rank 0 in all[width]. Collective over comm.
 * @param work [parts][width] for as many parts of own rows, one a thread */
static void spread(MPI_Comm comm, const struct rows *r, int parts, struct column *work, struct column *all)
{
    int width = (int)r->width;
    MPI_Datatype type;
    MPI_Op op;
#pragma omp parallel for
    for (int i = 0; i < parts; i++) {
        struct ps_range part = ps_block(r->n, parts, i);
        add_rows(r, part.lo, part.hi, work + (int64_t)i * width);
    }
    for (int i = 1; i < parts; i++) join(work + (int64_t)i * width, work, &width, NULL);
    MPI_Type_contiguous(sizeof(struct column), MPI_BYTE, &type);
    MPI_Type_commit(&type);
    MPI_Op_create(join, 1, &op);
    MPI_Reduce(work, all, width, type, op, 0, comm);
    MPI_Op_free(&op);
    MPI_Type_free(&type);
}

static void print_head(const struct ps_run *run, const char *path, const struct ps_shard_info *info)
{
    int64_t width = info->cols ? info->cols : 1;
    ps_print(run, "file      %s\n", path);
    ps_print(run, "format    %s\n", info->format);
    if (info->dataset[0]) ps_print(run, "data set  %s\n", info->dataset);
    if (info->cols)
        ps_print(run, "shape     %lld x %lld\n", (long long)info->rows, (long long)info->cols);
    else
        ps_print(run, "shape     %lld\n", (long long)info->rows);
    ps_print(run, "type      %s\n", ps_dtype_name(info->type));
    ps_print(run, "storage   %s\n", info->storage);
    ps_print(run, "bytes     %lld in memory, %lld in the file\n",
             (long long)(info->rows * width) * (long long)ps_dtype_size(info->type),
             (long long)info->file_bytes);
}

static void print_columns(const struct ps_run *run, const struct column *c, int64_t width, bool all)
{
    int64_t shown = all || width <= SHOWN ? width : SHOWN;
    ps_print(run, "%-8s %20s %20s %20s %10s %10s\n", "column", "min", "max", "mean", "nan", "inf");
    for (int64_t k = 0; k < shown && run->rank == 0; k++) {
        char min[48] = "-", max[48] = "-", mean[48] = "-";
        if (c[k].finite) {
            data_text(c[k].min, min);
            data_text(c[k].max, max);
            snprintf(mean, sizeof mean, "%.9Lg", c[k].sum / (long double)c[k].finite);
        }
        ps_print(run, "%-8lld %20s %20s %20s %10lld %10lld\n", (long long)k, min, max, mean,
                 (long long)c[k].nan, (long long)c[k].inf);
    }
    if (shown < width)
        ps_print(run, "... and %lld more columns (--all lists them)\n", (long long)(width - shown));
}

/** The classes of LIBSVM text. Collective over comm. */
static enum ps_status print_classes(const struct ps_run *run, const struct ps_sparse *s)
{
    struct data_labels labels = {.of = s->label};
    struct data_classes c;
    char text[48], last[48];
    enum ps_status rc = data_classes_find(run->comm, &labels, s->mine.hi - s->mine.lo, &c);
    if (rc == PS_EINPUT) { /* values to fit, not classes */
        ps_err_clear();
        ps_print(run, "labels    more than %d different\n", DATA_MAX_CLASSES);
        return PS_OK;
    }
    PS_TRY(rc);
    if (c.n > SHOWN_CLASSES) {
        data_text(c.label[0], text);
        data_text(c.label[c.n - 1], last);
        ps_print(run, "labels    %d different, from %s to %s\n", c.n, text, last);
    } else {
        ps_print(run, "classes   %d (rows):", c.n);
        for (int k = 0; k < c.n; k++) {
            data_text(c.label[k], text);
            ps_print(run, " %s (%lld)", text, (long long)c.count[k]);
        }
        ps_print(run, "\n");
    }
    data_classes_free(&c);
    return PS_OK;
}

/** Read the rows: LIBSVM text stays sparse. Collective over comm. */
static enum ps_status read_rows(const struct ps_run *run, const struct params *p,
                                const struct ps_shard_info *info, struct rows *out)
{
    out->width = info->cols ? info->cols : 1;
    if (!strcmp(info->format, "LIBSVM") && info->cols) {
        PS_TRY(ps_sparse_read(run->comm, p->input, &out->sparse));
        out->n = out->sparse.mine.hi - out->sparse.mine.lo;
        return print_classes(run, &out->sparse);
    }
    PS_TRY(ps_shard_read(run->comm, p->input, p->input_dataset, &out->shard));
    out->n = out->shard.mine.hi - out->shard.mine.lo;
    return PS_OK;
}

static enum ps_status run_info(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_shard_info info;
    struct rows r = {0};
    struct column *c = NULL;
    PS_TRY(ps_shard_info(run->comm, p->input, p->input_dataset, &info));
    print_head(run, p->input, &info);
    if (p->head) return PS_OK;
    enum ps_status rc;
    PS_TRY_DONE(read_rows(run, p, &info, &r));
    PS_TRY_DONE(
        ps_agree(run->comm, ps_alloc(&c, (run->threads + 1) * r.width, sizeof *c, "the spread of columns")));
    spread(run->comm, &r, run->threads, c + r.width, c);
    print_columns(run, c, r.width, p->all);
done:
    free(c);
    ps_shard_free(&r.shard);
    ps_sparse_free(&r.sparse);
    return rc;
}

const struct ps_program ps_data_info = {
    .name = "psml-data info",
    .summary = "print format, shape, type, storage, and each column's spread",
    .synopsis = "[options] FILE",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .run = run_info,
};
