#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "apps/lstm/lstm_output.h"
#include "common/io/canvas.h"
#include "common/io/pngfile.h"

enum { WIDTH = 1400, HEIGHT = 600 };

/** The stretch that is drawn: its rows, and what methods say of them (NaN: nothing). */
struct stretch {
    int64_t lo, n;
    double *x, *truth, *value[LSTM_METHODS]; /**< [n] in one block; x owns it */
};

/** Steps ahead from the last origin and from those a horizon earlier, one after the other. All ranks find the
 * same. @return own forecasts and zeros, to be added over the ranks */
static void fill(const struct lstm_forecast *f, struct stretch *d)
{
    const struct series_windows *w = f->windows;
    const struct series *s = w->series;
    int64_t next = d->lo + d->n; /* row before which forecasts are wanted */
    for (int64_t i = w->n - 1; i >= 0; i--) {
        int64_t origin = series_windows_origin(w, i);
        if (origin + s->plan.horizon >= next) continue;
        if (origin + 1 < d->lo) break;
        next = origin + 1;
        for (int64_t step = 1; step <= s->plan.horizon; step++)
            for (int m = 0; m < LSTM_METHODS; m++)
                d->value[m][origin + step - d->lo] =
                    i >= f->mine.lo && i < f->mine.hi
                        ? lstm_forecast_value(f, (enum lstm_method)m, i - f->mine.lo, step, 0)
                        : 0;
    }
}

static enum ps_status make(const struct lstm_forecast *f, int64_t steps, struct stretch *d)
{
    const struct series *s = f->windows->series;
    int64_t last = series_windows_origin(f->windows, f->windows->n - 1) + s->plan.horizon;
    int64_t most = last + 1 - s->part[SERIES_TEST].lo;
    d->n = steps < most ? steps : most;
    d->lo = last + 1 - d->n;
    PS_TRY(ps_alloc(&d->x, (2 + LSTM_METHODS) * d->n, sizeof *d->x, "the curves of the picture"));
    d->truth = d->x + d->n;
    for (int m = 0; m < LSTM_METHODS; m++) d->value[m] = d->truth + (1 + m) * d->n;
    for (int64_t i = 0; i < d->n; i++) {
        double time = (double)s->time[d->lo + i];
        d->x[i] = s->clock.date ? time / SERIES_DAY : time / pow(10, s->clock.decimals);
        d->truth[i] = s->y[(d->lo + i) * s->targets];
        for (int m = 0; m < LSTM_METHODS; m++) d->value[m][i] = NAN;
    }
    fill(f, d);
    return PS_OK;
}

/** Days since 1970 as a date. */
static void tick(double x, char *text, int room)
{
    char full[SERIES_TIME_TEXT];
    const struct series_clock clock = {.date = true};
    series_time_format(&clock, llround(x * SERIES_DAY), full);
    snprintf(text, (size_t)room, "%.16s", full);
}

static enum ps_status draw(const char *path, const struct series *s, const struct stretch *d)
{
    struct ps_canvas c = {.width = 0};
    const struct ps_curve curve[] = {
        {"seasonal naive", d->x, d->value[LSTM_SEASONAL], d->n, 0xc0c0c0},
        {"truth", d->x, d->truth, d->n, 0x202020},
        {"forecast", d->x, d->value[LSTM_NET], d->n, 0xd03020},
    };
    char title[SERIES_NAME + 64];
    snprintf(title, sizeof title, "%s, %lld steps ahead", s->name[0], (long long)s->plan.horizon);
    enum ps_status rc = ps_canvas_make(WIDTH, HEIGHT, &c);
    if (rc != PS_OK) return rc;
    ps_canvas_chart(&c, title, s->clock.date ? "" : "time", s->name[0], curve, 3,
                    s->clock.date ? tick : NULL);
    rc = ps_png_write(path, c.width, c.height, c.rgb);
    ps_canvas_free(&c);
    return rc;
}

enum ps_status lstm_output_plot(struct ps_run *run, const char *path, const struct lstm_forecast *f,
                                int64_t steps)
{
    struct stretch d = {.n = 0};
    enum ps_status rc = ps_agree(run->comm, make(f, steps, &d));
    if (rc == PS_OK) {
        int n = (int)(LSTM_METHODS * d.n);
        /* one rank has each value, the others have 0: sums are exact */
        MPI_Reduce(run->rank ? d.value[0] : MPI_IN_PLACE, d.value[0], n, MPI_DOUBLE, MPI_SUM, 0, run->comm);
        rc = run->rank == 0 ? draw(path, f->windows->series, &d) : PS_OK;
        rc = ps_agree(run->comm, rc);
    }
    free(d.x);
    return rc;
}
