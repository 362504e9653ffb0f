/** Arrays of LSTM layers between their form in nets and that of cuDNN, which are bf16 or float. */
#ifndef PS_NN_CU_LSTM_PARTS_H
#define PS_NN_CU_LSTM_PARTS_H

#include "kernels/nn/cu_lstm_plan.h"

/** The length of all sequences, [n]. */
void ps_lstm_lengths_cu(int64_t n, int64_t steps, int32_t *out);

/** Weights of a layer to where cuDNN wants them, and their gradients back. */
void ps_lstm_weights_in_cu(const struct ps_lstm_plan *p, const float *w, void *to);
void ps_lstm_weights_out_cu(const struct ps_lstm_plan *p, const void *from, float *dw, bool add);

/** Sequences [n][steps][features] to the plan's order and type, and back. */
void ps_lstm_sequence_in_cu(const struct ps_lstm_plan *p, int64_t features, const float *x, void *to);
void ps_lstm_sequence_out_cu(const struct ps_lstm_plan *p, int64_t features, const void *from, float *x,
                             bool add);

/** States [n][2 hidden] to h and c, [n][hidden] each, and back. */
void ps_lstm_state_in_cu(const struct ps_lstm_plan *p, const float *state, void *h, void *c);
void ps_lstm_state_out_cu(const struct ps_lstm_plan *p, const void *h, const void *c, float *state);

#endif
