/** Parameters of lstm-train. */
#ifndef LSTM_PARAMS_H
#define LSTM_PARAMS_H

#include "apps/lstm/series_data.h"
#include "common/nn/train_params.h"
#include "common/run/param.h"

enum lstm_state { LSTM_STATE_RESET, LSTM_STATE_CARRIED };
enum lstm_loss { LSTM_LOSS_SQUARES, LSTM_LOSS_ABSOLUTE };

struct lstm_params {
    ps_str input, dataset, time, columns, target, calendar, forecast, plot;
    int missing, gaps, scaling, residual, state,
        loss; /**< places in their choices, which are those of the enums */
    struct ps_list split;
    int64_t window, horizon, season, stride, test_stride, hidden, run_up, plot_steps;
    int layers;
    double dropout;
    struct ps_train_params train;
};

extern const struct ps_param lstm_rows[];
extern const int lstm_nrows;

/** What they ask of a series. Local. @return PS_OK; PS_EUSAGE (calendar) */
enum ps_status lstm_params_plan(const struct lstm_params *p, struct series_wish *wish,
                                struct series_plan *plan);

/** All that equal bits need besides common parameters and those of training: data and model, as text. Local.
 */
void lstm_params_describe(const struct lstm_params *p, const struct series *s, char *text, int room);

#endif
