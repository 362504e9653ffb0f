#include "apps/lstm/series_scale.h"

#include <math.h>
#include <string.h>

static const double two_pi = 6.283185307179586;

void series_scale_column(const struct series_table *t, int column, int64_t rows, enum series_scaling how,
                         double *centre, double *scale)
{
    const double *v = t->value + column;
    double sum = 0, squares = 0, least = v[0], most = v[0];
    *centre = 0, *scale = 1;
    if (how == SERIES_PLAIN) return;
    for (int64_t i = 0; i < rows; i++) {
        double x = v[i * t->cols];
        sum += x;
        least = fmin(least, x);
        most = fmax(most, x);
    }
    double mean = sum / (double)rows;
    for (int64_t i = 0; i < rows; i++) squares += (v[i * t->cols] - mean) * (v[i * t->cols] - mean);
    *centre = how == SERIES_STANDARD ? mean : least;
    double width = how == SERIES_STANDARD ? sqrt(squares / (double)rows) : most - least;
    if (least < most && width > 0) *scale = width;
}

void series_scale_lag(const struct series_table *t, int column, int64_t rows, int64_t step, int64_t lag,
                      double *mean, double *rms)
{
    double sum = 0, squares = 0;
    int64_t n = 0;
    for (int64_t i = lag; i < rows; i++) {
        if (t->time[i] - t->time[i - lag] != lag * step) continue;
        double d = t->value[i * t->cols + column] - t->value[(i - lag) * t->cols + column];
        sum += fabs(d);
        squares += d * d;
        n++;
    }
    *mean = n ? sum / (double)n : 0;
    *rms = n ? sqrt(squares / (double)n) : 0;
}

static float *wave(double share, float *out)
{
    *out++ = (float)sin(two_pi * share);
    *out++ = (float)cos(two_pi * share);
    return out;
}

void series_scale_row(const struct series *s, const struct series_table *t, const double *centre,
                      const double *scale, int64_t row, float *out)
{
    for (int c = 0; c < t->cols; c++) *out++ = (float)((t->value[row * t->cols + c] - centre[c]) / scale[c]);
    if (s->plan.day) out = wave(series_time_of_day(t->time[row]), out);
    if (s->plan.week) out = wave(series_time_of_week(t->time[row]), out);
    if (s->plan.year) wave(series_time_of_year(t->time[row]), out);
}

/* Rounds of FNV-1a on whole words: Fowler, Noll, Vo. */
static uint64_t mix(uint64_t hash, const void *word, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t w;
        memcpy(&w, (const char *)word + 8 * i, sizeof w);
        hash = (hash ^ w) * 0x100000001b3u;
        hash ^= hash >> 29; /* words, unlike bytes, would leave high bits high */
    }
    return hash;
}

uint64_t series_scale_mark(const struct series_table *t)
{
    return mix(mix(0xcbf29ce484222325u, t->time, t->rows), t->value, t->rows * t->cols);
}
