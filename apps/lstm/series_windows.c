#include "apps/lstm/series_windows.h"

#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/** Number of the window that sample i is. */
static int64_t window_of(const struct series_windows *w, int64_t i)
{
    const int64_t streams = w->source.streams;
    return streams > 0 ? i % streams * (w->n / streams) + i / streams : i;
}

static const struct series_run *run_of(const struct series_windows *w, int64_t window)
{
    int64_t lo = 0, hi = w->runs;
    while (hi - lo > 1) {
        int64_t middle = lo + (hi - lo) / 2;
        if (w->run[middle].at <= window)
            lo = middle;
        else
            hi = middle;
    }
    return &w->run[lo];
}

int64_t series_windows_origin(const struct series_windows *w, int64_t i)
{
    const int64_t window = window_of(w, i);
    const struct series_run *r = run_of(w, window);
    return r->origin + (window - r->at) * w->stride;
}

static void see(const struct series *s, int64_t origin, float *x)
{
    int64_t seen = s->plan.window * s->inputs;
    memcpy(x, s->x + (origin + 1) * s->inputs - seen, (size_t)seen * sizeof *x);
}

static enum ps_status load(const struct ps_source *source, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    const struct series_windows *w = source->data;
    const struct series *s = w->series;
    int64_t origin = series_windows_origin(w, i);
    float *y = target;
    (void)draw; /* nothing about a window is random */
    see(s, origin, x);
    for (int64_t step = 1; step <= s->plan.horizon; step++)
        for (int k = 0; k < s->targets; k++)
            *y++ = (float)((s->y[(origin + step) * s->targets + k] - series_base(s, origin, step, k)) /
                           s->scale[k]);
    return PS_OK;
}

static bool before(const struct ps_source *source, int64_t i, int64_t back, float *x)
{
    const struct series_windows *w = source->data;
    const int64_t length = w->series->plan.window, origin = series_windows_origin(w, i) - back * length;
    if (origin + 1 - length < run_of(w, window_of(w, i))->begin) return false;
    if (x) see(w->series, origin, x);
    return true;
}

/** The first row at or after `at` before which a gap is; or `end`. */
static int64_t stretch_end(const struct series *s, int64_t at, int64_t end)
{
    int64_t i = at + 1;
    while (i < end && s->time[i] - s->time[i - 1] == s->found.step) i++;
    return i;
}

/** Go through stretches without gaps. @param run out, or NULL to count runs */
static void find_runs(struct series_windows *w, enum series_part part, struct series_run *run)
{
    const struct series *s = w->series;
    const struct ps_range rows = s->part[part];
    int64_t seen = s->plan.window > s->plan.season ? s->plan.window : s->plan.season;
    w->n = w->runs = 0;
    for (int64_t lo = 0, hi; lo < rows.hi; lo = hi) {
        hi = stretch_end(s, lo, rows.hi);
        int64_t first = lo + seen - 1, last = hi - 1 - s->plan.horizon;
        /* training begins at row 0, so its windows lie within it */
        if (first < rows.lo - 1) first = rows.lo - 1;
        if (first > last) continue;
        if (run) run[w->runs] = (struct series_run){first, w->n, lo};
        w->runs++;
        w->n += (last - first) / w->stride + 1;
    }
}

enum ps_status series_windows_make(const struct series *s, enum series_part part, int64_t stride,
                                   const char *name, struct series_windows *out)
{
    *out = (struct series_windows){.series = s, .stride = stride};
    find_runs(out, part, NULL);
    PS_CHECK(
        out->n > 0, PS_EINPUT,
        "the %s part has %lld rows and no stretch without gaps that holds a window of %lld steps and %lld "
        "steps ahead%s; take a smaller --window or --horizon%s",
        name, (long long)(s->part[part].hi - s->part[part].lo), (long long)s->plan.window,
        (long long)s->plan.horizon, s->plan.season > s->plan.window ? " after a season" : "",
        s->found.gaps ? ", or --gaps fill" : "");
    PS_TRY(ps_alloc(&out->run, out->runs, sizeof *out->run, "runs of windows"));
    find_runs(out, part, out->run);
    out->source = (struct ps_source){.n = out->n, .name = name, .data = out, .load = load};
    return PS_OK;
}

enum ps_status series_windows_carry(struct series_windows *w, int64_t streams, int64_t run_up)
{
    if (streams > 0) {
        PS_CHECK(
            w->n >= streams, PS_EINPUT,
            "the %s part has %lld windows that follow each other, too few for %lld streams of them; take a "
            "smaller --batch or --window",
            w->source.name, (long long)w->n, (long long)streams);
        w->left = w->n % streams;
        w->n -= w->left;
        /* nothing is before the first window of a run, be there rows or not */
        for (int64_t r = 0; r < w->runs; r++) w->run[r].begin = w->run[r].origin + 1 - w->series->plan.window;
    }
    w->source.n = w->n;
    w->source.streams = streams;
    w->source.run_up = run_up;
    w->source.before = before;
    return PS_OK;
}

void series_windows_free(struct series_windows *w)
{
    free(w->run);
    *w = (struct series_windows){.n = 0};
}
