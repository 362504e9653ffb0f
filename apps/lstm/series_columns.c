#include "apps/lstm/series_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/run/err.h"
#include "common/run/nearest.h"

const char *const series_time_names[] = {"time", "date", "datetime", "timestamp", NULL};

int series_list_next(const char **at, const char **item)
{
    const char *from = *at + strspn(*at, " "), *comma = strchr(from, ',');
    int n = comma ? (int)(comma - from) : (int)strlen(from);
    while (n && from[n - 1] == ' ') n--;
    *item = from;
    *at = comma ? comma + 1 : NULL;
    return n;
}

/** Column of a name, or of a number where no column is called so; -1: none. */
static int find(const struct series_header *h, const char *word, int n)
{
    for (int c = 0; c < h->cols; c++)
        if ((int)strlen(h->name[c]) == n && !strncmp(h->name[c], word, (size_t)n)) return c;
    if (n < 1 || n > 6 || (int)strspn(word, "0123456789") < n) return -1;
    int c = atoi(word);
    return c < h->cols ? c : -1;
}

static enum ps_status no_column(const struct series_header *h, const char *what, const char *word, int n)
{
    enum { SHOWN = 12 };
    char name[SERIES_NAME], list[SHOWN * (SERIES_NAME + 2) + 8] = "";
    const char **known;
    int at = 0;
    snprintf(name, sizeof name, "%.*s", n, word);
    PS_TRY(ps_alloc(&known, h->cols, sizeof *known, "names of columns"));
    for (int c = 0; c < h->cols; c++) known[c] = h->name[c];
    const char *nearest = ps_name_nearest(name, known, h->cols);
    free(known);
    for (int c = 0; c < h->cols && c < SHOWN; c++)
        at += snprintf(list + at, sizeof list - (size_t)at, "%s%s", c ? ", " : "", h->name[c]);
    if (h->cols > SHOWN) snprintf(list + at, sizeof list - (size_t)at, " ...");
    return ps_fail(PS_EUSAGE, "%s = %s: %s has no such column%s%s%s; there are: %s", what, name, h->path,
                   nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "", list);
}

/** The only column of a given name, in any case; -1: none. */
static int named(const struct series_header *h, const char *name)
{
    for (int c = 0; c < h->cols; c++)
        if (!strcasecmp(h->name[c], name)) return c;
    return -1;
}

/** A column of dates; else columns year, month, day and perhaps hour, minute; else one that is called time.
 */
static bool find_time(const struct series_header *h, struct series_pick *p)
{
    static const char *const parts[SERIES_DATE_PARTS] = {"year", "month", "day", "hour", "minute"};
    for (int c = 0; c < h->cols; c++)
        if (h->field[c] == SERIES_DATE) {
            p->form = SERIES_TIME_DATE;
            p->time[0] = c;
            return true;
        }
    for (int i = 0; i < SERIES_DATE_PARTS; i++) p->time[i] = named(h, parts[i]);
    p->form = SERIES_TIME_PARTS;
    if (p->time[0] >= 0 && p->time[1] >= 0 && p->time[2] >= 0) return true;
    p->form = SERIES_TIME_NUMBER;
    for (int i = 0; series_time_names[i]; i++)
        if ((p->time[0] = named(h, series_time_names[i])) >= 0 && h->field[p->time[0]] == SERIES_NUMBER)
            return true;
    return false;
}

static enum ps_status pick_time(const struct series_header *h, const char *time, struct series_pick *p)
{
    if (!strcmp(time, "none")) {
        p->form = SERIES_TIME_ROWS;
        return PS_OK;
    }
    if (!strcmp(time, "auto")) {
        PS_CHECK(find_time(h, p), PS_EINPUT,
                 "%s: no column of times was found; --time NAME says which it is, --time none takes rows for "
                 "steps",
                 h->path);
        return PS_OK;
    }
    int c = find(h, time, (int)strlen(time));
    if (c < 0) return no_column(h, "time", time, (int)strlen(time));
    p->time[0] = c;
    p->form = h->field[c] == SERIES_DATE ? SERIES_TIME_DATE : SERIES_TIME_NUMBER;
    PS_CHECK(
        h->field[c] == SERIES_DATE || h->field[c] == SERIES_NUMBER, PS_EINPUT,
        "time = %s: the first value is neither a number nor a date such as 2016-07-31 23:00 or 7/31/2016 "
        "23:00",
        time);
    return PS_OK;
}

static bool is_time(const struct series_pick *p, int c)
{
    int n = p->form == SERIES_TIME_ROWS ? 0 : p->form == SERIES_TIME_PARTS ? SERIES_DATE_PARTS : 1;
    for (int i = 0; i < n; i++)
        if (p->time[i] == c) return true;
    return false;
}

/** Add a column, if it is not there. @return its place */
static int add(struct series_pick *p, int c)
{
    for (int i = 0; i < p->cols; i++)
        if (p->column[i] == c) return i;
    p->column[p->cols] = c;
    return p->cols++;
}

/** Columns of a list. @param targets or else inputs */
static enum ps_status pick_list(const struct series_header *h, const char *what, const char *list,
                                bool targets, struct series_pick *p)
{
    for (const char *at = list, *word; at;) {
        int n = series_list_next(&at, &word), c = find(h, word, n);
        if (c < 0) return no_column(h, what, word, n);
        PS_CHECK(h->field[c] != SERIES_WORD && h->field[c] != SERIES_DATE, PS_EINPUT,
                 "%s = %s: column %s of %s does not hold numbers", what, list, h->name[c], h->path);
        int place = add(p, c);
        if (!targets) continue;
        for (int k = 0; k < p->targets; k++)
            PS_CHECK(p->target[k] != place, PS_EUSAGE, "%s = %s: column %s comes twice", what, list,
                     h->name[c]);
        PS_CHECK(p->targets < h->cols, PS_EUSAGE, "%s = %s: too many columns", what, list);
        p->target[p->targets++] = place;
    }
    return PS_OK;
}

enum ps_status series_columns_pick(const struct series_header *h, const struct series_wish *wish,
                                   struct series_pick *out)
{
    *out = (struct series_pick){.form = SERIES_TIME_ROWS};
    PS_TRY(ps_alloc(&out->column, h->cols, sizeof *out->column, "the columns"));
    PS_TRY(ps_alloc(&out->target, h->cols, sizeof *out->target, "the columns"));
    PS_TRY(pick_time(h, wish->time, out));
    if (wish->columns[0])
        PS_TRY(pick_list(h, "columns", wish->columns, false, out));
    else
        for (int c = 0; c < h->cols; c++)
            if ((h->field[c] == SERIES_NUMBER || h->field[c] == SERIES_ABSENT) && !is_time(out, c))
                add(out, c);
    PS_CHECK(out->cols, PS_EINPUT, "%s: holds no columns of numbers besides its times", h->path);
    if (wish->target[0]) return pick_list(h, "target", wish->target, true, out);
    PS_CHECK(out->cols == 1, PS_EUSAGE,
             "there are %d columns; --target NAME says which is to be forecast, e.g. --target %s", out->cols,
             h->name[out->column[out->cols - 1]]);
    out->target[out->targets++] = 0;
    return PS_OK;
}

enum ps_status series_columns_keep(const struct series_header *h, struct series_pick *p,
                                   struct series_table *out)
{
    PS_TRY(ps_alloc(&out->name, p->cols, sizeof *out->name, "names of columns"));
    for (int k = 0; k < p->cols; k++) memcpy(out->name[k], h->name[p->column[k]], SERIES_NAME);
    out->cols = p->cols;
    out->targets = p->targets;
    out->target = p->target;
    p->target = NULL;
    return PS_OK;
}

void series_header_free(struct series_header *h)
{
    free(h->name);
    free(h->field);
    *h = (struct series_header){.cols = 0};
}

void series_pick_free(struct series_pick *p)
{
    free(p->column);
    free(p->target);
    *p = (struct series_pick){.cols = 0};
}
