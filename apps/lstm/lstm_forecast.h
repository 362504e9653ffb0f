/** Forecasts of the test part, and how good they are beside simple ones. */
#ifndef LSTM_FORECAST_H
#define LSTM_FORECAST_H

#include "apps/lstm/series_windows.h"
#include "common/nn/evaluate.h"

/** What this rank has forecast. */
struct lstm_forecast {
    const struct series_windows *windows; /**< borrowed */
    struct ps_range mine;                 /**< windows of this rank */
    float *output;                        /**< [mine][horizon][targets] as the net gives them; owned */
};

/** Forecast all windows. Collective over run->comm.
 * @param w, prepared of the net
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EINPUT (a forecast is not finite) */
enum ps_status lstm_forecast_make(struct ps_run *run, const struct ps_net *net,
                                  const struct series_windows *windows, const float *w, const float *prepared,
                                  struct lstm_forecast *out);
void lstm_forecast_free(struct lstm_forecast *f); /**< Local. */

/** Who forecasts. Persistence: as it is now; seasonal naive: as it was a season ago. */
enum lstm_method { LSTM_NET, LSTM_PERSISTENCE, LSTM_SEASONAL, LSTM_METHODS };
extern const char *const lstm_method_names[LSTM_METHODS];

/** A value in units of the data: of window i of this rank's (lstm_forecast.mine), step from 1. Local. */
double lstm_forecast_value(const struct lstm_forecast *f, enum lstm_method method, int64_t i, int64_t step,
                           int target);

/** Mean errors, in units of the data but for the two last. */
struct lstm_error {
    double mae, rmse;
    double smape; /**< percent: 200 |error| / (|truth| + |forecast|), 0 where both are 0 (Makridakis 1993) */
    double mase;  /**< MAE over that of the seasonal naive forecast within the training part (Hyndman, Koehler
                     2006); NaN where that is 0 */
};

/** Errors of all methods, on exactly the same windows; bits do not depend on ranks and threads. Collective
 * over comm.
 * @param out [LSTM_METHODS][targets][horizon + 1], the mean over all steps at 0; owned by the caller, free()
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status lstm_forecast_errors(MPI_Comm comm, const struct lstm_forecast *f, struct lstm_error **out);

/** The place of an error in that array. Local. */
static inline int64_t lstm_error_at(const struct series *s, enum lstm_method method, int target, int64_t step)
{
    return ((int64_t)method * s->targets + target) * (s->plan.horizon + 1) + step;
}

#endif
