/** The net of lstm-train, and what its outputs are measured by while it is trained. */
#ifndef LSTM_MODEL_H
#define LSTM_MODEL_H

#include "apps/lstm/series_windows.h"
#include "common/nn/evaluate.h"

struct lstm_shape {
    int layers;
    int64_t hidden;
    double dropout; /**< between LSTM layers, and before the dense one */
};

/** LSTM layers over the window (`lstm.weight_ih_l0` ... as torch.nn.LSTM calls them), of whose last step a
 * dense layer (`head`) makes all steps ahead of all targets at once. The window
 * begins with the state that the batch has, or zero. Local.
 * @return as ps_net_end */
enum ps_status lstm_model_make(const struct ps_nn_kernels *kernels, const struct lstm_shape *shape,
                               const struct series *s, enum ps_init init, uint64_t seed, struct ps_net *out);

/** What validation needs to know. */
struct lstm_measure {
    const struct series *series; /**< borrowed */
    bool absolute;               /**< the loss is of absolute errors, or else of squared ones */
};

/** Sums over windows for two figures: the loss of the outputs, and the mean absolute error in units of the
 * data. `m` is borrowed. Local. */
struct ps_score lstm_model_score(const struct lstm_measure *m);

enum { LSTM_FIGURE_LOSS, LSTM_FIGURE_MAE, LSTM_FIGURES };
extern const char *const lstm_figure_names[LSTM_FIGURES];

/** Figures from those sums. */
void lstm_model_figures(const double *sum, int64_t n, double *figure);

#endif
