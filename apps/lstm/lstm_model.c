#include "apps/lstm/lstm_model.h"

#include <math.h>

const char *const lstm_figure_names[LSTM_FIGURES] = {"val_loss", "val_mae"};

enum ps_status lstm_model_make(const struct ps_nn_kernels *kernels, const struct lstm_shape *shape,
                               const struct series *s, enum ps_init init, uint64_t seed, struct ps_net *out)
{
    int at = 0;
    ps_net_begin(out, kernels, (struct ps_shape){s->plan.window, 1, s->inputs, true}, init, seed);
    for (int layer = 0; layer < shape->layers; layer++) {
        if (layer && shape->dropout > 0) at = ps_net_dropout(out, at, shape->dropout);
        at = ps_net_lstm(out, at, "lstm", layer, shape->hidden);
    }
    at = ps_net_last_step(out, at);
    if (shape->dropout > 0) at = ps_net_dropout(out, at, shape->dropout);
    ps_net_dense(out, at, "head", s->plan.horizon * s->targets, PS_NN_LINEAR);
    return ps_net_end(out);
}

static void add(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                const void *target, double *sum)
{
    const struct lstm_measure *m = context;
    const struct series *s = m->series;
    const float *y = ps_net_output(work, work->net->nodes - 1), *truth = target;
    int64_t outputs = s->plan.horizon * s->targets;
    for (int64_t i = 0; i < batch->n; i++) {
        double loss = 0, amounts = 0;
        for (int64_t j = 0; j < outputs; j++, y++, truth++) {
            double d = (double)*y - (double)*truth;
            loss += m->absolute ? fabs(d) : d * d;
            amounts += fabs(d) * s->scale[j % s->targets];
        }
        sum[LSTM_FIGURE_LOSS] += loss / (double)outputs;
        sum[LSTM_FIGURE_MAE] += amounts / (double)outputs;
    }
}

struct ps_score lstm_model_score(const struct lstm_measure *m)
{
    return (struct ps_score){.sums = LSTM_FIGURES, .add = add, .context = (void *)m};
}

void lstm_model_figures(const double *sum, int64_t n, double *figure)
{
    for (int f = 0; f < LSTM_FIGURES; f++) figure[f] = sum[f] / (double)n;
}
