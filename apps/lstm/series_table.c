#include "apps/lstm/series_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_columns.h"
#include "apps/lstm/series_text.h"
#include "common/io/gzread.h"
#include "common/io/infile.h"
#include "common/io/shard.h"
#include "common/run/err.h"

/** Is the file text, perhaps packed? */
static enum ps_status is_text(const char *path, bool *packed, bool *text)
{
    struct ps_infile f;
    unsigned char head[2] = {0};
    PS_TRY(ps_infile_open(path, &f));
    int64_t n = ps_pread_all(f.fd, head, sizeof head, 0);
    ps_infile_close(&f);
    const char *format = ps_shard_format_named(path);
    *packed = ps_gz_is(head, n);
    *text = *packed || !format[0] || !strcmp(format, "text");
    return PS_OK;
}

static enum ps_status load_text(const char *path, bool packed, char **text, int64_t *n)
{
    struct ps_infile f;
    if (packed) return ps_gz_read_all(path, SERIES_TEXT_PAD, text, n);
    PS_TRY(ps_infile_open(path, &f));
    *n = f.bytes;
    enum ps_status rc = ps_alloc(text, f.bytes + SERIES_TEXT_PAD, 1, "the text");
    if (rc == PS_OK) rc = ps_infile_read(&f, *text, f.bytes, 0);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_text(const struct series_wish *wish, bool packed, struct series_table *out)
{
    char *text = NULL;
    int64_t n;
    enum ps_status rc = load_text(wish->path, packed, &text, &n);
    if (rc == PS_OK) rc = series_text_parse(text, n, wish, out);
    free(text);
    return rc;
}

/** Columns as they come from a file of arrays: [cols], each with a stride. */
struct arrays {
    struct ps_shard *shard; /**< owned */
    int shards, cols;
    int64_t rows;
};

/** Element of column c: of the c-th shard, or of the only one. */
static double element(const struct arrays *a, int64_t row, int c)
{
    const struct ps_shard *s = &a->shard[a->shards == 1 ? 0 : c];
    struct ps_points p = {s->data, a->rows, s->cols ? (int)s->cols : 1, s->type};
    return ps_points_at(&p, row, a->shards == 1 ? c : 0);
}

/** Is every item of a list a number? */
static bool all_numbers(const char *list)
{
    for (const char *at = list, *word; at;) {
        int n = series_list_next(&at, &word);
        if ((int)strspn(word, "0123456789") < n) return false;
    }
    return true;
}

/** Add the items of a list to the names of a header, once each. */
static void add_names(const char *list, struct series_header *h)
{
    for (const char *at = list, *word; at && *at;) {
        char name[SERIES_NAME];
        int known = 0, n = series_list_next(&at, &word);
        snprintf(name, sizeof name, "%.*s", n, word);
        while (known < h->cols && strcmp(h->name[known], name)) known++;
        if (known == h->cols) memcpy(h->name[h->cols++], name, sizeof name);
    }
}

/** One matrix, whose columns have numbers. */
static enum ps_status read_matrix(const struct series_wish *wish, struct arrays *a, struct series_header *h)
{
    PS_TRY(ps_alloc(&a->shard, 1, sizeof *a->shard, "the data"));
    PS_TRY(ps_shard_read(MPI_COMM_SELF, wish->path, wish->dataset, a->shard));
    a->shards = 1;
    a->rows = a->shard->rows;
    h->cols = a->shard->cols ? (int)a->shard->cols : 1;
    PS_TRY(ps_alloc(&h->name, h->cols, sizeof *h->name, "names of columns"));
    for (int c = 0; c < h->cols; c++) snprintf(h->name[c], SERIES_NAME, "%d", c);
    return PS_OK;
}

/** A list of one-dimensional data sets. */
static enum ps_status read_vectors(const struct series_wish *wish, struct arrays *a, struct series_header *h)
{
    int64_t most = 3;
    for (const char *c = wish->columns; *c; c++) most += *c == ',';
    for (const char *c = wish->target; *c; c++) most += *c == ',';
    PS_TRY(ps_alloc(&h->name, most, sizeof *h->name, "names of columns"));
    PS_TRY(ps_alloc(&a->shard, most, sizeof *a->shard, "the data"));
    add_names(wish->columns, h);
    add_names(wish->target, h);
    if (strcmp(wish->time, "auto") && strcmp(wish->time, "none")) add_names(wish->time, h);
    for (int c = 0; c < h->cols; c++) {
        struct ps_shard *s = &a->shard[c];
        PS_TRY(ps_shard_read(MPI_COMM_SELF, wish->path, h->name[c], s));
        a->shards++;
        if (c == 0) a->rows = s->rows;
        PS_CHECK(s->cols <= 1, PS_EINPUT, "%s: data set %s has %lld columns; one is wanted", wish->path,
                 h->name[c], (long long)s->cols);
        PS_CHECK(s->rows == a->rows, PS_EINPUT, "%s: data set %s has %lld values, %s has %lld", wish->path,
                 h->name[c], (long long)s->rows, h->name[0], (long long)a->rows);
    }
    return PS_OK;
}

static enum ps_status copy_times(const struct arrays *a, const struct series_pick *p,
                                 struct series_table *out)
{
    double *number;
    out->clock = (struct series_clock){.date = false};
    for (int64_t i = 0; i < a->rows; i++) out->time[i] = i;
    if (p->form == SERIES_TIME_ROWS) return PS_OK;
    PS_TRY(ps_alloc(&number, a->rows, sizeof *number, "the times as read"));
    for (int64_t i = 0; i < a->rows; i++) number[i] = element(a, i, p->time[0]);
    enum ps_status rc = series_time_ticks(number, a->rows, &out->clock, out->time);
    free(number);
    return rc;
}

static enum ps_status copy_values(const struct series_wish *wish, const struct arrays *a,
                                  const struct series_pick *p, struct series_table *out)
{
    out->rows = a->rows;
    PS_TRY(ps_alloc(&out->value, a->rows * out->cols, sizeof *out->value, "the values"));
    PS_TRY(ps_alloc(&out->time, a->rows, sizeof *out->time, "the times"));
    for (int64_t i = 0; i < a->rows; i++)
        for (int k = 0; k < out->cols; k++) {
            double v = element(a, i, p->column[k]);
            PS_CHECK(!isinf(v), PS_EINPUT, "%s: row %lld of column %s is infinite", wish->path, (long long)i,
                     out->name[k]);
            PS_CHECK(!isnan(v) || !wish->refuse, PS_EINPUT,
                     "%s: row %lld of column %s is NaN; --missing previous or --missing linear fills such "
                     "places",
                     wish->path, (long long)i, out->name[k]);
            out->value[i * out->cols + k] = v;
        }
    return copy_times(a, p, out);
}

static enum ps_status read_arrays(const struct series_wish *wish, struct series_table *out)
{
    struct arrays a = {.shards = 0};
    struct series_header h = {.path = wish->path};
    struct series_pick pick = {.cols = 0};
    bool matrix = wish->dataset[0] || all_numbers(wish->columns[0] ? wish->columns : wish->target);
    enum ps_status rc = PS_OK;
    *out = (struct series_table){.rows = 0};
    PS_TRY_DONE(matrix ? read_matrix(wish, &a, &h) : read_vectors(wish, &a, &h));
    PS_CHECK_DONE(a.rows > 0, PS_EINPUT, "%s: holds no rows", wish->path);
    PS_TRY_DONE(ps_alloc(&h.field, h.cols, sizeof *h.field, "kinds of columns"));
    for (int c = 0; c < h.cols; c++) h.field[c] = SERIES_NUMBER;
    PS_TRY_DONE(series_columns_pick(&h, wish, &pick));
    PS_TRY_DONE(series_columns_keep(&h, &pick, out));
    PS_TRY_DONE(copy_values(wish, &a, &pick, out));
done:
    for (int s = 0; s < a.shards; s++) ps_shard_free(&a.shard[s]);
    free(a.shard);
    series_header_free(&h);
    series_pick_free(&pick);
    if (rc != PS_OK) series_table_free(out);
    return rc;
}

enum ps_status series_table_read(const struct series_wish *wish, struct series_table *out)
{
    bool packed, text;
    *out = (struct series_table){.rows = 0};
    PS_TRY(is_text(wish->path, &packed, &text));
    return text ? read_text(wish, packed, out) : read_arrays(wish, out);
}

void series_table_free(struct series_table *t)
{
    free(t->name), free(t->target), free(t->time), free(t->value);
    *t = (struct series_table){.rows = 0};
}
