/* skeleton: mean and variance of the columns of a data set. The smallest whole program; copy it to start one.
 */
#include <stdlib.h>
#include <time.h>
#include "apps/skeleton/skeleton_rows.h"
#include "common/io/checkpoint.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

struct params {
    ps_str input, dataset;
    int columns, every;
    double pause;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, input, .letter = 'i', .positional = 1,
             .help = "data set: HDF5, netCDF, NumPy or text"),
    PS_PARAM(struct params, dataset, .def = "", .help = "name inside the file; empty: the only one there is"),
    PS_PARAM(struct params, columns, .letter = 'c', .def = "8", .range = "[1,1000000]",
             .help = "columns of one step"),
    PS_PARAM(struct params, every, .def = "100", .range = "[1,inf)",
             .help = "steps from checkpoint to checkpoint"),
    PS_PARAM(struct params, pause, .def = "0", .range = "[0,60]", .unit = "s",
             .help = "rest after each step, to try out stop and resume"),
};

/* What a step adds to, and what a checkpoint holds: all ranks have all of it. */
struct state {
    int64_t next; /* column */
    double *mean, *variance;
};

/* Sums of columns [lo, hi) over each own grain, of squares about a centre if there is one: out [own
 * grains][hi - lo + 1], the last one is free. */
static void sum_grains(const struct ps_grains *g, const struct skeleton_rows *d, int64_t lo, int64_t hi,
                       const double *centre, double *out)
{
    int64_t n = hi - lo;
#pragma omp parallel for schedule(dynamic)
    for (int64_t grain = g->mine.lo; grain < g->mine.hi; grain++) {
        double *sum = out + (grain - g->mine.lo) * (n + 1);
        struct ps_range r = ps_grain_range(g, d->rows, grain);
        for (int64_t k = 0; k <= n; k++) sum[k] = 0;
        for (int64_t i = r.lo; i < r.hi; i++) {
            const double *x = d->data + (i - d->mine.lo) * d->cols + lo;
            for (int64_t k = 0; k < n; k++) sum[k] += centre ? (x[k] - centre[k]) * (x[k] - centre[k]) : x[k];
        }
    }
}

/* Columns [lo, hi): two passes. Collective. The request to stop rides in the first sum. */
static enum ps_status step(const struct ps_grains *g, const struct skeleton_rows *d, int64_t lo, int64_t hi,
                           double *work, double *sum, struct state *s, bool *stop)
{
    int64_t n = hi - lo;
    sum_grains(g, d, lo, hi, NULL, work);
    if (g->mine.lo < g->mine.hi) work[n] = ps_stop_seen();
    PS_TRY(ps_grain_sum(g, work, n + 1, sum));
    *stop = sum[n] > 0;
    for (int64_t k = 0; k < n; k++) s->mean[lo + k] = sum[k] / (double)d->rows;
    sum_grains(g, d, lo, hi, s->mean + lo, work);
    PS_TRY(ps_grain_sum(g, work, n + 1, sum));
    for (int64_t k = 0; k < n; k++) s->variance[lo + k] = sum[k] / (double)(d->rows - 1);
    s->next = hi;
    return PS_OK;
}

static void rest(double seconds)
{
    time_t whole = (time_t)seconds;
    nanosleep(&(struct timespec){whole, (long)((seconds - (double)whole) * 1e9)}, NULL);
}

/* All steps from s->next on, with checkpoints. Collective. */
static enum ps_status loop(struct ps_run *run, const struct params *p, const struct ps_grains *g,
                           const struct skeleton_rows *d, double *work, double *sum, struct state *s)
{
    const char *path = run->common->checkpoint;
    char tag[PS_CKPT_TAG_MAX];
    struct ps_ckpt_part parts[] = {ps_ckpt_all("next", PS_I64, 1, &s->next),
                                   ps_ckpt_all("mean", PS_F64, d->cols, s->mean),
                                   ps_ckpt_all("variance", PS_F64, d->cols, s->variance)};
    struct ps_progress progress;
    /* what must be the same for the same bits */
    snprintf(tag, sizeof tag, "skeleton %lld x %lld, grains %lld", (long long)d->rows, (long long)d->cols,
             (long long)g->count);
    if (run->common->resume && ps_checkpoint_exists(run, path)) {
        PS_TRY(ps_checkpoint_read(run, path, tag, parts, 3));
        ps_info(run, "going on at column %lld\n", (long long)s->next);
    }
    ps_progress_begin(&progress, run, "columns", "columns", d->cols);
    for (int steps = 1; s->next < d->cols; steps++) {
        bool stop;
        int64_t hi = s->next + p->columns < d->cols ? s->next + p->columns : d->cols;
        PS_TRY(step(g, d, s->next, hi, work, sum, s, &stop));
        rest(p->pause);
        ps_progress_at(&progress, s->next);
        bool last = s->next == d->cols;
        if (path[0] && !last && (stop || steps % p->every == 0))
            PS_TRY(ps_checkpoint_write(run, path, tag, parts, 3, 2));
        if (stop && !last)
            return ps_fail(PS_STOPPED, "stopped after column %lld of %lld; --resume goes on",
                           (long long)s->next, (long long)d->cols);
    }
    ps_progress_end(&progress);
    return PS_OK;
}

static void report(struct ps_run *run, const struct skeleton_rows *d, const struct state *s)
{
    ps_print(run, "rows %lld\n", (long long)d->rows);
    for (int64_t k = 0; k < d->cols; k++)
        ps_print(run, "column %lld: mean %.17g, variance %.17g\n", (long long)k, s->mean[k], s->variance[k]);
    ps_record_begin(run, "result");
    ps_record_int(run, "rows", d->rows);
    ps_record_nums(run, "mean", s->mean, (int)d->cols);
    ps_record_nums(run, "variance", s->variance, (int)d->cols);
    ps_record_end(run);
}

static enum ps_status run_skeleton(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_grains g = ps_grains_make(run->comm, run->common->grains);
    struct skeleton_rows d = {0};
    struct state s = {0};
    double *work = NULL, *sum = NULL;
    enum ps_status rc = PS_OK;
    PS_CHECK(!run->common->resume || run->common->checkpoint[0], PS_EUSAGE,
             "--resume needs --checkpoint FILE");

    ps_phase(run, "read");
    PS_TRY_DONE(skeleton_rows_read(&g, p->input, p->dataset, &d));
    ps_phase_count(run, "rows", d.mine.hi - d.mine.lo);
    PS_CHECK_DONE(d.rows >= 2, PS_EINPUT, "%s: a variance needs 2 rows or more, not %lld", p->input,
                  (long long)d.rows);
    rc = ps_alloc(&work, (g.mine.hi - g.mine.lo) * (p->columns + 1), sizeof *work, "the sums of grains");
    if (rc == PS_OK) rc = ps_alloc(&sum, p->columns + 1, sizeof *sum, "the sums");
    if (rc == PS_OK) rc = ps_zalloc(&s.mean, d.cols, sizeof *s.mean, "the means");
    if (rc == PS_OK) rc = ps_zalloc(&s.variance, d.cols, sizeof *s.variance, "the variances");
    PS_TRY_DONE(ps_agree(run->comm, rc));

    ps_phase(run, "moments");
    PS_TRY_DONE(loop(run, p, &g, &d, work, sum, &s));
    report(run, &d, &s);
done:
    skeleton_rows_free(&d);
    free(work);
    free(sum);
    free(s.mean);
    free(s.variance);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {
        .name = "skeleton",
        .summary = "mean and variance of the columns of a data set",
        .synopsis = "[options] [parameters.par] data",
        .rows = rows,
        .nrows = sizeof rows / sizeof rows[0],
        .params_size = sizeof(struct params),
        .common = PS_HAS_GRAINS | PS_HAS_CHECKPOINT,
        .run = run_skeleton,
    };
    return ps_main(argc, argv, &program);
}
