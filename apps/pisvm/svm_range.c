#include "apps/pisvm/svm_range.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/infile.h"
#include "common/io/number.h"
#include "common/io/outfile.h"
#include "common/io/textout.h"
#include "common/run/err.h"

/** Make room for n features. */
static enum ps_status make(struct svm_range *r, int64_t n)
{
    r->n = 0;
    PS_TRY(ps_alloc(&r->index, n, sizeof *r->index, "indices of features"));
    PS_TRY(ps_alloc(&r->min, n, sizeof *r->min, "ranges of features"));
    return ps_alloc(&r->max, n, sizeof *r->max, "ranges of features");
}

static void add(struct svm_range *r, int64_t index, double min, double max)
{
    if (!(min < max)) return;
    r->index[r->n] = (int32_t)index;
    r->min[r->n] = min;
    r->max[r->n++] = max;
}

/** Columns of all rows. Arrays [cols] in one allocation, whose head is lo. */
struct columns {
    double *lo, *hi, *entries; /**< entries: how many rows have one, exact up to 2^53 */
};

static enum ps_status see(const struct ps_sparse *s, struct columns *c)
{
    int64_t own = s->mine.hi - s->mine.lo;
    PS_TRY(ps_alloc(&c->lo, 3 * s->cols, sizeof *c->lo, "ranges of columns"));
    c->hi = c->lo + s->cols;
    c->entries = c->hi + s->cols;
    for (int64_t k = 0; k < s->cols; k++) c->lo[k] = DBL_MAX, c->hi[k] = -DBL_MAX, c->entries[k] = 0;
    for (int64_t k = 0; k < s->start[own]; k++) {
        int32_t at = s->index[k];
        if (s->value[k] < c->lo[at]) c->lo[at] = s->value[k];
        if (s->value[k] > c->hi[at]) c->hi[at] = s->value[k];
        c->entries[at]++;
    }
    return PS_OK;
}

enum ps_status svm_range_find(MPI_Comm comm, const struct ps_sparse *s, struct svm_range *r)
{
    struct columns c = {0};
    int n = (int)s->cols;
    enum ps_status rc = see(s, &c);
    if (rc == PS_OK) rc = make(r, s->cols);
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allreduce(MPI_IN_PLACE, c.lo, n, MPI_DOUBLE, MPI_MIN, comm);
    MPI_Allreduce(MPI_IN_PLACE, c.hi, n, MPI_DOUBLE, MPI_MAX, comm);
    MPI_Allreduce(MPI_IN_PLACE, c.entries, n, MPI_DOUBLE, MPI_SUM, comm);
    for (int64_t k = 0; k < s->cols; k++) {
        bool zeros = c.entries[k] < (double)s->rows;
        add(r, k, zeros ? fmin(c.lo[k], 0) : c.lo[k], zeros ? fmax(c.hi[k], 0) : c.hi[k]);
    }
    r->y.min = DBL_MAX, r->y.max = -DBL_MAX;
    for (int64_t i = 0; i < s->mine.hi - s->mine.lo; i++) {
        r->y.min = fmin(r->y.min, s->label[i]);
        r->y.max = fmax(r->y.max, s->label[i]);
    }
    MPI_Allreduce(MPI_IN_PLACE, &r->y.min, 1, MPI_DOUBLE, MPI_MIN, comm);
    MPI_Allreduce(MPI_IN_PLACE, &r->y.max, 1, MPI_DOUBLE, MPI_MAX, comm);
done:
    free(c.lo);
    return rc;
}

/** A text that is read line by line. */
struct reader {
    const char *name, *at, *end; /**< at: behind the present line */
    const char *first, *stop;    /**< the present line, without blanks around it */
    int64_t line;                /**< its number */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/** Go to the next line that is not blank. */
static bool next_line(struct reader *r)
{
    while (r->at < r->end) {
        const char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));
        r->first = r->at;
        r->stop = lf ? lf : r->end;
        r->at = lf ? lf + 1 : r->end;
        r->line++;
        while (r->first < r->stop && is_blank(*r->first)) r->first++;
        while (r->first < r->stop && is_blank(r->stop[-1])) r->stop--;
        if (r->first < r->stop) return true;
    }
    r->line++;
    return false;
}

static bool is_letter(const struct reader *r, char letter)
{
    return r->stop - r->first == 1 && *r->first == letter;
}

/** Does the line consist of n finite numbers? */
static bool numbers(const struct reader *r, int n, double *out)
{
    const char *at = r->first;
    for (int i = 0; i < n; i++) {
        const char *after = at < r->stop ? ps_number_parse(at, r->stop, &out[i]) : NULL;
        if (!after || !isfinite(out[i]) || (after < r->stop && !is_blank(*after))) return false;
        for (at = after; at < r->stop && is_blank(*at);) at++;
    }
    return at == r->stop;
}

/** The next line as two ascending numbers. */
static enum ps_status bounds(struct reader *r, const char *what, bool may_be_equal, double *lower,
                             double *upper)
{
    double pair[2];
    bool there = next_line(r) && numbers(r, 2, pair);
    PS_CHECK(there, PS_EINPUT, "%s: line %lld: expected two numbers, %s", r->name, (long long)r->line, what);
    PS_CHECK(pair[0] < pair[1] || (may_be_equal && pair[0] == pair[1]), PS_EINPUT,
             "%s: line %lld: %s must ascend", r->name, (long long)r->line, what);
    *lower = pair[0];
    *upper = pair[1];
    return PS_OK;
}

/** The lines of features, up to the end. */
static enum ps_status features(struct reader *in, struct svm_range *r)
{
    double v[3], last = 0;
    while (next_line(in)) {
        long long line = in->line;
        PS_CHECK(numbers(in, 3, v), PS_EINPUT,
                 "%s: line %lld: expected index, minimum and maximum of a feature", in->name, line);
        PS_CHECK(v[0] >= 1 && v[0] <= INT32_MAX && v[0] == floor(v[0]), PS_EINPUT,
                 "%s: line %lld: the index %.17g is not a whole number from 1 to 2147483647", in->name, line,
                 v[0]);
        PS_CHECK(v[0] > last, PS_EINPUT, "%s: line %lld: index %.17g comes after %.17g; indices must ascend",
                 in->name, line, v[0], last);
        PS_CHECK(v[1] <= v[2], PS_EINPUT, "%s: line %lld: the minimum is above the maximum", in->name, line);
        add(r, (int64_t)v[0] - 1, v[1], v[2]);
        last = v[0];
    }
    return PS_OK;
}

enum ps_status svm_range_parse(const char *name, const char *text, int64_t n, struct svm_range *r)
{
    struct reader in = {.name = name, .at = text, .end = text + n};
    int64_t lines = 1;
    bool any = next_line(&in);
    PS_CHECK(any && (is_letter(&in, 'x') || is_letter(&in, 'y')), PS_EINPUT,
             "%s: line %lld: expected 'x' or 'y', with which range files begin", name, (long long)in.line);
    if (is_letter(&in, 'y')) {
        PS_TRY(bounds(&in, "the scaled bounds of labels", false, &r->y.lower, &r->y.upper));
        PS_TRY(bounds(&in, "the least and the largest label", true, &r->y.min, &r->y.max));
        r->labels = true;
        any = next_line(&in);
        PS_CHECK(any && is_letter(&in, 'x'), PS_EINPUT, "%s: line %lld: expected 'x', the ranges of features",
                 name, (long long)in.line);
    }
    PS_TRY(bounds(&in, "the scaled bounds of features", false, &r->lower, &r->upper));
    for (const char *at = in.at; at < in.end; at++) lines += *at == '\n';
    PS_TRY(make(r, lines));
    return features(&in, r);
}

/** Rank 0: read and parse. */
static enum ps_status load(const char *path, struct svm_range *r)
{
    struct ps_infile f;
    char *text = NULL;
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc = ps_alloc(&text, f.bytes, 1, "the text of a range file");
    if (rc == PS_OK) rc = ps_infile_read(&f, text, f.bytes, 0);
    if (rc == PS_OK) rc = svm_range_parse(path, text, f.bytes, r);
    ps_infile_close(&f);
    free(text);
    return rc;
}

enum ps_status svm_range_read(MPI_Comm comm, const char *path, struct svm_range *r)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? load(path, r) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    struct svm_range own = *r; /* pointers are each rank's own */
    MPI_Bcast(r, sizeof *r, MPI_BYTE, 0, comm);
    int64_t n = r->n;
    r->index = own.index, r->min = own.min, r->max = own.max;
    if (rank > 0) rc = make(r, n);
    PS_TRY(ps_agree(comm, rc));
    r->n = n;
    MPI_Bcast(r->index, (int)n, MPI_INT32_T, 0, comm);
    MPI_Bcast(r->min, (int)n, MPI_DOUBLE, 0, comm);
    MPI_Bcast(r->max, (int)n, MPI_DOUBLE, 0, comm);
    return PS_OK;
}

enum { LINE = 3 * PS_NUMBER_TEXT, HEAD = 8 * PS_NUMBER_TEXT };

static int64_t room(const void *context, int64_t lo, int64_t hi)
{
    (void)context;
    return HEAD + (hi - lo) * LINE;
}

static int put(double value, char end, char *out)
{
    int n = ps_number_format_g(value, 17, out);
    out[n] = end;
    return n + 1;
}

/** Line 0 is all in front of the features. */
static int64_t format(const void *context, int64_t lo, int64_t hi, char *out)
{
    const struct svm_range *r = context;
    char *at = out;
    for (int64_t i = lo; i < hi; i++) {
        if (i > 0) {
            at += put(r->index[i - 1] + 1.0, ' ', at);
            at += put(r->min[i - 1], ' ', at);
            at += put(r->max[i - 1], '\n', at);
            continue;
        }
        if (r->labels) {
            at += sprintf(at, "y\n");
            at += put(r->y.lower, ' ', at);
            at += put(r->y.upper, '\n', at);
            at += put(r->y.min, ' ', at);
            at += put(r->y.max, '\n', at);
        }
        at += sprintf(at, "x\n");
        at += put(r->lower, ' ', at);
        at += put(r->upper, '\n', at);
    }
    return at - out;
}

enum ps_status svm_range_write(MPI_Comm comm, const char *path, const struct svm_range *r)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    const struct ps_textout t = {
        .rows = rank == 0 ? 1 + r->n : 0, .context = r, .room = room, .format = format};
    return ps_textout_write(comm, path, &t);
}

void svm_range_free(struct svm_range *r)
{
    free(r->index);
    free(r->min);
    free(r->max);
    *r = (struct svm_range){0};
}
