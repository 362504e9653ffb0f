#include "apps/lstm/series_text.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_fields.h"
#include "common/par/block.h"
#include "common/run/err.h"

enum { PIECE = 1 << 18, PIECES_PER_THREAD = 4, WORD = 40 };

/** How rows are read. */
struct form {
    const char *path;
    char separator;
    int cols; /**< of the file */
    enum series_time_form form;
    int *slot;     /**< [cols] column of the table, or -1 */
    int *part;     /**< [cols] part of the time, or -1 */
    bool refuse;   /**< missing values */
    int values;    /**< columns of the table */
    double *time;  /**< [rows] as read */
    double *value; /**< [rows][values] */
};

enum wrong { FINE, NOT_NUMBER, NOT_TIME, NOT_THERE, FEWER, LONGER };

/** Whole lines of the text, and the first thing that is wrong with them. */
struct piece {
    const char *at, *end;
    int64_t line, lines, row, rows; /**< first and how many */
    enum wrong wrong;
    int64_t wrong_line;
    int field;
    char word[WORD];
};

static void count(struct piece *p)
{
    for (const char *at = p->at; at < p->end; p->lines++) {
        const char *stop = memchr(at, '\n', (size_t)(p->end - at));
        p->rows += !series_line_empty(at, stop);
        at = stop + 1;
    }
}

static bool tell(struct piece *p, enum wrong wrong, int field, const char *at, const char *end)
{
    int n = end - at < WORD - 1 ? (int)(end - at) : WORD - 1;
    p->wrong = wrong;
    p->field = field;
    memcpy(p->word, at, (size_t)n);
    p->word[n] = 0;
    return false;
}

/** A field of the time: of a date, a plain number, or a part of a date. */
static bool take_time(const struct form *f, int part, const char *at, const char *end, int64_t parts[6],
                      double *time)
{
    int64_t seconds;
    double number;
    if (f->form == SERIES_TIME_DATE) {
        bool fine = series_time_parse(at, end, &seconds);
        if (fine) *time = (double)seconds;
        return fine;
    }
    if (!series_field_number(at, end, &number) || !isfinite(number)) return false;
    *time = number;
    if (f->form == SERIES_TIME_NUMBER) return true;
    if (number != floor(number) || fabs(number) >= 10000) return false;
    parts[part] = (int64_t)number;
    return true;
}

/** A row: one value for each slot and a time. @return is it fine? */
static bool parse_row(const struct form *f, const char *at, const char *end, double *value, double *time,
                      struct piece *p)
{
    int64_t parts[6] = {0}, seconds;
    struct series_line line = series_line_begin(at, end, f->separator);
    for (int c = 0; line.more; c++) {
        const char *from, *to = series_line_next(&line, &from);
        if (c == f->cols) return tell(p, LONGER, c, from, to);
        if (f->slot[c] >= 0) {
            double *v = &value[f->slot[c]];
            if (!series_field_number(from, to, v)) {
                if (!series_field_missing(from, to)) return tell(p, NOT_NUMBER, c, from, to);
                *v = NAN;
            }
            if (isinf(*v)) return tell(p, NOT_NUMBER, c, from, to);
            if (isnan(*v) && f->refuse) return tell(p, NOT_THERE, c, from, to);
        }
        if (f->part[c] >= 0 && !take_time(f, f->part[c], from, to, parts, time))
            return tell(p, NOT_TIME, c, from, to);
        if (!line.more && c + 1 < f->cols) return tell(p, FEWER, c + 1, from, to);
    }
    if (f->form != SERIES_TIME_PARTS) return true;
    if (!series_time_seconds(parts, &seconds)) {
        char date[WORD];
        int n = snprintf(date, sizeof date, "%lld-%lld-%lld %lld:%02lld", (long long)parts[0],
                         (long long)parts[1], (long long)parts[2], (long long)parts[3], (long long)parts[4]);
        return tell(p, NOT_TIME, -1, date, date + (n < WORD ? n : WORD - 1));
    }
    *time = (double)seconds;
    return true;
}

static void parse_piece(const struct form *f, struct piece *p)
{
    int64_t row = p->row, line = p->line;
    for (const char *at = p->at; at < p->end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(p->end - at));
        if (!series_line_empty(at, stop)) {
            if (!parse_row(f, at, stop, f->value + row * f->values, f->time + row, p)) {
                p->wrong_line = line;
                return;
            }
            row++;
        }
        at = stop + 1;
    }
}

static enum ps_status explain(const struct form *f, const struct series_header *h, const struct piece *p)
{
    long long line = p->wrong_line + 1;
    const char *name = p->field >= 0 && p->field < h->cols ? h->name[p->field] : "";
    switch (p->wrong) {
    case FINE:
        return PS_OK;
    case NOT_NUMBER:
        return ps_fail(PS_EINPUT, "%s: line %lld: '%s' in column %s is not a finite number", f->path, line,
                       p->word, name);
    case NOT_TIME:
        return ps_fail(PS_EINPUT, "%s: line %lld: '%s'%s%s is not a time%s", f->path, line, p->word,
                       name[0] ? " in column " : "", name,
                       f->form == SERIES_TIME_DATE
                           ? "; known are 2016-07-31 23:00, 2016-07-31T23:00:00 and 7/31/2016 23:00"
                           : "");
    case NOT_THERE:
        return ps_fail(PS_EINPUT,
                       "%s: line %lld: column %s has no value ('%s'); --missing previous or --missing linear "
                       "fills such places",
                       f->path, line, name, p->word);
    case FEWER:
        return ps_fail(PS_EINPUT, "%s: line %lld has %d columns, not %d", f->path, line, p->field, f->cols);
    case LONGER:
        return ps_fail(PS_EINPUT, "%s: line %lld has more than %d columns", f->path, line, f->cols);
    }
    return PS_OK;
}

/** The first line with something on it, from `at` on; its LF is *stop. @param line counted on */
static const char *seek_line(const char *at, const char *end, const char **stop, int64_t *line)
{
    for (; at < end; at = *stop + 1, ++*line) {
        *stop = memchr(at, '\n', (size_t)(end - at));
        if (!series_line_empty(at, *stop)) return at;
    }
    return NULL;
}

static int count_fields(const char *at, const char *end, char separator)
{
    int n = 0;
    const char *field;
    for (struct series_line l = series_line_begin(at, end, separator); l.more; n++)
        series_line_next(&l, &field);
    return n;
}

/** Kinds of the fields of a line. @param kind out [cols]; left alone where the line is shorter */
static void kinds(const char *at, const char *end, char separator, int cols, enum series_field *kind)
{
    struct series_line l = series_line_begin(at, end, separator);
    for (int c = 0; c < cols && l.more; c++) {
        const char *field, *to = series_line_next(&l, &field);
        kind[c] = series_field_kind(field, to);
    }
}

/** Is the first line a header? It has words where the next one has numbers or dates, or it has neither. */
static bool is_header(const enum series_field *first, const enum series_field *next, int cols)
{
    bool values = false;
    for (int c = 0; c < cols; c++) {
        if (first[c] == SERIES_WORD && (next[c] == SERIES_NUMBER || next[c] == SERIES_DATE)) return true;
        values = values || first[c] == SERIES_NUMBER || first[c] == SERIES_DATE;
    }
    return !values;
}

static void take_names(const char *at, const char *end, char separator, struct series_header *h)
{
    struct series_line l = series_line_begin(at, end, separator);
    for (int c = 0; c < h->cols; c++) {
        const char *field, *to = series_line_next(&l, &field);
        snprintf(h->name[c], SERIES_NAME, "%.*s", (int)(to - field), field);
    }
}

/** Names and kinds of columns. @param data out: where the rows begin @param line out: number of that line */
static enum ps_status look(const char *text, const char *end, char *separator, const char **data,
                           int64_t *line, struct series_header *h)
{
    const char *stop, *stop_next, *at = seek_line(text, end, &stop, line);
    int64_t line_next = *line + 1;
    PS_CHECK(at, PS_EINPUT, "%s: holds no rows", h->path);
    *separator = series_line_separator(at, stop);
    h->cols = count_fields(at, stop, *separator);
    PS_TRY(ps_zalloc(&h->name, h->cols, sizeof *h->name, "names of columns"));
    PS_TRY(ps_zalloc(&h->field, 2 * (int64_t)h->cols, sizeof *h->field, "kinds of columns"));
    kinds(at, stop, *separator, h->cols, h->field);
    const char *next = seek_line(stop + 1, end, &stop_next, &line_next);
    if (next) kinds(next, stop_next, *separator, h->cols, h->field + h->cols);
    if (is_header(h->field, h->field + h->cols, h->cols)) {
        take_names(at, stop, *separator, h);
        PS_CHECK(next, PS_EINPUT, "%s: holds a header, but no rows", h->path);
        memcpy(h->field, h->field + h->cols, (size_t)h->cols * sizeof *h->field);
        at = next;
        *line = line_next;
    } else {
        for (int c = 0; c < h->cols; c++) snprintf(h->name[c], SERIES_NAME, "%d", c);
    }
    *data = at;
    return PS_OK;
}

/** Cut [at, end) at ends of lines, and count. @param piece out [most] @return pieces */
static int cut(const char *at, const char *end, int64_t line, int most, struct piece *piece)
{
    int n = 0;
    const char *from = at;
    for (int i = 0; i < most && from < end; i++) {
        const char *stop = at + ps_block(end - at, most, i).hi;
        if (stop <= from) continue;
        stop = (const char *)memchr(stop - 1, '\n', (size_t)(end - stop + 1)) + 1;
        piece[n++] = (struct piece){.at = from, .end = stop};
        from = stop;
    }
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++) count(&piece[i]);
    piece[0].line = line;
    for (int i = 1; i < n; i++) {
        piece[i].line = piece[i - 1].line + piece[i - 1].lines;
        piece[i].row = piece[i - 1].row + piece[i - 1].rows;
    }
    return n;
}

static enum ps_status make_form(const struct series_header *h, const struct series_wish *wish,
                                const struct series_pick *p, char separator, struct form *f)
{
    *f = (struct form){.path = wish->path,
                       .separator = separator,
                       .cols = h->cols,
                       .form = p->form,
                       .refuse = wish->refuse,
                       .values = p->cols};
    PS_TRY(ps_alloc(&f->slot, h->cols, sizeof *f->slot, "the columns"));
    PS_TRY(ps_alloc(&f->part, h->cols, sizeof *f->part, "the columns"));
    for (int c = 0; c < h->cols; c++) f->slot[c] = f->part[c] = -1;
    for (int k = 0; k < p->cols; k++) f->slot[p->column[k]] = k;
    int parts = p->form == SERIES_TIME_ROWS ? 0 : p->form == SERIES_TIME_PARTS ? SERIES_DATE_PARTS : 1;
    for (int i = 0; i < parts; i++)
        if (p->time[i] >= 0) f->part[p->time[i]] = i;
    return PS_OK;
}

static enum ps_status parse_rows(struct form *f, const struct series_header *h, struct piece *piece, int n,
                                 struct series_table *out)
{
    out->rows = piece[n - 1].row + piece[n - 1].rows;
    PS_TRY(ps_alloc(&out->value, out->rows * out->cols, sizeof *out->value, "the values"));
    PS_TRY(ps_alloc(&out->time, out->rows, sizeof *out->time, "the times"));
    PS_TRY(ps_alloc(&f->time, out->rows, sizeof *f->time, "the times as read"));
    f->value = out->value;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++) parse_piece(f, &piece[i]);
    for (int i = 0; i < n; i++) PS_TRY(explain(f, h, &piece[i]));
    if (f->form == SERIES_TIME_NUMBER) return series_time_ticks(f->time, out->rows, &out->clock, out->time);
    out->clock = (struct series_clock){.date = f->form != SERIES_TIME_ROWS};
    for (int64_t i = 0; i < out->rows; i++) out->time[i] = out->clock.date ? (int64_t)f->time[i] : i;
    return PS_OK;
}

enum ps_status series_text_parse(char *text, int64_t n, const struct series_wish *wish,
                                 struct series_table *out)
{
    struct series_header h = {.path = wish->path};
    struct series_pick pick = {.cols = 0};
    struct form f = {.path = wish->path};
    struct piece *piece = NULL;
    const char *data = text, *end = text + n + SERIES_TEXT_PAD;
    int64_t line = 0;
    char separator = 0;
    int pieces = omp_get_max_threads() * PIECES_PER_THREAD;
    if (pieces > n / PIECE + 1) pieces = (int)(n / PIECE) + 1;
    enum ps_status rc = PS_OK;
    *out = (struct series_table){.rows = 0};
    text[n] = '\n';
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3; /* a mark of UTF-8 */
    PS_TRY_DONE(look(text, end, &separator, &data, &line, &h));
    PS_TRY_DONE(series_columns_pick(&h, wish, &pick));
    PS_TRY_DONE(make_form(&h, wish, &pick, separator, &f));
    PS_TRY_DONE(series_columns_keep(&h, &pick, out));
    PS_TRY_DONE(ps_alloc(&piece, pieces, sizeof *piece, "pieces of text"));
    PS_TRY_DONE(parse_rows(&f, &h, piece, cut(data, end, line, pieces, piece), out));
done:
    free(piece), free(f.slot), free(f.part), free(f.time);
    series_header_free(&h);
    series_pick_free(&pick);
    if (rc != PS_OK) series_table_free(out);
    return rc;
}
