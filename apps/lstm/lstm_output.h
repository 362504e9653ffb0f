/** Forecasts as files. */
#ifndef LSTM_OUTPUT_H
#define LSTM_OUTPUT_H

#include "apps/lstm/lstm_forecast.h"
#include "common/run/run.h"

/** Write a CSV table: a line `origin,time,step,target,forecast,truth` for each window, step and target, in
 * this order. Collective over comm; all ranks write. @return as ps_textout_write */
enum ps_status lstm_output_csv(MPI_Comm comm, const char *path, const struct lstm_forecast *f);

/** Draw the first target over the last `steps` steps of the test part, with what was forecast from origins
 * that are a horizon apart. Collective over run->comm.
 * @return (agreed) PS_OK; PS_EIO; PS_EBACKEND; PS_ENOMEM */
enum ps_status lstm_output_plot(struct ps_run *run, const char *path, const struct lstm_forecast *f,
                                int64_t steps);

#endif
