#include "apps/lstm/lstm_forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/exactsum.h"

const char *const lstm_method_names[LSTM_METHODS] = {"lstm", "persistence", "seasonal"};

static int64_t outputs(const struct series *s)
{
    return s->plan.horizon * s->targets;
}

/** Keep the outputs of a micro-batch. */
static void keep(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                 const void *target, double *sum)
{
    struct lstm_forecast *f = context;
    const float *y = ps_net_output(work, work->net->nodes - 1);
    int64_t n = outputs(f->windows->series);
    (void)target;
    for (int64_t i = 0; i < batch->n; i++)
        memcpy(f->output + (batch->sample[i] - f->mine.lo) * n, y + i * n, (size_t)n * sizeof *y);
    for (int64_t i = 0; i < batch->n * n; i++) sum[0] += !isfinite(y[i]);
}

enum ps_status lstm_forecast_make(struct ps_run *run, const struct ps_net *net,
                                  const struct series_windows *windows, const float *w, const float *prepared,
                                  struct lstm_forecast *out)
{
    *out = (struct lstm_forecast){.windows = windows,
                                  .mine = ps_evaluate_mine(run, windows->n, PS_EVALUATE_CHUNK)};
    struct ps_score score = {.sums = 1, .add = keep, .context = out};
    double bad;
    enum ps_status rc = ps_alloc(&out->output, (out->mine.hi - out->mine.lo) * outputs(windows->series),
                                 sizeof *out->output, "the forecasts");
    rc = ps_agree(run->comm, rc);
    if (rc == PS_OK)
        rc = ps_evaluate(run, net, &windows->source, PS_EVALUATE_CHUNK, PS_TARGET_VALUES, w, prepared, &score,
                         &bad);
    if (rc == PS_OK && bad > 0)
        rc = ps_fail(PS_EINPUT, "%.0f forecasts are not finite; are these the weights of another net?", bad);
    if (rc != PS_OK) lstm_forecast_free(out);
    return rc;
}

void lstm_forecast_free(struct lstm_forecast *f)
{
    free(f->output);
    f->output = NULL;
}

double lstm_forecast_value(const struct lstm_forecast *f, enum lstm_method method, int64_t i, int64_t step,
                           int target)
{
    const struct series *s = f->windows->series;
    int64_t origin = series_windows_origin(f->windows, f->mine.lo + i);
    if (method == LSTM_PERSISTENCE) return series_last(s, origin, target);
    if (method == LSTM_SEASONAL) return series_seasonal(s, origin, step, target);
    double y = (double)f->output[i * outputs(s) + (step - 1) * s->targets + target];
    return series_base(s, origin, step, target) + s->scale[target] * y;
}

enum { AMOUNT, SQUARE, SHARE, SUMS };

/** Sums over own windows of one method, target and step. @param out [SUMS] */
static void add_up(const struct lstm_forecast *f, enum lstm_method method, int64_t step, int target,
                   struct ps_exact *out)
{
    const struct series *s = f->windows->series;
    for (int64_t i = 0; i < f->mine.hi - f->mine.lo; i++) {
        int64_t row = series_windows_origin(f->windows, f->mine.lo + i) + step;
        double truth = s->y[row * s->targets + target], y = lstm_forecast_value(f, method, i, step, target);
        double d = fabs(y - truth), size = fabs(y) + fabs(truth);
        ps_exact_add(&out[AMOUNT], d);
        ps_exact_add(&out[SQUARE], d * d);
        ps_exact_add(&out[SHARE], size > 0 ? 200 * d / size : 0);
    }
}

/** Means of the steps, and of all of them. @param e [horizon + 1] @param sum [horizon][SUMS] */
static void means(const struct series *s, int target, double n, const struct ps_exact *sum,
                  struct lstm_error *e)
{
    double naive = s->naive[target], steps = (double)s->plan.horizon, square = 0;
    e[0] = (struct lstm_error){.mae = 0};
    for (int64_t h = 0; h < s->plan.horizon; h++, sum += SUMS) {
        double mae = ps_exact_value(&sum[AMOUNT]) / n, mean_square = ps_exact_value(&sum[SQUARE]) / n;
        double smape = ps_exact_value(&sum[SHARE]) / n;
        e[h + 1] = (struct lstm_error){mae, sqrt(mean_square), smape, naive > 0 ? mae / naive : NAN};
        e[0].mae += mae / steps;
        e[0].smape += smape / steps;
        square += mean_square / steps;
    }
    e[0].rmse = sqrt(square);
    e[0].mase = naive > 0 ? e[0].mae / naive : NAN;
}

enum ps_status lstm_forecast_errors(MPI_Comm comm, const struct lstm_forecast *f, struct lstm_error **out)
{
    const struct series *s = f->windows->series;
    struct ps_exact *sum = NULL;
    int64_t n = outputs(s), cells = LSTM_METHODS * n;
    *out = NULL;
    enum ps_status rc = ps_zalloc(&sum, cells * SUMS, sizeof *sum, "sums of errors");
    if (rc == PS_OK) rc = ps_alloc(out, lstm_error_at(s, LSTM_METHODS, 0, 0), sizeof **out, "the errors");
    PS_TRY_DONE(ps_agree(comm, rc));
#pragma omp parallel for schedule(dynamic)
    for (int64_t c = 0; c < cells; c++) /* [method][target][step] */
        add_up(f, (enum lstm_method)(c / n), c % s->plan.horizon + 1, (int)(c % n / s->plan.horizon),
               sum + c * SUMS);
    for (int64_t c = 0; c < cells; c += s->plan.horizon) {
        PS_TRY_DONE(ps_exact_reduce(comm, sum + c * SUMS, (int)(s->plan.horizon * SUMS)));
        enum lstm_method method = (enum lstm_method)(c / n);
        int target = (int)(c % n / s->plan.horizon);
        means(s, target, (double)f->windows->n, sum + c * SUMS, *out + lstm_error_at(s, method, target, 0));
    }
done:
    free(sum);
    if (rc != PS_OK) free(*out), *out = NULL;
    return rc;
}
