#include "apps/lstm/lstm_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/run/log.h"
#include "common/run/record.h"

enum { MOST_STEPS = 24 }; /* that are shown one by one */

static const char *const part_names[SERIES_PARTS] = {"training", "validation", "test"};

static void tell_times(struct ps_run *run, const struct series *s)
{
    const struct series_report *r = &s->found;
    char a[SERIES_TIME_TEXT], b[SERIES_TIME_TEXT], c[SERIES_TIME_TEXT];
    series_time_format(&s->clock, s->time[0], a);
    series_time_format(&s->clock, s->time[s->rows - 1], b);
    series_time_span(&s->clock, r->step, c);
    ps_print(run, "  from %s to %s, a step is %s, a season %lld steps\n", a, b, c, (long long)s->plan.season);
    if (r->displaced)
        ps_print(run, "  %lld rows were not in order of time; they were sorted\n", (long long)r->displaced);
    series_time_format(&s->clock, r->duplicate_at, a);
    if (r->duplicates)
        ps_print(run, "  %lld rows had the time of another one, the first %s; the first of each was kept\n",
                 (long long)r->duplicates, a);
    series_time_format(&s->clock, r->gap_at, a);
    series_time_format(&s->clock, r->widest_at, b);
    series_time_span(&s->clock, r->widest, c);
    if (r->gaps)
        ps_print(run,
                 "  %lld gaps lack %lld steps; the first is after %s, the widest takes %s after %s; %s\n",
                 (long long)r->gaps, (long long)r->absent, a, c, b,
                 s->plan.fill ? "they were filled" : "windows that cross one are left out");
    if (r->filled) ps_print(run, "  %lld missing values were filled\n", (long long)r->filled);
}

static void record_data(struct ps_run *run, const struct series *s, const struct series_windows *windows)
{
    const struct series_report *r = &s->found;
    char text[SERIES_TIME_TEXT], name[40];
    ps_record_begin(run, "data");
    ps_record_int(run, "rows", s->rows);
    ps_record_int(run, "columns", s->columns);
    ps_record_int(run, "inputs", s->inputs);
    ps_record_int(run, "targets", s->targets);
    series_time_format(&s->clock, s->time[0], text);
    ps_record_str(run, "first", text);
    series_time_format(&s->clock, s->time[s->rows - 1], text);
    ps_record_str(run, "last", text);
    series_time_span(&s->clock, r->step, text);
    ps_record_str(run, "step", text);
    ps_record_int(run, "season", s->plan.season);
    ps_record_int(run, "displaced", r->displaced);
    ps_record_int(run, "duplicates", r->duplicates);
    ps_record_int(run, "gaps", r->gaps);
    ps_record_int(run, "absent_steps", r->absent);
    ps_record_int(run, "filled_values", r->filled);
    ps_record_int(run, "added_rows", r->added);
    if (windows[SERIES_TRAIN].source.streams > 0) {
        ps_record_int(run, "streams", windows[SERIES_TRAIN].source.streams);
        ps_record_int(run, "left_out_windows", windows[SERIES_TRAIN].left);
    }
    for (int p = 0; p < SERIES_PARTS; p++) {
        snprintf(name, sizeof name, "%s_windows", part_names[p]);
        ps_record_int(run, name, windows[p].n);
    }
    ps_record_end(run);
}

/** Windows that begin every few hours see origins at some hours of the day only, and learn of no other. */
static void tell_places(struct ps_run *run, const struct series_windows *train)
{
    const int64_t season = train->series->plan.season;
    int64_t common = season, rest = train->stride;
    while (rest) {
        const int64_t next = common % rest;
        common = rest, rest = next;
    }
    if (common == 1) return;
    ps_print(
        run,
        "  training forecasts from %lld of %lld places in a season; a --%s without a common factor with it "
        "reaches all\n",
        (long long)(season / common), (long long)season, train->source.streams > 0 ? "window" : "stride");
}

void lstm_report_data(struct ps_run *run, const char *path, const struct series *s,
                      const struct series_windows *windows)
{
    ps_print(run, "%s: %lld rows, %d columns", path, (long long)s->rows, s->columns);
    if (s->inputs > s->columns) ps_print(run, " and %d of the calendar", s->inputs - s->columns);
    ps_print(run, "; %d to be forecast: %s%s\n", s->targets, s->name[0], s->targets > 1 ? " ..." : "");
    tell_times(run, s);
    for (int p = 0; p < SERIES_PARTS; p++) {
        char from[SERIES_TIME_TEXT];
        if (s->part[p].lo == s->part[p].hi) continue;
        series_time_format(&s->clock, s->time[s->part[p].lo], from);
        ps_print(run, "  %-10s %9lld rows from %s, %lld windows\n", part_names[p],
                 (long long)(s->part[p].hi - s->part[p].lo), from, (long long)windows[p].n);
    }
    const struct series_windows *train = &windows[SERIES_TRAIN];
    if (train->source.streams > 0)
        ps_print(run,
                 "  state is carried in %lld streams of %lld windows; %lld training windows are left out\n",
                 (long long)train->source.streams, (long long)(train->n / train->source.streams),
                 (long long)train->left);
    tell_places(run, train);
    record_data(run, s, windows);
}

/** By how many percent the net's MAE is below another one's. */
static double gain(const struct lstm_error *net, const struct lstm_error *other)
{
    return other->mae > 0 ? 100 * (1 - net->mae / other->mae) : NAN;
}

/** The mean over all steps. */
static void tell_overall(struct ps_run *run, const struct series *s, int target, const struct lstm_error *e)
{
    const struct lstm_error *net = &e[lstm_error_at(s, LSTM_NET, target, 0)];
    ps_print(run, "  %-12s %11s %11s %9s %7s %12s\n", "all steps", "MAE", "RMSE", "sMAPE %", "MASE",
             "gain of MAE");
    for (int m = 0; m < LSTM_METHODS; m++) {
        const struct lstm_error *x = &e[lstm_error_at(s, (enum lstm_method)m, target, 0)];
        ps_print(run, "  %-12s %11.6g %11.6g %9.3f %7.4f", lstm_method_names[m], x->mae, x->rmse, x->smape,
                 x->mase);
        if (m) ps_print(run, " %10.1f %%", gain(net, x));
        ps_print(run, "\n");
    }
}

/** Steps one by one; of a long horizon some of them, the last one too. */
static void tell_steps(struct ps_run *run, const struct series *s, int target, const struct lstm_error *e)
{
    int64_t n = s->plan.horizon, shown = n < MOST_STEPS ? n : MOST_STEPS;
    if (n == 1) return;
    ps_print(run, "  MAE of step  %11s %11s %11s   gain over each\n", lstm_method_names[LSTM_NET],
             lstm_method_names[LSTM_PERSISTENCE], lstm_method_names[LSTM_SEASONAL]);
    for (int64_t i = 1; i <= shown; i++) {
        int64_t step = i * n / shown;
        const struct lstm_error *x[LSTM_METHODS];
        for (int m = 0; m < LSTM_METHODS; m++) x[m] = &e[lstm_error_at(s, (enum lstm_method)m, target, step)];
        ps_print(run, "  %11lld  %11.6g %11.6g %11.6g %8.1f %% %8.1f %%\n", (long long)step, x[LSTM_NET]->mae,
                 x[LSTM_PERSISTENCE]->mae, x[LSTM_SEASONAL]->mae, gain(x[LSTM_NET], x[LSTM_PERSISTENCE]),
                 gain(x[LSTM_NET], x[LSTM_SEASONAL]));
    }
}

/** One line for each target and method: means over all steps, and MAE and RMSE of each step. */
static void record_errors(struct ps_run *run, const struct series_windows *test, int target,
                          enum lstm_method m, const struct lstm_error *e)
{
    const struct series *s = test->series;
    const struct lstm_error *x = &e[lstm_error_at(s, m, target, 0)];
    int n = (int)s->plan.horizon;
    double *step = malloc(2 * (size_t)n * sizeof *step);
    ps_record_begin(run, "forecast");
    ps_record_str(run, "target", s->name[target]);
    ps_record_str(run, "method", lstm_method_names[m]);
    ps_record_int(run, "windows", test->n);
    ps_record_num(run, "mae", x->mae);
    ps_record_num(run, "rmse", x->rmse);
    ps_record_num(run, "smape", x->smape);
    ps_record_num(run, "mase", x->mase);
    if (m != LSTM_NET) ps_record_num(run, "gain_percent", gain(&e[lstm_error_at(s, LSTM_NET, target, 0)], x));
    for (int h = 0; step && h < n; h++) step[h] = x[h + 1].mae, step[n + h] = x[h + 1].rmse;
    if (step) {
        ps_record_nums(run, "mae_of_step", step, n);
        ps_record_nums(run, "rmse_of_step", step + n, n);
    }
    ps_record_end(run);
    free(step);
}

void lstm_report_errors(struct ps_run *run, const struct series_windows *test, const char *weights,
                        const struct lstm_error *e)
{
    const struct series *s = test->series;
    for (int k = 0; k < s->targets; k++) {
        ps_print(run, "test: %s, %lld windows, %lld step%s ahead, %s weights\n", s->name[k],
                 (long long)test->n, (long long)s->plan.horizon, s->plan.horizon > 1 ? "s" : "", weights);
        tell_overall(run, s, k, e);
        tell_steps(run, s, k, e);
        for (int m = 0; m < LSTM_METHODS; m++) record_errors(run, test, k, (enum lstm_method)m, e);
    }
}
