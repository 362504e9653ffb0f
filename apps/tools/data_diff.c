/* psml-data diff: are two data sets the same? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_values.h"
#include "common/run/log.h"
#include "common/run/record.h"

struct params {
    ps_str first;
    ps_str second;
    ps_str first_dataset;
    ps_str second_dataset;
    double tolerance;
    double relative;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, first, .positional = 1, .help = "first file"),
    PS_PARAM(struct params, second, .positional = 2, .help = "second file (may be the same)"),
    PS_PARAM(struct params, first_dataset, .def = "",
             .help = "name inside the first file; empty = the only one"),
    PS_PARAM(struct params, second_dataset, .def = "",
             .help = "name inside the second file; empty = the only one"),
    PS_PARAM(
        struct params, tolerance, .def = "0", .range = "[0,inf)",
        .help =
            "values are equal if they differ by at most this, plus `relative` times the second's magnitude"),
    PS_PARAM(struct params, relative, .def = "0", .range = "[0,inf)",
             .help = "relative part of the tolerance"),
};

/** What is found; one per rank, then of all. */
struct found {
    int64_t differing, first; /**< first: element number in the whole, INT64_MAX = none */
    double max_abs, max_rel;  /**< over all pairs of finite values */
};

static bool same_value(long double a, long double b, const struct params *p)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    return fabsl(a - b) <= (long double)p->tolerance + (long double)p->relative * fabsl(b);
}

static struct found compare(const struct ps_shard *a, const struct ps_shard *b, const struct params *p)
{
    int64_t width = a->cols ? a->cols : 1, n = (a->mine.hi - a->mine.lo) * width;
    int64_t differing = 0, first = INT64_MAX;
    double max_abs = 0, max_rel = 0;
#pragma omp parallel for reduction(+ : differing) reduction(min : first) reduction(max : max_abs, max_rel)
    for (int64_t i = 0; i < n; i++) {
        long double x = data_get(a->data, i, a->type), y = data_get(b->data, i, b->type), d = fabsl(x - y);
        if (!same_value(x, y, p)) {
            differing++;
            if (a->mine.lo * width + i < first) first = a->mine.lo * width + i;
        }
        if (!isfinite(d)) continue;
        if ((double)d > max_abs) max_abs = (double)d;
        if (d > 0 && (double)(d / fmaxl(fabsl(x), fabsl(y))) > max_rel)
            max_rel = (double)(d / fmaxl(fabsl(x), fabsl(y)));
    }
    return (struct found){differing, first, max_abs, max_rel};
}

/** Combine over ranks; values[2] of the first difference come from the rank that has it. Collective over
 * comm. */
static struct found combine(MPI_Comm comm, struct found mine, const struct ps_shard *a,
                            const struct ps_shard *b, char text[2][48])
{
    struct found all;
    int64_t width = a->cols ? a->cols : 1;
    int rank, owner, mine_has;
    MPI_Comm_rank(comm, &rank);
    MPI_Allreduce(&mine.differing, &all.differing, 1, MPI_INT64_T, MPI_SUM, comm);
    MPI_Allreduce(&mine.first, &all.first, 1, MPI_INT64_T, MPI_MIN, comm);
    MPI_Allreduce(&mine.max_abs, &all.max_abs, 2, MPI_DOUBLE, MPI_MAX, comm);
    if (all.differing == 0) return all;
    mine_has = mine.first == all.first ? rank : -1;
    MPI_Allreduce(&mine_has, &owner, 1, MPI_INT, MPI_MAX, comm);
    if (rank == owner) {
        int64_t i = all.first - a->mine.lo * width;
        data_text(data_get(a->data, i, a->type), text[0]);
        data_text(data_get(b->data, i, b->type), text[1]);
    }
    MPI_Bcast(text, 2 * 48, MPI_CHAR, owner, comm);
    return all;
}

/** A shape as text; a list and a table of one column are different shapes only in files that tell them apart.
 */
static void shape_text(const struct ps_shard *s, char out[64])
{
    if (s->cols)
        snprintf(out, 64, "%lld x %lld", (long long)s->rows, (long long)s->cols);
    else
        snprintf(out, 64, "%lld", (long long)s->rows);
}

static enum ps_status report(struct ps_run *run, const struct params *p, const struct ps_shard *a,
                             const struct ps_shard *b)
{
    char shapes[2][64], text[2][48];
    int64_t width = a->cols ? a->cols : 1;
    shape_text(a, shapes[0]);
    shape_text(b, shapes[1]);
    PS_CHECK(a->rows == b->rows && width == (b->cols ? b->cols : 1), PS_EINPUT,
             "%s and %s differ in shape: %s and %s", p->first, p->second, shapes[0], shapes[1]);
    if (a->type != b->type)
        ps_print(run, "types   %s and %s\n", ps_dtype_name(a->type), ps_dtype_name(b->type));
    struct found all = combine(run->comm, compare(a, b, p), a, b, text);
    ps_print(run, "differ  %lld of %lld elements\n", (long long)all.differing, (long long)(a->rows * width));
    if (all.max_abs > 0) ps_print(run, "largest %.9g absolute, %.9g relative\n", all.max_abs, all.max_rel);
    ps_record_begin(run, "result");
    ps_record_int(run, "differing", all.differing);
    ps_record_num(run, "max_abs", all.max_abs);
    ps_record_num(run, "max_rel", all.max_rel);
    ps_record_end(run);
    if (all.differing == 0) return PS_OK;
    ps_print(run, "first   row %lld, column %lld: %s and %s\n", (long long)(all.first / width),
             (long long)(all.first % width), text[0], text[1]);
    return ps_fail(PS_EINPUT, "%s and %s differ in %lld elements", p->first, p->second,
                   (long long)all.differing);
}

static enum ps_status run_diff(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_shard a = {0}, b = {0};
    enum ps_status rc = ps_shard_read(run->comm, p->first, p->first_dataset, &a);
    if (rc == PS_OK) rc = ps_shard_read(run->comm, p->second, p->second_dataset, &b);
    if (rc == PS_OK) rc = ps_agree(run->comm, report(run, p, &a, &b));
    ps_shard_free(&a);
    ps_shard_free(&b);
    return rc;
}

const struct ps_program ps_data_diff = {
    .name = "psml-data diff",
    .summary = "compare two data sets; exit status 0 = equal, 1 = different",
    .synopsis = "[options] FIRST SECOND",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .run = run_diff,
};
