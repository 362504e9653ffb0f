#include "kernels/nn/cu_lstm_plan.h"
#include <stdlib.h>
#include "kernels/nn/cu_lstm_parts.h"
#include "kernels/nn/cu_timing.h"

enum { RUNS = 3 /* of an algorithm that is timed, after one that is not */ };

static struct ps_lstm_plan *plans;

/** Algorithms, the one that takes every layer first. Those that keep weights on the processors may want
 * sequences of steps. */
static const struct {
    cudnnRNNAlgo_t algorithm;
    bool steps_first;
} way[] = {{CUDNN_RNN_ALGO_STANDARD, false},
           {CUDNN_RNN_ALGO_PERSIST_STATIC, false},
           {CUDNN_RNN_ALGO_PERSIST_STATIC, true},
           {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, true},
           {CUDNN_RNN_ALGO_STANDARD, true}};
enum { WAYS = sizeof way / sizeof way[0] };

/** Of descriptors. */
static void forget(struct ps_lstm_plan *p)
{
    p->dropout = NULL;
    p->rnn = NULL;
    p->x = p->y = NULL;
    p->state = NULL;
}

static void destroy(struct ps_lstm_plan *p)
{
    if (p->rnn) cudnnDestroyRNNDescriptor(p->rnn);
    if (p->x) cudnnDestroyRNNDataDescriptor(p->x);
    if (p->y) cudnnDestroyRNNDataDescriptor(p->y);
    if (p->state) cudnnDestroyTensorDescriptor(p->state);
    if (p->dropout) cudnnDestroyDropoutDescriptor(p->dropout);
    forget(p);
}

#define TRY(call)                                            \
    do {                                                     \
        const cudnnStatus_t status_ = (call);                \
        if (status_ != CUDNN_STATUS_SUCCESS) return status_; \
    } while (0)

static cudnnStatus_t sequence(const struct ps_lstm_plan *p, int64_t features, cudnnRNNDataDescriptor_t *out)
{
    int *const steps = (int *)malloc((size_t)p->n * sizeof *steps);
    if (!steps) return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    for (int64_t i = 0; i < p->n; i++) steps[i] = (int)p->l.steps;
    cudnnStatus_t rc = cudnnCreateRNNDataDescriptor(out);
    if (rc == CUDNN_STATUS_SUCCESS)
        rc = cudnnSetRNNDataDescriptor(*out, p->half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT,
                                       p->steps_first ? CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED
                                                      : CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED,
                                       (int)p->l.steps, (int)p->n, (int)features, steps, NULL);
    free(steps);
    return rc;
}

/** Where parts of the weights are. */
static cudnnStatus_t find_parts(struct ps_lstm_plan *p)
{
    enum { GATES = PS_LSTM_PARTS / 2 };
    char *const base = (char *)4096; /* only distances count */
    cudnnTensorDescriptor_t matrix = NULL, bias = NULL;
    cudnnStatus_t rc = cudnnCreateTensorDescriptor(&matrix);
    if (rc == CUDNN_STATUS_SUCCESS) rc = cudnnCreateTensorDescriptor(&bias);
    for (int gate = 0; rc == CUDNN_STATUS_SUCCESS && gate < GATES; gate++) {
        void *w = NULL, *b = NULL;
        rc = cudnnGetRNNWeightParams(ps_dnn(), p->rnn, 0, p->weights, base, gate, matrix, &w, bias, &b);
        if (rc == CUDNN_STATUS_SUCCESS && (!w || !b)) rc = CUDNN_STATUS_NOT_SUPPORTED;
        p->part[gate] = (char *)w - base;
        p->part[GATES + gate] = (char *)b - base;
    }
    if (matrix) cudnnDestroyTensorDescriptor(matrix);
    if (bias) cudnnDestroyTensorDescriptor(bias);
    return rc;
}

/** Descriptors of a layer that is computed in one of the ways. */
static cudnnStatus_t describe(struct ps_lstm_plan *p, int at)
{
    const cudnnDataType_t type = p->half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const cudnnMathType_t math = p->half   ? CUDNN_TENSOR_OP_MATH
                                 : p->tf32 ? CUDNN_DEFAULT_MATH
                                           : CUDNN_FMA_MATH;
    const int hidden = (int)p->l.hidden, size[] = {1, (int)p->n, hidden},
              step[] = {(int)p->n * hidden, hidden, 1};
    p->steps_first = way[at].steps_first;
    TRY(cudnnCreateDropoutDescriptor(&p->dropout));
    TRY(cudnnSetDropoutDescriptor(p->dropout, ps_dnn(), 0, NULL, 0, 0));
    TRY(cudnnCreateRNNDescriptor(&p->rnn));
    TRY(cudnnSetRNNDescriptor_v8(
        p->rnn, way[at].algorithm, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL,
        CUDNN_LINEAR_INPUT, type, CUDNN_DATA_FLOAT, math, (int)p->l.in, hidden, hidden, 1, p->dropout,
        p->steps_first ? CUDNN_RNN_PADDED_IO_DISABLED : CUDNN_RNN_PADDED_IO_ENABLED));
    TRY(sequence(p, p->l.in, &p->x));
    TRY(sequence(p, hidden, &p->y));
    TRY(cudnnCreateTensorDescriptor(&p->state));
    TRY(cudnnSetTensorNdDescriptor(p->state, type, 3, size, step));
    TRY(cudnnGetRNNWeightSpaceSize(ps_dnn(), p->rnn, &p->weights));
    TRY(cudnnGetRNNTempSpaceSizes(ps_dnn(), p->rnn, CUDNN_FWD_MODE_TRAINING, p->x, &p->work, &p->reserve));
    return find_parts(p);
}

cudnnStatus_t ps_lstm_plan_forward(const struct ps_lstm_plan *p, const struct ps_lstm_arrays *a)
{
    return cudnnRNNForward(ps_dnn(), p->rnn, CUDNN_FWD_MODE_TRAINING, a->steps, p->x, a->x, p->y, a->y,
                           p->state, a->h, a->h_end, p->state, a->c, a->c_end, p->weights, a->weights,
                           p->work, a->work, p->reserve, a->reserve);
}

cudnnStatus_t ps_lstm_plan_backward(const struct ps_lstm_plan *p, const struct ps_lstm_arrays *a)
{
    TRY(cudnnRNNBackwardData_v8(ps_dnn(), p->rnn, a->steps, p->y, a->y, a->dy, p->x, a->dx, p->state, a->h,
                                NULL, NULL, p->state, a->c, NULL, NULL, p->weights, a->weights, p->work,
                                a->work, p->reserve, a->reserve));
    return cudnnRNNBackwardWeights_v8(ps_dnn(), p->rnn, CUDNN_WGRAD_MODE_ADD, a->steps, p->x, a->x, p->state,
                                      a->h, p->y, a->y, p->weights, a->dw, p->work, a->work, p->reserve,
                                      a->reserve);
}

static int64_t lines(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/** A pass forward and backward, on zeros. */
static cudnnStatus_t pass(const struct ps_lstm_plan *p, const struct ps_lstm_arrays *a)
{
    TRY(ps_lstm_plan_forward(p, a));
    return ps_lstm_plan_backward(p, a);
}

/** @param ms out: time of some passes; 0 where memory is too short to try @return false: it cannot be
 * computed so */
static bool tried(const struct ps_lstm_plan *p, float *ms)
{
    const int64_t real = p->half ? 2 : 4, x = lines(p->n * p->l.steps * p->l.in * real),
                  y = lines(p->n * p->l.steps * p->l.hidden * real), w = lines((int64_t)p->weights),
                  steps = lines(p->n * (int64_t)sizeof(int32_t)), work = lines((int64_t)p->work);
    char *const memory = (char *)ps_trial_memory(steps + 2 * (x + y + w) + work + (int64_t)p->reserve + 256),
                *at = memory + steps;
    *ms = 0;
    if (!memory) return true;
    struct ps_lstm_arrays a = {};
    a.steps = (int32_t *)memory;
    a.x = at, a.y = at + x, a.dx = at + x + y, a.dy = at + x + y + x, at += 2 * (x + y);
    a.weights = at, a.dw = at + w, a.work = at + 2 * w, a.reserve = at + 2 * w + work;
    ps_lstm_lengths_cu(p->n, p->l.steps, a.steps);
    bool works = pass(p, &a) == CUDNN_STATUS_SUCCESS;
    struct ps_timing t = ps_timing_begin();
    for (int i = 0; works && i < RUNS; i++) works = pass(p, &a) == CUDNN_STATUS_SUCCESS;
    *ms = ps_timing_end(&t);
    ps_trial_free(memory);
    return works;
}

/** Do parts of the weights lie as in the other plan? All plans of a layer read the same weights. */
static bool same_parts(const struct ps_lstm_plan *p, const struct ps_lstm_plan *q)
{
    bool same = p->weights == q->weights;
    for (int i = 0; i < PS_LSTM_PARTS; i++) same = same && p->part[i] == q->part[i];
    return same;
}

/** The fastest way instead of the first, if there is a faster one. */
static void choose(struct ps_lstm_plan *p, float least)
{
    for (int at = 1; at < WAYS; at++) {
        struct ps_lstm_plan other = *p;
        float ms = 0;
        forget(&other);
        if (describe(&other, at) == CUDNN_STATUS_SUCCESS && same_parts(p, &other) && tried(&other, &ms) &&
            ms < least) {
            const struct ps_lstm_plan was = *p;
            *p = other;
            other = was;
            least = ms;
        }
        destroy(&other);
    }
}

const struct ps_lstm_plan *ps_lstm_plan(const struct ps_nn_lstm *l, int64_t n, bool half, bool tf32,
                                        bool trial)
{
    for (struct ps_lstm_plan *p = plans; p; p = p->next)
        if (p->n == n && p->l.steps == l->steps && p->l.in == l->in && p->l.hidden == l->hidden &&
            p->half == half && p->tf32 == tf32)
            return p;
    struct ps_lstm_plan *p = ps_cuda_good() ? (struct ps_lstm_plan *)calloc(1, sizeof *p) : NULL;
    if (!p) ps_cuda_fail(PS_ENOMEM, "a plan of an LSTM", "out of memory");
    if (!p) return NULL;
    p->next = plans;
    p->l = *l;
    p->n = n;
    p->half = half;
    p->tf32 = tf32;
    plans = p;
    float ms = 0;
    p->works = describe(p, 0) == CUDNN_STATUS_SUCCESS && (!trial || tried(p, &ms));
    p->first_work = p->work;
    p->first_reserve = p->reserve;
    if (p->works && trial && !ps_cuda_exact()) choose(p, ms);
    return p;
}

void ps_lstm_plans_close(void)
{
    while (plans) {
        struct ps_lstm_plan *const p = plans;
        plans = p->next;
        destroy(p);
        free(p);
    }
}
