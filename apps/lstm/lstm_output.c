#include "apps/lstm/lstm_output.h"

#include <stdio.h>
#include <string.h>
#include "common/io/number.h"
#include "common/io/textout.h"
#include "common/run/err.h"

/* separators, a step and the LF of a line */
enum { LINE = 2 * SERIES_TIME_TEXT + SERIES_NAME + 2 * PS_NUMBER_TEXT + 32, DIGITS = 9 };

static const char head[] = "origin,time,step,target,forecast,truth\n";

static int64_t room(const void *context, int64_t lo, int64_t hi)
{
    const struct lstm_forecast *f = context;
    const struct series *s = f->windows->series;
    return (hi - lo) * s->plan.horizon * s->targets * LINE + (int64_t)sizeof head;
}

static char *put(char *at, const char *text, char after)
{
    size_t n = strlen(text);
    memcpy(at, text, n);
    at[n] = after;
    return at + n + 1;
}

/** A line. */
static char *format_value(const struct lstm_forecast *f, int64_t i, int64_t step, int target, char *at)
{
    const struct series *s = f->windows->series;
    int64_t origin = series_windows_origin(f->windows, f->mine.lo + i), row = origin + step;
    char text[PS_NUMBER_TEXT + SERIES_TIME_TEXT];
    series_time_format(&s->clock, s->time[origin], text);
    at = put(at, text, ',');
    series_time_format(&s->clock, s->time[row], text);
    at = put(at, text, ',');
    snprintf(text, sizeof text, "%lld", (long long)step);
    at = put(at, text, ',');
    at = put(at, s->name[target], ',');
    ps_number_format_g(lstm_forecast_value(f, LSTM_NET, i, step, target), DIGITS, text);
    at = put(at, text, ',');
    ps_number_format(s->y[row * s->targets + target], text);
    return put(at, text, '\n');
}

static int64_t format(const void *context, int64_t lo, int64_t hi, char *out)
{
    const struct lstm_forecast *f = context;
    const struct series *s = f->windows->series;
    char *at = out;
    if (lo < hi && f->mine.lo + lo == 0) {
        memcpy(at, head, sizeof head - 1);
        at += sizeof head - 1;
    }
    for (int64_t i = lo; i < hi; i++)
        for (int64_t step = 1; step <= s->plan.horizon; step++)
            for (int k = 0; k < s->targets; k++) at = format_value(f, i, step, k, at);
    return at - out;
}

enum ps_status lstm_output_csv(MPI_Comm comm, const char *path, const struct lstm_forecast *f)
{
    struct ps_textout t = {.rows = f->mine.hi - f->mine.lo, .context = f, .room = room, .format = format};
    return ps_textout_write(comm, path, &t);
}
