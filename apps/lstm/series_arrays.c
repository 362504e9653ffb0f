#include "apps/lstm/series_arrays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_columns.h"
#include "apps/lstm/series_units.h"
#include "common/io/shard.h"
#include "common/run/err.h"

enum { COLUMNS = 100000 };

/** A data set. */
struct array {
    ps_str name;
    struct ps_shard shard; /**< owned */
    double scale, offset;  /**< value = stored number x scale + offset */
    double missing[2];     /**< stored numbers that are none; NaN: not given */
};

/** Columns as they come from a file. */
struct arrays {
    struct array *array; /**< [arrays]; owned */
    int arrays;
    int *from, *column; /**< [cols] data set of a column, and which of its columns; owned */
    int64_t rows;
};

static double element(const struct arrays *a, int64_t row, int c)
{
    const struct array *from = &a->array[a->from[c]];
    const struct ps_shard *s = &from->shard;
    const struct ps_points p = {s->data, a->rows, s->cols ? (int)s->cols : 1, s->type};
    const double v = ps_points_at(&p, row, a->column[c]);
    return v == from->missing[0] || v == from->missing[1] ? NAN : v * from->scale + from->offset;
}

/** A number that a data set has as an attribute. @param none where it has none */
static enum ps_status number_of(const struct series_wish *wish, const char *name, const char *attribute,
                                double none, double *out)
{
    struct ps_attribute found;
    PS_TRY(ps_shard_attribute(wish->path, name, attribute, &found));
    *out = found.kind == PS_ATTRIBUTE_NUMBER ? found.number : none;
    return PS_OK;
}

/** Read one more data set; all have as many rows. */
static enum ps_status read_array(const struct series_wish *wish, const char *name, struct arrays *a)
{
    struct array *t = &a->array[a->arrays];
    snprintf(t->name, sizeof t->name, "%s", name);
    PS_TRY(ps_shard_read(MPI_COMM_SELF, wish->path, name, &t->shard));
    a->arrays++;
    if (a->arrays == 1) a->rows = t->shard.rows;
    PS_CHECK(t->shard.rows == a->rows, PS_EINPUT, "%s: data set %s has %lld values, %s has %lld", wish->path,
             name, (long long)t->shard.rows, a->array[0].name, (long long)a->rows);
    PS_TRY(number_of(wish, name, "scale_factor", 1, &t->scale));
    PS_TRY(number_of(wish, name, "add_offset", 0, &t->offset));
    PS_TRY(number_of(wish, name, "_FillValue", NAN, &t->missing[0]));
    return number_of(wish, name, "missing_value", NAN, &t->missing[1]);
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

static enum ps_status make_room(int64_t cols, int64_t arrays, struct arrays *a, struct series_header *h)
{
    PS_TRY(ps_alloc(&a->array, arrays, sizeof *a->array, "the data"));
    PS_TRY(ps_alloc(&a->from, cols, sizeof *a->from, "the columns"));
    PS_TRY(ps_alloc(&a->column, cols, sizeof *a->column, "the columns"));
    return ps_alloc(&h->name, cols, sizeof *h->name, "names of columns");
}

static void add_column(const char *name, int n, int column, struct arrays *a, struct series_header *h)
{
    snprintf(h->name[h->cols], SERIES_NAME, "%.*s", n, name);
    a->from[h->cols] = a->arrays - 1;
    a->column[h->cols++] = column;
}

/** One matrix, whose columns have numbers, or one list, whose name is that of the data set. */
static enum ps_status read_matrix(const struct series_wish *wish, struct arrays *a, struct series_header *h)
{
    struct ps_shard_info info;
    char number[16];
    PS_TRY(ps_shard_info(MPI_COMM_SELF, wish->path, wish->dataset, &info));
    PS_CHECK(info.cols <= COLUMNS, PS_EINPUT, "%s: has %lld columns, %d at most are read; is it transposed?",
             wish->path, (long long)info.cols, COLUMNS);
    PS_TRY(make_room(info.cols + 2, 2, a, h));
    PS_TRY(read_array(wish, wish->dataset, a));
    for (int c = 0; c < info.cols; c++) add_column(number, snprintf(number, sizeof number, "%d", c), c, a, h);
    if (info.cols) return PS_OK;
    const char *name = info.dataset[0] ? info.dataset : "0";
    add_column(name, SERIES_NAME - 1, 0, a, h);
    return PS_OK;
}

/** Add the data sets of a list, once each; they are one-dimensional. */
static enum ps_status read_list(const struct series_wish *wish, const char *list, struct arrays *a,
                                struct series_header *h)
{
    for (const char *at = list, *word; at && *at;) {
        char name[SERIES_NAME];
        int known = 0, n = series_list_next(&at, &word);
        snprintf(name, sizeof name, "%.*s", n, word);
        while (known < h->cols && strcmp(h->name[known], name)) known++;
        if (known < h->cols) continue;
        PS_TRY(read_array(wish, name, a));
        const int64_t cols = a->array[a->arrays - 1].shard.cols;
        PS_CHECK(cols <= 1, PS_EINPUT, "%s: data set %s has %lld columns; one is wanted", wish->path, name,
                 (long long)cols);
        add_column(name, n, 0, a, h);
    }
    return PS_OK;
}

static enum ps_status read_vectors(const struct series_wish *wish, struct arrays *a, struct series_header *h)
{
    int64_t most = 3; /* the first of each list, and times */
    for (const char *c = wish->columns; *c; c++) most += *c == ',';
    for (const char *c = wish->target; *c; c++) most += *c == ',';
    PS_TRY(make_room(most, most, a, h));
    PS_TRY(read_list(wish, wish->columns, a, h));
    return read_list(wish, wish->target, a, h);
}

/** Does the file have a data set of that name, other than one that is read already? */
static bool holds(const struct series_wish *wish, const char *name)
{
    struct ps_shard_info info;
    const bool there = ps_shard_info(MPI_COMM_SELF, wish->path, name, &info) == PS_OK;
    if (!there) ps_err_clear();
    return there && info.cols == 0 && !strcmp(info.dataset, name);
}

/** Times that are a data set of their own: the one that is wanted, or else one of a usual name. */
static enum ps_status read_time(const struct series_wish *wish, struct arrays *a, struct series_header *h)
{
    const char *const *usual = series_time_names, *name = wish->time;
    if (!strcmp(name, "none") || all_numbers(name)) return PS_OK;
    if (strcmp(name, "auto")) return read_list(wish, name, a, h);
    while (*usual && !holds(wish, *usual)) usual++;
    return *usual ? read_list(wish, *usual, a, h) : PS_OK;
}

/** Dates where the data set's units are those of dates; numbers else. */
static enum ps_status make_ticks(const struct series_wish *wish, const struct array *from,
                                 const double *number, struct series_table *out)
{
    struct ps_attribute units, calendar;
    struct series_units u;
    char where[2 * sizeof(ps_str)];
    PS_TRY(ps_shard_attribute(wish->path, from->name, "units", &units));
    PS_TRY(ps_shard_attribute(wish->path, from->name, "calendar", &calendar));
    if (from->shard.cols || !series_units_dated(units.text))
        return series_time_ticks(number, out->rows, &out->clock, out->time);
    snprintf(where, sizeof where, "%s: %s", wish->path, from->name);
    out->clock.date = true;
    PS_TRY(series_units_parse(where, units.text, calendar.text, &u));
    return series_units_ticks(where, &u, number, out->rows, out->time);
}

static enum ps_status copy_times(const struct series_wish *wish, const struct arrays *a,
                                 const struct series_pick *p, struct series_table *out)
{
    double *number;
    out->clock = (struct series_clock){.date = false};
    for (int64_t i = 0; i < a->rows; i++) out->time[i] = i;
    if (p->form == SERIES_TIME_ROWS) return PS_OK;
    PS_TRY(ps_alloc(&number, a->rows, sizeof *number, "the times as read"));
    for (int64_t i = 0; i < a->rows; i++) number[i] = element(a, i, p->time[0]);
    enum ps_status rc = make_ticks(wish, &a->array[a->from[p->time[0]]], number, out);
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
                     "%s: row %lld of column %s has no value; --missing previous or --missing linear fills "
                     "such places",
                     wish->path, (long long)i, out->name[k]);
            out->value[i * out->cols + k] = v;
        }
    return copy_times(wish, a, p, out);
}

enum ps_status series_arrays_read(const struct series_wish *wish, struct series_table *out)
{
    struct arrays a = {.arrays = 0};
    struct series_header h = {.path = wish->path};
    struct series_pick pick = {.cols = 0};
    bool matrix = wish->dataset[0] || all_numbers(wish->columns[0] ? wish->columns : wish->target);
    enum ps_status rc = PS_OK;
    *out = (struct series_table){.rows = 0};
    PS_TRY_DONE(matrix ? read_matrix(wish, &a, &h) : read_vectors(wish, &a, &h));
    PS_TRY_DONE(read_time(wish, &a, &h));
    PS_CHECK_DONE(a.rows > 0, PS_EINPUT, "%s: holds no rows", wish->path);
    PS_TRY_DONE(ps_alloc(&h.field, h.cols, sizeof *h.field, "kinds of columns"));
    for (int c = 0; c < h.cols; c++) h.field[c] = SERIES_NUMBER;
    PS_TRY_DONE(series_columns_pick(&h, wish, &pick));
    PS_TRY_DONE(series_columns_keep(&h, &pick, out));
    PS_TRY_DONE(copy_values(wish, &a, &pick, out));
done:
    for (int s = 0; s < a.arrays; s++) ps_shard_free(&a.array[s].shard);
    free(a.array), free(a.from), free(a.column);
    series_header_free(&h);
    series_pick_free(&pick);
    if (rc != PS_OK) series_table_free(out);
    return rc;
}
