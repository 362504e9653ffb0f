/* lstm-train: learn to forecast a time series by LSTM layers, beside persistence and the seasonal naive
 * forecast.
 */
#include <stdlib.h>
#include "apps/lstm/lstm_model.h"
#include "apps/lstm/lstm_output.h"
#include "apps/lstm/lstm_params.h"
#include "apps/lstm/lstm_report.h"
#include "common/io/pngfile.h"
#include "common/nn/summary.h"
#include "common/nn/train.h"
#include "common/nn/train_kernels.h"
#include "common/run/log.h"
#include "common/run/timer.h"

enum { DESCRIPTION = 512 };

/** All that lives as long as a run. */
struct state {
    const struct ps_nn_kernels *kernels;
    struct ps_device device;
    struct series series;
    struct series_windows windows[SERIES_PARTS];
    struct ps_net net;
    struct ps_trained trained;
    struct lstm_forecast forecast;
    struct lstm_error *error;
};

/** Windows of a part. Local. */
static enum ps_status make_windows(const struct lstm_params *p, const struct series *s, enum series_part part,
                                   struct series_windows *out)
{
    static const char *const names[] = {"training", "validation", "test"};
    const bool carried = p->state == LSTM_STATE_CARRIED, train = part == SERIES_TRAIN;
    const int64_t stride = !train ? p->test_stride : carried ? p->window : p->stride;
    PS_TRY(series_windows_make(s, part, stride, names[part], out));
    return carried ? series_windows_carry(out, train ? p->train.batch : 0, p->run_up) : PS_OK;
}

/** Collective. */
static enum ps_status read_series(struct ps_run *run, const struct lstm_params *p, struct state *s)
{
    struct series_wish wish;
    struct series_plan plan;
    PS_TRY(lstm_params_plan(p, &wish, &plan));
    PS_TRY(series_open(run->comm, &wish, &plan, &s->series));
    enum ps_status rc = PS_OK;
    for (int k = 0; k < SERIES_PARTS && rc == PS_OK; k++)
        if (k != SERIES_VALID || plan.share[k] > 0)
            rc = make_windows(p, &s->series, (enum series_part)k, &s->windows[k]);
    PS_TRY(ps_agree(run->comm, rc));
    ps_phase_count(run, "rows", run->rank ? 0 : s->series.rows);
    lstm_report_data(run, p->input, &s->series, s->windows);
    return PS_OK;
}

/** Local. */
static enum ps_status make_net(struct ps_run *run, const struct lstm_params *p, struct state *s)
{
    const struct lstm_shape shape = {p->layers, p->hidden, p->dropout};
    PS_TRY(lstm_model_make(s->kernels, &shape, &s->series, ps_train_init(&p->train),
                           (uint64_t)run->common->seed, &s->net));
    ps_net_summary(run, &s->net, "lstm");
    return PS_OK;
}

/** Collective. */
static enum ps_status train(struct ps_run *run, const struct lstm_params *p, struct state *s)
{
    char description[DESCRIPTION];
    const struct lstm_measure measure = {&s->series, p->loss == LSTM_LOSS_ABSOLUTE};
    const struct series_windows *valid = &s->windows[SERIES_VALID];
    struct ps_train_job job = {.params = &p->train,
                               .net = &s->net,
                               .describe = description,
                               .loss = measure.absolute ? PS_LOSS_ABSOLUTE : PS_LOSS_SQUARES,
                               .train = &s->windows[SERIES_TRAIN].source,
                               .valid = valid->n ? &valid->source : NULL,
                               .score = lstm_model_score(&measure),
                               .figures = lstm_model_figures,
                               .n_figures = LSTM_FIGURES,
                               .figure_name = lstm_figure_names,
                               .follow = LSTM_FIGURE_LOSS};
    lstm_params_describe(p, &s->series, description, sizeof description);
    return ps_train(run, &job, &s->trained);
}

/** Collective. */
static enum ps_status test(struct ps_run *run, const struct lstm_params *p, struct state *s)
{
    const struct series_windows *windows = &s->windows[SERIES_TEST];
    PS_TRY(lstm_forecast_make(run, &s->net, windows, s->trained.w, s->trained.prepared, &s->forecast));
    PS_TRY(lstm_forecast_errors(run->comm, &s->forecast, &s->error));
    lstm_report_errors(run, windows,
                       p->train.eval_only ? "given"
                       : p->train.best[0] ? "best"
                                          : "last",
                       s->error);
    ps_phase(run, "write");
    if (p->forecast[0]) PS_TRY(lstm_output_csv(run->comm, p->forecast, &s->forecast));
    if (p->plot[0]) PS_TRY(lstm_output_plot(run, p->plot, &s->forecast, p->plot_steps));
    return PS_OK;
}

static enum ps_status run_lstm(struct ps_run *run, const void *params)
{
    const struct lstm_params *p = params;
    struct state s = {.error = NULL};
    enum ps_status rc = PS_OK;
    if (p->plot[0]) PS_TRY(ps_png_try(run->comm, p->plot));
    PS_TRY(ps_train_kernels(run, &p->train, &s.device, &s.kernels));
    ps_phase(run, "read");
    PS_TRY_DONE(read_series(run, p, &s));
    PS_TRY_DONE(ps_agree(run->comm, make_net(run, p, &s)));
    ps_phase(run, "train");
    PS_TRY_DONE(train(run, p, &s));
    ps_phase(run, "test");
    PS_TRY_DONE(test(run, p, &s));
done:
    free(s.error);
    lstm_forecast_free(&s.forecast);
    ps_train_free(&s.trained);
    ps_net_free(&s.net);
    for (int k = 0; k < SERIES_PARTS; k++) series_windows_free(&s.windows[k]);
    series_close(&s.series);
    ps_device_close(&s.device);
    return rc;
}

int main(int argc, char **argv)
{
    const struct ps_program program = {
        .name = "lstm-train",
        .summary = "train an LSTM to forecast a time series, and compare it with simple forecasts",
        .synopsis = "[options] [parameters.par] series",
        .rows = lstm_rows,
        .nrows = lstm_nrows,
        .params_size = sizeof(struct lstm_params),
        .common = PS_HAS_CHECKPOINT | PS_HAS_BACKEND | PS_HAS_SEED | PS_HAS_GRAINS,
        .run = run_lstm,
    };
    return ps_main(argc, argv, &program);
}
