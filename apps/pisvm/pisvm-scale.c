/** pisvm-scale: features of sparse data scaled to a range, as LIBSVM's svm-scale does it, over MPI ranks and
 * OpenMP threads. See docs/apps/pisvm.md. */
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_range.h"
#include "common/io/number.h"
#include "common/io/textout.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

struct params {
    ps_str data;
    double lower, upper;
    struct ps_list y_range;
    ps_str save, restore, output;
};

#define ROW(member, ...) PS_PARAM(struct params, member, __VA_ARGS__)
static const struct ps_param rows[] = {
    ROW(data, .positional = 1, .help = "sparse text to be scaled, as svmlight and LIBSVM have it"),
    ROW(lower, .letter = 'l', .def = "-1", .help = "lower bound of scaled features"),
    ROW(upper, .letter = 'u', .def = "1", .help = "upper bound of scaled features"),
    ROW(y_range, .letter = 'y', .values = 2, .def = "",
        .help = "scale labels too, to these bounds; default: labels stay as they are"),
    ROW(save, .letter = 's', .def = "", .help = "range file to write"),
    ROW(restore, .letter = 'r', .def = "",
        .help = "range file to scale by, instead of the ranges of the data and --lower and --upper"),
    ROW(output, .letter = 'o', .def = "",
        .help = "file for the scaled data, written in parallel; default: standard output"),
};

/** The features whose zeros do not stay zeros, as text that goes between a row's entries. */
struct loud {
    int64_t n;
    int32_t *index; /**< [n]; owned */
    int64_t *start; /**< [n + 1] in text; owned */
    char *text;     /**< owned */
};

/** What a row needs to be formatted. */
struct job {
    const struct ps_sparse *x;
    const struct svm_range *range;
    struct loud loud;
};

static int put_entry(int32_t index, double value, char *out)
{
    int n = ps_number_format_g(index + 1.0, 17, out);
    out[n++] = ':';
    n += ps_number_format_g(value, 6, out + n);
    out[n++] = ' ';
    return n;
}

static struct svm_bounds bounds_of(const struct svm_range *r, int64_t k)
{
    return (struct svm_bounds){r->min[k], r->max[k], r->lower, r->upper};
}

static enum ps_status make_loud(const struct svm_range *r, struct loud *out)
{
    PS_TRY(ps_alloc(&out->index, r->n, sizeof *out->index, "scaled zeros"));
    PS_TRY(ps_alloc(&out->start, r->n + 1, sizeof *out->start, "scaled zeros"));
    PS_TRY(ps_alloc(&out->text, r->n * 2 * PS_NUMBER_TEXT, 1, "scaled zeros"));
    out->start[0] = 0;
    for (int64_t k = 0; k < r->n; k++) {
        struct svm_bounds b = bounds_of(r, k);
        double zero = svm_scaled(0, &b);
        if (zero == 0) continue;
        out->index[out->n] = r->index[k];
        out->start[out->n + 1] =
            out->start[out->n] + put_entry(r->index[k], zero, out->text + out->start[out->n]);
        out->n++;
    }
    return PS_OK;
}

static void free_loud(struct loud *l)
{
    free(l->index);
    free(l->start);
    free(l->text);
}

/** First place in list[from, n) with at least `index`. Places are near each other in rows with many entries,
 * and far in others: double steps, then halve. */
static int64_t seek(const int32_t *list, int64_t from, int64_t n, int32_t index)
{
    int64_t step = 1, lo = from;
    while (lo + step <= n && list[lo + step - 1] < index) {
        lo += step;
        step *= 2;
    }
    int64_t hi = lo + step - 1 < n ? lo + step - 1 : n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (list[mid] < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** Where a row stands while it goes through its entries. */
struct cursor {
    int64_t feature, loud;
};

/** The scaled value of entry k, 0 where its feature is not scaled; c->loud: behind its scaled zero. */
static double entry(const struct job *j, int64_t k, struct cursor *c, int64_t *loud_before)
{
    const struct svm_range *r = j->range;
    int32_t index = j->x->index[k];
    c->feature = seek(r->index, c->feature, r->n, index);
    *loud_before = c->loud = seek(j->loud.index, c->loud, j->loud.n, index);
    if (c->loud < j->loud.n && j->loud.index[c->loud] == index) c->loud++;
    if (c->feature == r->n || r->index[c->feature] != index) return 0;
    struct svm_bounds b = bounds_of(r, c->feature);
    return svm_scaled(j->x->value[k], &b);
}

static int64_t room(const void *context, int64_t lo, int64_t hi)
{
    const struct job *j = context;
    int64_t row = PS_NUMBER_TEXT + 2 + j->loud.start[j->loud.n];
    return (hi - lo) * row + (j->x->start[hi] - j->x->start[lo]) * 2 * PS_NUMBER_TEXT;
}

/** Text of loud features [lo, hi). */
static int64_t put_loud(const struct loud *l, int64_t lo, int64_t hi, char *out)
{
    size_t n = (size_t)(l->start[hi] - l->start[lo]);
    memcpy(out, l->text + l->start[lo], n);
    return (int64_t)n;
}

static int64_t format(const void *context, int64_t lo, int64_t hi, char *out)
{
    const struct job *j = context;
    char *at = out;
    for (int64_t i = lo; i < hi; i++) {
        struct cursor c = {0, 0};
        double label = j->range->labels ? svm_scaled(j->x->label[i], &j->range->y) : j->x->label[i];
        at += ps_number_format_g(label, 17, at);
        *at++ = ' ';
        for (int64_t k = j->x->start[i]; k < j->x->start[i + 1]; k++) {
            int64_t from = c.loud, upto;
            double value = entry(j, k, &c, &upto);
            at += put_loud(&j->loud, from, upto, at);
            if (value != 0) at += put_entry(j->x->index[k], value, at);
        }
        at += put_loud(&j->loud, c.loud, j->loud.n, at);
        *at++ = '\n';
    }
    return at - out;
}

/** What the scaled data are. */
struct outcome {
    int64_t before, after; /**< entries */
    int64_t unknown;       /**< least column with entries that is not scaled, from 1; INT64_MAX: none */
};

/** Count. Collective over comm. */
static struct outcome look(MPI_Comm comm, const struct job *j)
{
    int64_t own = j->x->mine.hi - j->x->mine.lo, after = 0, unknown = INT64_MAX;
#pragma omp parallel for schedule(static) reduction(+ : after) reduction(min : unknown)
    for (int64_t i = 0; i < own; i++) {
        struct cursor c = {0, 0};
        after += j->loud.n;
        for (int64_t k = j->x->start[i]; k < j->x->start[i + 1]; k++) {
            int64_t upto;
            after += entry(j, k, &c, &upto) != 0;
            after -= c.loud - upto;
            bool known = c.feature < j->range->n && j->range->index[c.feature] == j->x->index[k];
            if (!known && j->x->value[k] != 0 && j->x->index[k] < unknown) unknown = j->x->index[k] + 1;
        }
    }
    struct outcome o = {j->x->start[own], after, unknown};
    MPI_Allreduce(MPI_IN_PLACE, &o.before, 2, MPI_INT64_T, MPI_SUM, comm);
    MPI_Allreduce(MPI_IN_PLACE, &o.unknown, 1, MPI_INT64_T, MPI_MIN, comm);
    return o;
}

static void report(struct ps_run *run, const struct params *p, const struct job *j, struct outcome o)
{
    if (p->restore[0] && o.unknown != INT64_MAX)
        ps_warn(run, "%s: feature %lld, and perhaps others, have no range in %s and are left out", p->data,
                (long long)o.unknown, p->restore);
    if (o.after > o.before)
        ps_warn(run,
                "%lld entries became %lld; where values are not negative and mostly zero, -l 0 keeps zeros",
                (long long)o.before, (long long)o.after);
    ps_record_begin(run, "result");
    ps_record_int(run, "rows", j->x->rows);
    ps_record_int(run, "features", j->range->n);
    ps_record_int(run, "entries", o.before);
    ps_record_int(run, "scaled_entries", o.after);
    ps_record_num(run, "seconds", ps_elapsed(run));
    ps_record_end(run);
}

static enum ps_status check(const struct params *p)
{
    PS_CHECK(p->lower < p->upper, PS_EUSAGE, "--lower is %g, which is not below --upper, %g", p->lower,
             p->upper);
    PS_CHECK(p->y_range.n == 0 || p->y_range.value[0] < p->y_range.value[1], PS_EUSAGE,
             "--y-range: %g is not below %g", p->y_range.value[0], p->y_range.value[1]);
    PS_CHECK(!p->save[0] || !p->restore[0], PS_EUSAGE,
             "--save and --restore exclude each other: ranges that were read need not be written again");
    return PS_OK;
}

/** Find or read the ranges. Collective over run->comm. */
static enum ps_status ranges(struct ps_run *run, const struct params *p, const struct ps_sparse *x,
                             struct svm_range *r)
{
    *r = (struct svm_range){.lower = p->lower, .upper = p->upper, .labels = p->y_range.n == 2};
    r->y = (struct svm_bounds){.lower = p->y_range.value[0], .upper = p->y_range.value[1]};
    PS_TRY(svm_range_find(run->comm, x, r));
    if (p->save[0]) return svm_range_write(run->comm, p->save, r);
    if (!p->restore[0]) return PS_OK;
    struct svm_range file = {.labels = r->labels, .y = r->y}; /* of labels it may say nothing */
    svm_range_free(r);
    enum ps_status rc = svm_range_read(run->comm, p->restore, &file);
    *r = file;
    return rc;
}

static enum ps_status scale(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_sparse x = {0};
    struct svm_range range = {0};
    struct job j = {.x = &x, .range = &range};
    enum ps_status rc = check(p);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    ps_phase(run, "read");
    PS_TRY_DONE(ps_sparse_read(run->comm, p->data, &x));
    ps_phase(run, "ranges");
    PS_TRY_DONE(ranges(run, p, &x, &range));
    rc = make_loud(&range, &j.loud);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    ps_phase(run, "write");
    const struct ps_textout t = {
        .rows = x.mine.hi - x.mine.lo, .context = &j, .room = room, .format = format};
    if (p->output[0])
        rc = ps_textout_write(run->comm, p->output, &t);
    else
        rc = ps_textout_print(run->comm, stdout, "standard output", &t);
    if (rc == PS_OK) report(run, p, &j, look(run->comm, &j));
done:
    free_loud(&j.loud);
    svm_range_free(&range);
    ps_sparse_free(&x);
    return rc;
}

static const struct ps_program program = {
    .name = "pisvm-scale",
    .summary = "scale features of sparse data to a range",
    .synopsis = "[options] [parameters.par] data_file > scaled",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .run = scale,
};

int main(int argc, char **argv)
{
    return ps_main(argc, argv, &program);
}
