/** Normalisation of a series, and the numbers that its forecasts are measured with. */
#ifndef SERIES_SCALE_H
#define SERIES_SCALE_H

#include "apps/lstm/series_data.h"

/** Centre and scale of a column over rows [0, rows) of a table: mean and standard deviation, or least value
 * and range. A constant column has scale 1. Local. */
void series_scale_column(const struct series_table *t, int column, int64_t rows, enum series_scaling how,
                         double *centre, double *scale);

/** Differences of a column over `lag` steps within rows [0, rows), but not across gaps. Local.
 * @param mean, rms out: of their amounts; 0 where there are none */
void series_scale_lag(const struct series_table *t, int column, int64_t rows, int64_t step, int64_t lag,
                      double *mean, double *rms);

/** Inputs of one row: its columns, normalised, and its calendar. Local. @param out [s->inputs] */
void series_scale_row(const struct series *s, const struct series_table *t, const double *centre,
                      const double *scale, int64_t row, float *out);

/** A number that depends on all times and values. Local. */
uint64_t series_scale_mark(const struct series_table *t);

#endif
