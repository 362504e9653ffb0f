/* Runs out of records, and which of them belong together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/scaling.h"
#include "common/run/err.h"

/* Parameters that do not change what is computed, or say with how many. */
static bool beside_the_point(const char *name)
{
    static const char *const names[] = {
        "record", "threads", "log",     "progress",   "checkpoint", "resume",    "trace",   "output",
        "save",   "best",    "network", "slow_nodes", "node_ranks", "grains",    "minutes", "every",
        "keep",   "plot",    "codes",   "forecast",   "wrong",      "model_file"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

/* How much a run went through. */
static double size_of(const struct ps_recorded *r)
{
    static const char *const fields[] = {"points", "rows"};
    const struct ps_recorded_event *epoch = ps_recorded_event(r, "epoch", 0);
    if (epoch) /* training: samples of all epochs */
        return round(ps_recorded_num(epoch, "samples_per_second", NAN) *
                     ps_recorded_num(epoch, "seconds", NAN)) *
               ps_recorded_num(ps_recorded_event(r, "trained", -1), "epochs", NAN);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const double n = ps_recorded_num(ps_recorded_event(r, "result", -1), fields[i], NAN);
        if (n > 0) return n;
    }
    return NAN;
}

static void times_of(const struct ps_recorded_event *e, double seconds, struct scaling_run *out)
{
    out->seconds = seconds;
    out->useful = ps_recorded_num(e, "useful", NAN);
    out->useful_max = ps_recorded_num(e, "useful_max", NAN);
    out->cpu = ps_recorded_num(e, "cpu", NAN) / out->threads;
    out->cpu_max = ps_recorded_num(e, "cpu_max", NAN) / out->threads;
    out->joules = ps_recorded_num(e, "joules", NAN);
    out->gpu_joules = ps_recorded_num(e, "gpu_joules", NAN);
}

static const struct ps_recorded_event *phase_of(const struct ps_recorded *r, const char *name)
{
    const struct ps_recorded_event *e;
    for (int64_t i = 0; (e = ps_recorded_event(r, "phase", i)); i++)
        if (strcmp(ps_recorded_str(e, "name", ""), name) == 0) return e;
    return NULL;
}

/* @return false: the run cannot be studied */
static bool take(const struct ps_recorded *r, const char *phase, struct scaling_run *out)
{
    const struct ps_recorded_event *start = ps_recorded_event(r, "start", 0),
                                   *end = ps_recorded_event(r, "end", -1);
    const struct ps_recorded_event *work = ps_recorded_event(r, "work", -1);
    if (!start || strcmp(ps_recorded_str(end, "status", ""), "ok") != 0) return false;
    const double ranks = ps_recorded_num(start, "ranks", 0), threads = ps_recorded_num(start, "threads", 0);
    if (!(ranks >= 1 && ranks < 1e9 && threads >= 1 && threads < 1e6)) return false;
    *out = (struct scaling_run){.record = r,
                                .program = ps_recorded_str(start, "program", "?"),
                                .ranks = (int)ranks,
                                .threads = (int)threads,
                                .workers = (int)(ranks * threads),
                                .size = size_of(r),
                                .group = -1};
    out->crowded = ps_recorded_num(start, "cores", INFINITY) < out->workers;
    if (phase[0]) {
        const struct ps_recorded_event *e = phase_of(r, phase);
        times_of(e, ps_recorded_num(e, "max", NAN), out);
    } else if (work) {
        times_of(work, ps_recorded_num(work, "seconds", NAN), out);
    } else {
        times_of(NULL, ps_recorded_num(end, "elapsed", NAN), out);
    }
    return out->seconds > 0;
}

static bool close_to(double a, double b, double share)
{
    return fabs(a - b) <= share * fmax(fabs(a), fabs(b));
}

/* Does a parameter that differs only follow the number of workers: as a number, or as a file of so much more?
 */
static bool follows(const struct scaling_run *a, const struct scaling_run *b, const char *x, const char *y)
{
    char *end[2];
    if (a->workers == b->workers) return false;
    const double v = strtod(x, &end[0]), w = strtod(y, &end[1]);
    if (end[0] != x && !*end[0] && end[1] != y && !*end[1])
        return v != 0 &&
               (close_to(v / a->workers, w / b->workers, 0.02) || close_to(v / a->ranks, w / b->ranks, 0.02));
    return close_to(a->size / a->workers, b->size / b->workers, 0.1); /* false where a size is unknown */
}

static bool together(const struct scaling_run *a, const struct scaling_run *b)
{
    char x[PS_TEXT_MAX], y[PS_TEXT_MAX];
    const char *name;
    if (strcmp(a->program, b->program) != 0) return false;
    for (int64_t i = 0; (name = ps_recorded_param_name(a->record, i, NULL)); i++) {
        if (beside_the_point(name)) continue;
        if (ps_recorded_param(a->record, name, x, sizeof x) != PS_OK ||
            ps_recorded_param(b->record, name, y, sizeof y) != PS_OK) {
            ps_err_clear();
            return false;
        }
        if (strcmp(x, y) != 0 && !follows(a, b, x, y)) return false;
    }
    return true;
}

enum ps_status scaling_group_runs(const struct ps_records *records, struct scaling *s)
{
    PS_TRY(ps_zalloc(&s->run, records->runs + 1, sizeof *s->run, "the runs"));
    PS_TRY(ps_zalloc(&s->group, records->runs + 1, sizeof *s->group, "the groups of runs"));
    for (int64_t i = 0; i < records->runs; i++)
        if (take(&records->run[i], s->phase, &s->run[s->runs]))
            s->runs++;
        else
            s->left++;
    for (int i = 0; i < s->runs; i++) {
        struct scaling_run *r = &s->run[i];
        for (int k = 0; k < i && r->group < 0; k++)
            if (together(&s->run[k], r)) r->group = s->run[k].group;
        if (r->group < 0) {
            r->group = s->groups++;
            s->group[r->group].program = r->program;
        }
        s->group[r->group].runs++;
    }
    return PS_OK;
}
