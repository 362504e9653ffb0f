/** What lstm-train tells of its data and of its forecasts. */
#ifndef LSTM_REPORT_H
#define LSTM_REPORT_H

#include "apps/lstm/lstm_forecast.h"
#include "common/run/run.h"

/** Rows, steps, gaps, duplicates, parts: to people and to the record. Local; rank 0 speaks.
 * @param windows [SERIES_PARTS] of each part */
void lstm_report_data(struct ps_run *run, const char *path, const struct series *s,
                      const struct series_windows *windows);

/** Errors of all methods, for each target over all steps and step by step. Local; rank 0 speaks.
 * @param weights which they are: "last" ... @param e as lstm_forecast_errors gives them */
void lstm_report_errors(struct ps_run *run, const struct series_windows *test, const char *weights,
                        const struct lstm_error *e);

#endif
