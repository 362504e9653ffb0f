/** How cuDNN computes a layer of LSTM for so many samples. */
#ifndef PS_NN_CU_LSTM_PLAN_H
#define PS_NN_CU_LSTM_PLAN_H

#include "kernels/nn/cu_dnn.h"

/** Matrices and biases of the gates: input's i f g o, then of hidden units; matrices, then biases. */
enum { PS_LSTM_PARTS = 16 };

/** Descriptors of a layer, and what they say. */
struct ps_lstm_plan {
    struct ps_lstm_plan *next;
    struct ps_nn_lstm l;
    int64_t n;
    bool half;                        /**< all arrays are bf16, else float */
    bool tf32;                        /**< products of floats may be rounded so */
    bool works;                       /**< else cuDNN computes no such layer */
    bool steps_first;                 /**< sequences are [steps][n][.], else [n][steps][.] */
    cudnnDropoutDescriptor_t dropout; /**< none: cuDNN wants to be told */
    cudnnRNNDescriptor_t rnn;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t state;
    size_t weights, work, reserve;    /**< bytes */
    size_t first_work, first_reserve; /**< of passes that are planned without a trial */
    int64_t part[PS_LSTM_PARTS];      /**< where parts of the weights begin, bytes */
};

/** The arrays of a pass, there, of the plan's type and order. */
struct ps_lstm_arrays {
    int32_t *steps;        /**< [n] */
    void *x, *y, *dx, *dy; /**< sequences */
    void *h, *c;           /**< state before the first step, [n][hidden]; NULL: 0 */
    void *h_end, *c_end;   /**< out, after the last; NULL: not wanted */
    void *weights, *dw;    /**< dw is added to */
    void *work, *reserve;  /**< reserve: what backward needs of forward */
};

/** The plan, found or made. @param trial algorithms are run, and the fastest is taken, or one that gives the
 * same bits each time where that is wanted; not while calls are recorded. @return NULL after a failure */
const struct ps_lstm_plan *ps_lstm_plan(const struct ps_nn_lstm *l, int64_t n, bool half, bool tf32,
                                        bool trial);

cudnnStatus_t ps_lstm_plan_forward(const struct ps_lstm_plan *p, const struct ps_lstm_arrays *a);
cudnnStatus_t ps_lstm_plan_backward(const struct ps_lstm_plan *p, const struct ps_lstm_arrays *a);

/** Give back all plans. */
void ps_lstm_plans_close(void);

#endif
