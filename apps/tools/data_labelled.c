/* Labelled output: LIBSVM text, or a matrix and the list of its labels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_labels.h"
#include "apps/tools/data_values.h"
#include "common/io/number.h"
#include "common/io/sparsefile.h"
#include "common/par/window.h"
#include "common/run/err.h"

/** An element as the double that its shortest text stands for: 0.1 as float32 is not 0.10000000149011612. */
static double readable(const void *data, int64_t i, enum ps_dtype type)
{
    double v = (double)data_get(data, i, type);
    char text[PS_NUMBER_TEXT];
    if (type != PS_F32 || v == rint(v)) return v;
    int n = ps_number_format_f32((float)v, text);
    ps_number_parse(text, text + n, &v);
    return v;
}

/** Count the entries of every row, and find the first element that LIBSVM text cannot hold.
 * @param entries out [own rows] */
static enum ps_status count(const char *path, const struct ps_shard *x, const uint8_t *keep, int64_t *entries)
{
    int64_t width = x->cols ? x->cols : 1, bad = INT64_MAX;
#pragma omp parallel for reduction(min : bad)
    for (int64_t i = 0; i < x->mine.hi - x->mine.lo; i++) {
        entries[i] = 0;
        for (int64_t k = 0; k < width && (!keep || keep[i]); k++) {
            double v = (double)data_get(x->data, i * width + k, x->type);
            entries[i] += v < 0 || v > 0;
            if (!isfinite(v) && i * width + k < bad) bad = i * width + k;
        }
    }
    PS_CHECK(bad == INT64_MAX, PS_EINPUT,
             "%s: row %lld, column %lld is not finite; LIBSVM text cannot hold it", path,
             (long long)(x->mine.lo + bad / width), (long long)(bad % width));
    return PS_OK;
}

/** Set where each kept row starts. @param row out [own rows] place of a kept row, -1 for others */
static void number(const double *label, const uint8_t *keep, const int64_t *entries, int64_t n, int64_t *row,
                   struct ps_sparse *s)
{
    int64_t at = 0;
    s->start[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        row[i] = -1;
        if (keep && !keep[i]) continue;
        row[i] = at;
        s->label[at] = label[i];
        s->start[at + 1] = s->start[at] + entries[i];
        at++;
    }
    s->mine.hi = at;
}

static void fill(const struct ps_shard *x, const int64_t *row, struct ps_sparse *s)
{
    int64_t width = x->cols ? x->cols : 1;
#pragma omp parallel for
    for (int64_t i = 0; i < x->mine.hi - x->mine.lo; i++) {
        if (row[i] < 0) continue;
        for (int64_t k = 0, at = s->start[row[i]]; k < width; k++) {
            double v = readable(x->data, i * width + k, x->type);
            if (!(v < 0 || v > 0)) continue;
            s->index[at] = (int32_t)k;
            s->value[at++] = v;
        }
    }
}

static enum ps_status compress(const char *path, const struct ps_shard *x, const double *label,
                               const uint8_t *keep, struct ps_sparse *s)
{
    int64_t n = x->mine.hi - x->mine.lo, *entries = NULL, *row = NULL;
    enum ps_status rc;
    PS_CHECK(x->cols <= INT32_MAX, PS_EINPUT, "%s: %lld columns are too many for LIBSVM text", path,
             (long long)x->cols);
    s->cols = x->cols ? x->cols : 1;
    PS_TRY_DONE(ps_alloc(&entries, n, sizeof *entries, "sparse rows"));
    PS_TRY_DONE(ps_alloc(&row, n, sizeof *row, "sparse rows"));
    PS_TRY_DONE(ps_alloc(&s->start, n + 1, sizeof *s->start, "sparse rows"));
    PS_TRY_DONE(ps_alloc(&s->label, n, sizeof *s->label, "sparse rows"));
    PS_TRY_DONE(count(path, x, keep, entries));
    number(label, keep, entries, n, row, s);
    PS_TRY_DONE(ps_alloc(&s->index, s->start[s->mine.hi], sizeof *s->index, "sparse rows"));
    PS_TRY_DONE(ps_alloc(&s->value, s->start[s->mine.hi], sizeof *s->value, "sparse rows"));
    fill(x, row, s);
done:
    free(entries), free(row);
    return rc;
}

static enum ps_status write_libsvm(MPI_Comm comm, const char *path, const struct ps_shard *x,
                                   const double *label, const uint8_t *keep, int64_t *rows)
{
    struct ps_sparse s = {.first_line = 1};
    enum ps_status rc = ps_agree(comm, compress(path, x, label, keep, &s));
    if (rc == PS_OK) {
        s.mine = ps_window_place(comm, s.mine.hi, &s.rows);
        *rows = s.rows;
        rc = ps_sparse_write(comm, path, &s);
    }
    ps_sparse_free(&s);
    return rc;
}

/** Copy the kept rows. Local. */
static enum ps_status keep_sparse(const struct ps_sparse *s, const double *label, const uint8_t *keep,
                                  struct ps_sparse *out)
{
    int64_t n = s->mine.hi - s->mine.lo, entries = s->start[n], row = 0, at = 0;
    PS_TRY(ps_alloc(&out->start, n + 1, sizeof *out->start, "sparse rows"));
    PS_TRY(ps_alloc(&out->label, n, sizeof *out->label, "sparse rows"));
    PS_TRY(ps_alloc(&out->index, entries, sizeof *out->index, "sparse rows"));
    PS_TRY(ps_alloc(&out->value, entries, sizeof *out->value, "sparse rows"));
    out->start[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = s->start[i], len = s->start[i + 1] - from;
        if (!keep[i]) continue;
        memcpy(out->index + at, s->index + from, (size_t)len * sizeof *out->index);
        memcpy(out->value + at, s->value + from, (size_t)len * sizeof *out->value);
        out->label[row++] = label[i];
        out->start[row] = at += len;
    }
    out->mine.hi = row;
    return PS_OK;
}

enum ps_status data_write_sparse(MPI_Comm comm, const char *path, const struct ps_sparse *s,
                                 const double *label, const uint8_t *keep)
{
    struct ps_sparse out = {.cols = s->cols, .first_line = 1};
    enum ps_status rc = ps_agree(comm, keep_sparse(s, label, keep, &out));
    if (rc == PS_OK) {
        out.mine = ps_window_place(comm, out.mine.hi, &out.rows);
        rc = ps_sparse_write(comm, path, &out);
    }
    ps_sparse_free(&out);
    return rc;
}

/** Kept rows and labels as shards of their own. Local. */
static enum ps_status select_rows(const struct ps_shard *x, const double *label, const uint8_t *keep,
                                  struct ps_shard *rows, struct ps_shard *labels)
{
    int64_t width = x->cols ? x->cols : 1, n = x->mine.hi - x->mine.lo, at = 0;
    size_t row = (size_t)width * ps_dtype_size(x->type);
    *rows = (struct ps_shard){.cols = x->cols, .type = x->type};
    *labels = (struct ps_shard){.type = PS_F64};
    PS_TRY(ps_alloc(&rows->data, n, row, "rows to write"));
    PS_TRY(ps_alloc(&labels->data, n, sizeof(double), "labels to write"));
    for (int64_t i = 0; i < n; i++) {
        if (keep && !keep[i]) continue;
        memcpy((char *)rows->data + (size_t)at * row, (const char *)x->data + (size_t)i * row, row);
        ((double *)labels->data)[at++] = label[i];
    }
    rows->mine.hi = labels->mine.hi = at;
    return PS_OK;
}

/** Labels that are whole numbers of 32 bits become such. Collective over comm. */
static void narrow(MPI_Comm comm, struct ps_shard *labels)
{
    int64_t n = labels->mine.hi - labels->mine.lo;
    double *from = labels->data;
    int32_t *to = labels->data; /* an int32 never lies behind the double that it comes from */
    int whole = 1;
    for (int64_t i = 0; i < n; i++) whole &= fabs(from[i]) <= INT32_MAX && from[i] == rint(from[i]);
    MPI_Allreduce(MPI_IN_PLACE, &whole, 1, MPI_INT, MPI_MIN, comm);
    if (!whole) return;
    for (int64_t i = 0; i < n; i++) {
        int32_t v = (int32_t)from[i];
        memcpy(to + i, &v, sizeof v);
    }
    labels->type = PS_I32;
}

enum ps_status data_labels_path(const char *path, ps_str out)
{
    const char *format = ps_shard_format_named(path), *dot = strrchr(path, '.');
    int n;
    if (!dot || !strcmp(format, "HDF5") || !strcmp(format, "LIBSVM"))
        n = snprintf(out, sizeof(ps_str), "%s", path);
    else
        n = snprintf(out, sizeof(ps_str), "%.*s-labels%s", (int)(dot - path), path, dot);
    PS_CHECK(n < (int)sizeof(ps_str), PS_EUSAGE, "%.100s...: the name is too long", path);
    return PS_OK;
}

enum ps_status data_write_labelled(MPI_Comm comm, const char *path, const char *dataset,
                                   const struct ps_shard *x, const double *label, const uint8_t *keep,
                                   int64_t *rows)
{
    struct ps_shard part = {0}, labels = {0};
    ps_str labels_path;
    if (!strcmp(ps_shard_format_named(path), "LIBSVM")) return write_libsvm(comm, path, x, label, keep, rows);
    enum ps_status rc = data_labels_path(path, labels_path);
    if (rc == PS_OK) rc = select_rows(x, label, keep, &part, &labels);
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        narrow(comm, &labels);
        part.mine = ps_window_place(comm, part.mine.hi, &part.rows);
        labels.mine = part.mine, *rows = labels.rows = part.rows;
        rc = ps_shard_write(comm, path, dataset, &part);
    }
    if (rc == PS_OK) rc = ps_shard_write(comm, labels_path, "GT", &labels);
    ps_shard_free(&part);
    ps_shard_free(&labels);
    return rc;
}
