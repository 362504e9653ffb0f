/* Points of a group: medians over repetitions, speed-ups, efficiencies, fits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/scaling.h"
#include "common/run/err.h"

const char *const scaling_kind_name[] = {"strong scaling", "weak scaling", "scaling"};
const char *const scaling_origin_name[] = {"measured", "simulated"};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct scaling_spread scaling_spread_of(double *value, int n)
{
    int k = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(value[i])) value[k++] = value[i];
    if (k == 0) return (struct scaling_spread){NAN, NAN, NAN, 0};
    qsort(value, (size_t)k, sizeof *value, by_value);
    const double median = k % 2 ? value[k / 2] : (value[k / 2 - 1] + value[k / 2]) / 2;
    return (struct scaling_spread){median, value[0], value[k - 1], k};
}

/* What is taken from each run of a point. */
enum column { SECONDS, SIZE, JOULES, GPU_JOULES, BALANCE, COMMUNICATION, COLUMNS };

static double value_of(const struct scaling_run *r, enum scaling_origin origin, enum column c)
{
    const bool real = origin == SCALING_MEASURED;
    switch (c) {
    case SECONDS:
        return real ? r->seconds : r->cpu_max;
    case SIZE:
        return r->size;
    case JOULES:
        return real ? r->joules : NAN;
    case GPU_JOULES:
        return real ? r->gpu_joules : NAN;
    case BALANCE:
        return real ? r->useful / r->useful_max : r->cpu / r->cpu_max;
    default:
        return real ? r->useful_max / r->seconds : NAN;
    }
}

static int by_workers(const void *a, const void *b)
{
    const struct scaling_point *x = a, *y = b;
    if (x->origin != y->origin) return x->origin < y->origin ? -1 : 1;
    if (x->workers != y->workers) return x->workers < y->workers ? -1 : 1;
    return (x->ranks > y->ranks) - (x->ranks < y->ranks);
}

/* @param value [runs of the study] */
static struct scaling_spread spread(const struct scaling *s, int group, const struct scaling_point *p,
                                    enum column c, double *value)
{
    int n = 0;
    for (int i = 0; i < s->runs; i++) {
        const struct scaling_run *r = &s->run[i];
        if (r->group != group || r->ranks != p->ranks || r->threads != p->threads) continue;
        if (p->origin == SCALING_MEASURED && r->crowded) continue;
        value[n++] = value_of(r, p->origin, c);
    }
    return scaling_spread_of(value, n);
}

static void add_point(struct scaling *s, int group, const struct scaling_run *r, enum scaling_origin origin,
                      double *value)
{
    struct scaling_group *g = &s->group[group];
    for (int i = 0; i < g->points; i++)
        if (g->point[i].ranks == r->ranks && g->point[i].threads == r->threads &&
            g->point[i].origin == origin)
            return;
    struct scaling_point p = {
        .origin = origin, .ranks = r->ranks, .threads = r->threads, .workers = r->workers};
    p.seconds = spread(s, group, &p, SECONDS, value);
    if (s->fastest) p.seconds.median = p.seconds.low;
    if (!(p.seconds.median > 0)) return;
    p.size = spread(s, group, &p, SIZE, value).median;
    p.joules = spread(s, group, &p, JOULES, value).median;
    p.gpu_joules = spread(s, group, &p, GPU_JOULES, value).median;
    p.balance = spread(s, group, &p, BALANCE, value).median;
    p.communication = spread(s, group, &p, COMMUNICATION, value).median;
    g->point[g->points++] = p;
}

static void compare(struct scaling_group *g)
{
    const struct scaling_point *first = NULL;
    bool same = true, grows = true;
    for (int i = 0; i < g->points; i++) {
        struct scaling_point *p = &g->point[i];
        if (!first || first->origin != p->origin) first = p;
        double more = p->size / first->size; /* of the size */
        const double workers = (double)p->workers / first->workers;
        if (isnan(more)) more = 1;
        same = same && fabs(more - 1) < 0.02;
        grows = grows && fabs(more / workers - 1) < 0.1;
        p->speedup = more * first->seconds.median / p->seconds.median;
        p->speedup_low = more * first->seconds.median / p->seconds.high;
        p->speedup_high = more * first->seconds.median / p->seconds.low;
        p->efficiency = p->speedup / workers;
    }
    g->kind = same ? SCALING_STRONG : grows ? SCALING_WEAK : SCALING_OTHER;
}

int scaling_fitted_points(const struct scaling_group *g, double *p, double *t)
{
    int n = 0;
    for (int i = 0; i < g->points; i++) {
        if (g->point[i].origin != g->fitted) continue;
        p[n] = g->point[i].workers;
        t[n++] = g->point[i].seconds.median;
    }
    return n;
}

static enum ps_status fit(struct scaling_group *g)
{
    double *p;
    int measured = 0;
    for (int i = 0; i < g->points; i++) measured += g->point[i].origin == SCALING_MEASURED;
    g->fitted = measured >= 3 || 2 * measured >= g->points ? SCALING_MEASURED : SCALING_SIMULATED;
    PS_TRY(ps_alloc(&p, 3 * (int64_t)g->points + 1, sizeof *p, "the points of a fit"));
    double *t = p + g->points, *scaled = t + g->points;
    const int n = scaling_fitted_points(g, p, t);
    if (g->kind == SCALING_STRONG) {
        g->amdahl = scaling_fit_amdahl(n, p, t);
        g->allreduce = scaling_fit_allreduce(n, p, t, false);
    } else if (g->kind == SCALING_WEAK) {
        for (int i = 0; i < n; i++) scaled[i] = p[i] * t[0] / t[i];
        if (n > 0 && p[0] == 1) g->gustafson = scaling_fit_gustafson(n, p, scaled);
        g->allreduce = scaling_fit_allreduce(n, p, t, true);
    }
    free(p);
    return PS_OK;
}

/* The prediction of the run on the most ranks that made one. It is of as many samples a rank, so it stands
 * with weak scaling only. */
static void predictions(const struct scaling *s, int group)
{
    struct scaling_group *g = &s->group[group];
    int ranks = 0;
    for (int i = 0; i < s->runs; i++) {
        const struct scaling_run *r = &s->run[i];
        const struct ps_recorded_event *e = ps_recorded_event(r->record, "scaling", -1);
        if (g->kind == SCALING_STRONG || r->group != group || !e || r->ranks < ranks || r->crowded) continue;
        ranks = r->ranks;
        const int64_t n = ps_recorded_nums(e, "ranks", g->predicted_ranks, SCALING_PREDICTED_MAX);
        const int64_t m =
            ps_recorded_nums(e, "predicted_efficiency", g->predicted_efficiency, SCALING_PREDICTED_MAX);
        g->predicted = (int)(n == m && n <= SCALING_PREDICTED_MAX ? n : 0);
    }
}

enum ps_status scaling_make_points(struct scaling *s, int group)
{
    struct scaling_group *g = &s->group[group];
    double *value;
    bool crowded = false;
    PS_TRY(ps_alloc(&value, s->runs + 1, sizeof *value, "the values of runs"));
    enum ps_status rc = ps_zalloc(&g->point, 2 * (int64_t)g->runs, sizeof *g->point, "the points of a study");
    PS_TRY_DONE(rc);
    for (int i = 0; i < s->runs; i++) {
        const struct scaling_run *r = &s->run[i];
        if (r->group != group) continue;
        crowded = crowded || r->crowded;
        if (!r->crowded) add_point(s, group, r, SCALING_MEASURED, value);
    }
    /* where some are simulated, so are those that were measured: to be compared with */
    for (int i = 0; crowded && i < s->runs; i++)
        if (s->run[i].group == group) add_point(s, group, &s->run[i], SCALING_SIMULATED, value);
    qsort(g->point, (size_t)g->points, sizeof *g->point, by_workers);
    compare(g);
    predictions(s, group);
    rc = fit(g);
done:
    free(value);
    return rc;
}

enum ps_status scaling_make(const struct ps_records *records, const char *phase, bool fastest,
                            struct scaling *out)
{
    *out = (struct scaling){.fastest = fastest};
    snprintf(out->phase, sizeof out->phase, "%s", phase);
    enum ps_status rc = scaling_group_runs(records, out);
    if (rc == PS_OK && out->runs == 0)
        rc = ps_fail(PS_EINPUT, "none of %lld runs ended well%s%s: there is nothing to compare",
                     (long long)records->runs, phase[0] ? " and has a phase " : "", phase);
    for (int g = 0; rc == PS_OK && g < out->groups; g++) rc = scaling_make_points(out, g);
    if (rc != PS_OK) scaling_free(out);
    return rc;
}

void scaling_free(struct scaling *s)
{
    for (int g = 0; g < s->groups; g++) free(s->group[g].point);
    free(s->group);
    free(s->run);
    *s = (struct scaling){.runs = 0};
}
