/* psml-data convert: another format, type, or part of a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_labels.h"
#include "apps/tools/data_values.h"
#include "common/run/log.h"

struct params {
    ps_str input;
    ps_str output;
    ps_str input_dataset;
    ps_str output_dataset;
    ps_str type;
    ps_str columns;
    ps_str rows;
    ps_str labels;
    ps_str labels_dataset;
    ps_str unlabelled;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, input, .positional = 1, .letter = 'i', .help = "file to read"),
    PS_PARAM(struct params, output, .positional = 2, .letter = 'o',
             .help = "file to write; its name's end says the format"),
    PS_PARAM(struct params, input_dataset, .def = "",
             .help = "name inside an HDF5, netCDF, .npz or MATLAB file; empty = the only one"),
    PS_PARAM(struct params, output_dataset, .def = "DATA", .help = "name inside an HDF5 or netCDF file"),
    PS_PARAM(struct params, type, .def = "same",
             .choices = "same|int8|uint8|int16|uint16|int32|uint32|int64|uint64|float32|float64",
             .help = "element type to write; a value that it cannot hold is an error"),
    PS_PARAM(struct params, columns, .def = "",
             .help = "columns to keep, from 0: numbers and half-open ranges, e.g. 0,2,5:8; empty = all"),
    PS_PARAM(struct params, rows, .def = "",
             .help = "rows to keep, from 0, as LO:HI (half-open; either may be left out); empty = all"),
    PS_PARAM(struct params, labels, .def = "",
             .help = "file of a label for each row, as LIBSVM text needs them; empty = the input"),
    PS_PARAM(struct params, labels_dataset, .def = "",
             .help = "name of the labels in their file; empty = GT in the input, else the only one"),
    PS_PARAM(struct params, unlabelled, .def = "auto", .choices = "auto|zero|none",
             .help =
                 "are rows with label 0 left out; auto: those of a ground truth H x W are, in a list 0 is a "
                 "class"),
};

/** A number, or `missing` where none stands. Advances *at. */
static int64_t number(const char **at, int64_t missing)
{
    char *end;
    if (**at < '0' || **at > '9') return missing;
    long long v = strtoll(*at, &end, 10);
    *at = end;
    return v < INT64_MAX / 2 ? v : INT64_MAX / 2; /* one more must not overflow */
}

/** LO:HI within [0, n). */
static enum ps_status parse_rows(const char *text, int64_t n, struct ps_range *out)
{
    const char *at = text;
    *out = (struct ps_range){0, n};
    if (!text[0]) return PS_OK;
    out->lo = number(&at, 0);
    PS_CHECK(*at++ == ':', PS_EUSAGE, "rows = %s: write LO:HI, e.g. 0:1000", text);
    out->hi = number(&at, n);
    PS_CHECK(!*at, PS_EUSAGE, "rows = %s: write LO:HI, e.g. 0:1000", text);
    PS_CHECK(out->lo <= out->hi && out->hi <= n, PS_EUSAGE, "rows = %s: there are rows 0:%lld", text,
             (long long)n);
    return PS_OK;
}

/** Numbers and ranges, separated by commas, into list[*n]; called with list = NULL to count. */
static enum ps_status parse_columns(const char *text, int64_t cols, int64_t *list, int64_t *n)
{
    *n = 0;
    for (const char *at = text; *at;) {
        int64_t lo = number(&at, 0), hi = lo + 1;
        bool range = *at == ':';
        if (range) {
            at++;
            hi = number(&at, cols);
        }
        PS_CHECK(at > text && (*at == ',' || !*at) && at[-1] != ',', PS_EUSAGE,
                 "columns = %s: write numbers and ranges with commas between, e.g. 0,2,5:8", text);
        PS_CHECK(lo < hi && hi <= cols, PS_EUSAGE, "columns = %s: there are columns 0:%lld", text,
                 (long long)cols);
        for (int64_t k = lo; k < hi; k++, ++*n)
            if (list) list[*n] = k;
        if (*at == ',') {
            at++;
            PS_CHECK(*at, PS_EUSAGE, "columns = %s: a column is missing after the last comma", text);
        }
    }
    PS_CHECK(*n, PS_EUSAGE, "columns = %s: no column is left", text);
    return PS_OK;
}

/** What is kept of a data set. */
struct choice {
    int64_t *columns; /**< [ncolumns]; owned */
    int64_t ncolumns;
    struct ps_range rows;
    enum ps_dtype type;
};

static enum ps_status choose(const struct params *p, const struct ps_shard *in, struct choice *c)
{
    int64_t width = in->cols ? in->cols : 1;
    const char *columns = p->columns[0] ? p->columns : ":";
    *c = (struct choice){.type = in->type};
    data_type_named(p->type, &c->type); /* "same" leaves it */
    PS_TRY(parse_rows(p->rows, in->rows, &c->rows));
    PS_TRY(parse_columns(columns, width, NULL, &c->ncolumns));
    PS_TRY(ps_alloc(&c->columns, c->ncolumns, sizeof *c->columns, "the list of columns"));
    return parse_columns(columns, width, c->columns, &c->ncolumns);
}

static int64_t clamp(int64_t v, struct ps_range r)
{
    return v < r.lo ? r.lo : v > r.hi ? r.hi : v;
}

/** Take own part of the choice. Local. */
static enum ps_status take(const char *path, const struct ps_shard *in, const struct choice *c,
                           struct ps_shard *out)
{
    int64_t width = in->cols ? in->cols : 1, lo = clamp(in->mine.lo, c->rows),
            hi = clamp(in->mine.hi, c->rows);
    int64_t bad = INT64_MAX;
    *out = (struct ps_shard){.rows = c->rows.hi - c->rows.lo,
                             .cols = in->cols || c->ncolumns > 1 ? c->ncolumns : 0,
                             .mine = {lo - c->rows.lo, hi - c->rows.lo},
                             .type = c->type};
    PS_TRY(ps_alloc(&out->data, (hi - lo) * c->ncolumns + 1, ps_dtype_size(c->type), "the converted rows"));
#pragma omp parallel for reduction(min : bad)
    for (int64_t i = lo; i < hi; i++)
        for (int64_t k = 0; k < c->ncolumns; k++) {
            int64_t from = (i - in->mine.lo) * width + c->columns[k];
            if (!data_put(out->data, (i - lo) * c->ncolumns + k, c->type,
                          data_get(in->data, from, in->type)) &&
                from < bad)
                bad = from;
        }
    if (bad == INT64_MAX) return PS_OK;
    char text[48];
    data_text(data_get(in->data, bad, in->type), text);
    return ps_fail(PS_EINPUT, "%s: row %lld, column %lld: %s cannot be stored as %s", path,
                   (long long)(in->mine.lo + bad / width), (long long)(bad % width), text,
                   ps_dtype_name(c->type));
}

/** Are labels written, too: LIBSVM text needs them, and has them. Collective over comm. */
static enum ps_status with_labels(MPI_Comm comm, const struct params *p, bool *labelled)
{
    const char *format = "";
    PS_TRY(ps_shard_format(comm, p->input, &format));
    bool matrix = !p->input_dataset[0] || !strcmp(p->input_dataset, "DATA");
    *labelled = p->labels[0] || p->labels_dataset[0] || !strcmp(ps_shard_format_named(p->output), "LIBSVM") ||
                (!strcmp(format, "LIBSVM") && matrix);
    return PS_OK;
}

/** Rows that have a label, and their labels. Collective over comm.
 * @param in the rows as read, whose data may be gone
 * @param out own part of the choice */
static enum ps_status write_labelled(MPI_Comm comm, const struct params *p, const struct ps_shard *in,
                                     const struct choice *c, struct ps_shard *out)
{
    struct data_label_source from = {p->input, p->labels, p->labels_dataset, p->unlabelled};
    struct data_labels labels;
    uint8_t *keep;
    int64_t n = out->mine.hi - out->mine.lo, skip = out->mine.lo + c->rows.lo - in->mine.lo;
    PS_TRY(data_labels_read(comm, &from, in->rows, in->mine, &labels));
    enum ps_status rc = ps_agree(comm, ps_alloc(&keep, n, 1, "rows to write"));
    if (rc == PS_OK) {
        const double *of = labels.of + (n ? skip : 0); /* the rows of another rank are not behind own ones */
        for (int64_t i = 0; i < n; i++) keep[i] = !labels.zero_is_none || of[i] < 0 || of[i] > 0;
        rc = data_write_labelled(comm, p->output, p->output_dataset, out, of, keep, &out->rows);
    }
    free(keep);
    data_labels_free(&labels);
    return rc;
}

static enum ps_status run_convert(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_shard in = {0}, out = {0};
    struct choice c = {0};
    bool labelled = false;
    enum ps_status rc = with_labels(run->comm, p, &labelled);
    bool beside = labelled && !p->labels[0] && !p->input_dataset[0]; /* the rows lie beside their labels */
    if (rc == PS_OK) rc = ps_shard_read(run->comm, p->input, beside ? "DATA" : p->input_dataset, &in);
    if (rc == PS_OK) rc = ps_agree(run->comm, choose(p, &in, &c));
    if (rc == PS_OK) rc = ps_agree(run->comm, take(p->input, &in, &c, &out));
    ps_shard_free(&in);
    if (rc == PS_OK)
        rc = labelled ? write_labelled(run->comm, p, &in, &c, &out)
                      : ps_shard_write(run->comm, p->output, p->output_dataset, &out);
    if (rc == PS_OK)
        ps_print(run, "%s: %lld x %lld %s\n", p->output, (long long)out.rows,
                 (long long)(out.cols ? out.cols : 1), ps_dtype_name(out.type));
    ps_shard_free(&out);
    free(c.columns);
    return rc;
}

const struct ps_program ps_data_convert = {
    .name = "psml-data convert",
    .summary = "write a data set, or a part of it, in another format or type",
    .synopsis = "[options] INPUT OUTPUT",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .run = run_convert,
};
