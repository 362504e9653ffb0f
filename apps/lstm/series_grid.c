#include "apps/lstm/series_grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/* More rows than this are no gaps that should be filled. */
static const int64_t most_added = (int64_t)1 << 32;

struct moment {
    int64_t time, row;
};

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/** Bring rows into order. */
static enum ps_status sort(struct series_table *t, struct series_report *r)
{
    struct moment *order = NULL;
    double *value = NULL;
    int64_t latest = t->time[0];
    size_t row = (size_t)t->cols * sizeof *value;
    enum ps_status rc = PS_OK;
    for (int64_t i = 1; i < t->rows; i++) {
        r->displaced += t->time[i] < latest;
        if (t->time[i] > latest) latest = t->time[i];
    }
    if (!r->displaced) return PS_OK;
    PS_TRY_DONE(ps_alloc(&order, t->rows, sizeof *order, "the order of rows"));
    PS_TRY_DONE(ps_alloc(&value, t->rows * t->cols, sizeof *value, "the values in order"));
    for (int64_t i = 0; i < t->rows; i++) order[i] = (struct moment){t->time[i], i};
    qsort(order, (size_t)t->rows, sizeof *order, by_time);
    for (int64_t i = 0; i < t->rows; i++) {
        t->time[i] = order[i].time;
        memcpy(value + i * t->cols, t->value + order[i].row * t->cols, row);
    }
    free(t->value);
    t->value = value;
    value = NULL;
done:
    free(order), free(value);
    return rc;
}

static void drop_duplicates(struct series_table *t, struct series_report *r)
{
    int64_t n = 1;
    for (int64_t i = 1; i < t->rows; i++) {
        if (t->time[i] == t->time[n - 1]) {
            if (!r->duplicates++) r->duplicate_at = t->time[i];
            continue;
        }
        t->time[n] = t->time[i];
        if (n != i)
            memcpy(t->value + n * t->cols, t->value + i * t->cols, (size_t)t->cols * sizeof *t->value);
        n++;
    }
    t->rows = n;
}

/** The most frequent difference, the smallest of several. */
static enum ps_status find_step(const struct series_table *t, struct series_report *r)
{
    int64_t *step, n = t->rows - 1, most = 0;
    PS_TRY(ps_alloc(&step, n, sizeof *step, "the steps"));
    for (int64_t i = 0; i < n; i++) step[i] = t->time[i + 1] - t->time[i];
    qsort(step, (size_t)n, sizeof *step, by_value);
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && step[j] == step[i];) j++;
        if (j - i > most) most = j - i, r->step = step[i];
    }
    free(step);
    return PS_OK;
}

static void find_gaps(const struct series_table *t, struct series_report *r)
{
    for (int64_t i = 0; i + 1 < t->rows; i++) {
        int64_t passes = t->time[i + 1] - t->time[i];
        if (passes == r->step) continue;
        if (!r->gaps++) r->gap_at = t->time[i];
        if (passes > r->widest) r->widest = passes, r->widest_at = t->time[i];
        r->absent += (passes - 1) / r->step;
    }
}

/** Rows of missing values for all absent steps. */
static enum ps_status add_rows(const char *path, struct series_table *t, struct series_report *r)
{
    int64_t rows = t->rows + r->absent, at = 0, *time = NULL;
    double *value = NULL;
    enum ps_status rc = PS_OK;
    PS_CHECK_DONE(r->absent <= most_added, PS_EINPUT,
                  "%s: its gaps lack %lld steps, too many to be filled; --gaps split leaves windows out that "
                  "cross one",
                  path, (long long)r->absent);
    PS_TRY_DONE(ps_alloc(&time, rows, sizeof *time, "the times without gaps"));
    PS_TRY_DONE(ps_alloc(&value, rows * t->cols, sizeof *value, "the values without gaps"));
    for (int64_t i = 0; i < t->rows; i++) {
        for (int64_t k = 1; i && t->time[i - 1] + k * r->step < t->time[i]; k++) {
            char text[SERIES_TIME_TEXT];
            series_time_format(&t->clock, t->time[i - 1], text);
            PS_CHECK_DONE((t->time[i] - t->time[i - 1]) % r->step == 0, PS_EINPUT,
                          "%s: the gap after %s is no whole number of steps; --gaps split leaves windows out "
                          "that cross one",
                          path, text);
            time[at] = t->time[i - 1] + k * r->step;
            for (int c = 0; c < t->cols; c++) value[at * t->cols + c] = NAN;
            at++;
        }
        time[at] = t->time[i];
        memcpy(value + at * t->cols, t->value + i * t->cols, (size_t)t->cols * sizeof *value);
        at++;
    }
    r->added = at - t->rows;
    t->rows = at;
    free(t->time), free(t->value);
    t->time = time, t->value = value;
    time = NULL, value = NULL;
done:
    free(time), free(value);
    return rc;
}

/** Values of column c at rows [lo, hi), which are missing. Before the first and after the last value there is
 * one neighbour only. */
static void fill(struct series_table *t, int c, int64_t lo, int64_t hi, bool linear)
{
    const double *before = lo > 0 ? &t->value[(lo - 1) * t->cols + c] : NULL;
    const double *after = hi < t->rows ? &t->value[hi * t->cols + c] : NULL;
    for (int64_t i = lo; i < hi; i++) {
        double *v = &t->value[i * t->cols + c];
        if (!before || (linear && after)) {
            double share =
                !before ? 1
                        : (double)(t->time[i] - t->time[lo - 1]) / (double)(t->time[hi] - t->time[lo - 1]);
            *v = !before ? *after : (1 - share) * *before + share * *after;
        } else {
            *v = *before;
        }
    }
}

static enum ps_status fill_column(const char *path, struct series_table *t, int c, bool linear,
                                  struct series_report *r)
{
    for (int64_t lo = 0, hi; lo < t->rows; lo = hi + 1) {
        while (lo < t->rows && !isnan(t->value[lo * t->cols + c])) lo++;
        for (hi = lo; hi < t->rows && isnan(t->value[hi * t->cols + c]);) hi++;
        if (lo == t->rows) break;
        PS_CHECK(hi - lo < t->rows, PS_EINPUT, "%s: column %s has no values", path, t->name[c]);
        fill(t, c, lo, hi, linear);
        r->filled += hi - lo;
    }
    return PS_OK;
}

enum ps_status series_grid_make(const char *path, struct series_table *t, enum series_missing missing,
                                bool fill_gaps, struct series_report *out)
{
    struct series_report r = {.rows = 0};
    PS_TRY(sort(t, &r));
    drop_duplicates(t, &r);
    PS_CHECK(t->rows >= 2, PS_EINPUT, "%s: a series has two times or more, not %lld", path,
             (long long)t->rows);
    PS_TRY(find_step(t, &r));
    find_gaps(t, &r);
    if (fill_gaps && r.gaps) PS_TRY(add_rows(path, t, &r));
    for (int c = 0; c < t->cols; c++) PS_TRY(fill_column(path, t, c, missing != SERIES_MISSING_PREVIOUS, &r));
    r.filled -= r.added * t->cols;
    r.rows = t->rows;
    *out = r;
    return PS_OK;
}
