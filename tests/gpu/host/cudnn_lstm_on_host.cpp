#include <cudnn_on_host.h>
#include <vector>
#include "rounding_on_host.h"

struct ps_host_tensor {
    bool half;
    int size[3], step[3];
};

struct ps_host_dropout {
    bool none; /* it was told so */
};

struct ps_host_sequence {
    bool half, steps_first;
    int64_t steps, n, features;
};

struct ps_host_rnn {
    cudnnRNNAlgo_t algorithm;
    cudnnMathType_t math;
    bool half, padded;
    int64_t in, hidden;
};

enum { GATES = 4, PARTS = 2 * GATES, WORK = 1 << 12 };

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *out)
{
    *out = new ps_host_tensor();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor)
{
    delete tensor;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type, int dimensions,
                                         const int *size, const int *step)
{
    if (dimensions != 3) return CUDNN_STATUS_BAD_PARAM;
    tensor->half = type == CUDNN_DATA_BFLOAT16;
    memcpy(tensor->size, size, sizeof tensor->size);
    memcpy(tensor->step, step, sizeof tensor->step);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t *out)
{
    *out = new ps_host_dropout();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t dropout)
{
    delete dropout;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t dropout, cudnnHandle_t handle, float rate,
                                        void *, size_t, unsigned long long)
{
    if (!handle || rate != 0) return CUDNN_STATUS_BAD_PARAM;
    dropout->none = true;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t *out)
{
    *out = new ps_host_rnn();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnn)
{
    delete rnn;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm, cudnnRNNMode_t,
                                       cudnnRNNBiasMode_t, cudnnDirectionMode_t, cudnnRNNInputMode_t,
                                       cudnnDataType_t type, cudnnDataType_t sums, cudnnMathType_t math,
                                       int32_t in, int32_t hidden, int32_t projected, int32_t layers,
                                       cudnnDropoutDescriptor_t dropout, uint32_t flags)
{
    const bool half = type == CUDNN_DATA_BFLOAT16;
    if (sums != CUDNN_DATA_FLOAT || in < 1 || hidden < 1 || projected != hidden || layers != 1 || !dropout ||
        !dropout->none || (half && math == CUDNN_FMA_MATH))
        return CUDNN_STATUS_BAD_PARAM;
    *rnn = {algorithm, math, half, flags == CUDNN_RNN_PADDED_IO_ENABLED, in, hidden};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t *out)
{
    *out = new ps_host_sequence();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t data)
{
    delete data;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int steps, int n, int features,
                                        const int *length, void *)
{
    if (steps < 1 || n < 1 || features < 1) return CUDNN_STATUS_BAD_PARAM;
    for (int i = 0; i < n; i++)
        if (length[i] != steps) return CUDNN_STATUS_NOT_SUPPORTED;
    *data = {type == CUDNN_DATA_BFLOAT16, layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED, steps, n,
             features};
    return CUDNN_STATUS_SUCCESS;
}

/* --- where weights are: each part at a multiple of 64 bytes, a gate's biases behind its matrix --- */

static int64_t lines(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int64_t real(const ps_host_rnn *r)
{
    return r->half ? sizeof(ps_half) : sizeof(float);
}

static int64_t matrix_at(const ps_host_rnn *r, int gate)
{
    int64_t at = 0;
    for (int g = 0; g < gate; g++)
        at += lines(r->hidden * (g < GATES ? r->in : r->hidden) * real(r)) + lines(r->hidden * real(r));
    return at;
}

static int64_t bias_at(const ps_host_rnn *r, int gate)
{
    return matrix_at(r, gate) + lines(r->hidden * (gate < GATES ? r->in : r->hidden) * real(r));
}

/** Element of a gate's row of the matrices, or its bias. */
static int64_t weight(const ps_host_rnn *r, int gate, int64_t row, int64_t k)
{
    return matrix_at(r, gate) / real(r) + row * (gate < GATES ? r->in : r->hidden) + k;
}

static int64_t bias(const ps_host_rnn *r, int gate, int64_t row)
{
    return bias_at(r, gate) / real(r) + row;
}

/** Kept of each step and sample: gates, c, and in the backward pass gradients of what is summed. */
static size_t reserve_of(const ps_host_rnn *r, const ps_host_sequence *x)
{
    return (size_t)(x->n * x->steps * r->hidden * (2 * GATES + 1)) * sizeof(float);
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, size_t *bytes)
{
    *bytes = (size_t)matrix_at(rnn, PARTS);
    return handle ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t,
                                        cudnnRNNDataDescriptor_t x, size_t *work, size_t *reserve)
{
    *work = WORK;
    *reserve = reserve_of(rnn, x);
    return handle ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, int32_t layer,
                                      size_t bytes, const void *weights, int32_t gate,
                                      cudnnTensorDescriptor_t, void **w, cudnnTensorDescriptor_t, void **b)
{
    if (!handle || layer != 0 || gate < 0 || gate >= PARTS || (int64_t)bytes != matrix_at(rnn, PARTS))
        return CUDNN_STATUS_BAD_PARAM;
    *w = (char *)weights + matrix_at(rnn, gate);
    *b = (char *)weights + bias_at(rnn, gate);
    return CUDNN_STATUS_SUCCESS;
}

/* --- passes --- */

struct pass {
    ps_host_rnn r;
    ps_host_sequence x_of;
    const int32_t *length;
    const void *x, *y, *dy, *h, *c;
    void *out, *dx, *h_end, *c_end, *dweights;
    const void *weights;
    char *work;
    float *kept;
};

static int64_t row_of(const pass *p, int64_t i, int64_t t)
{
    return p->x_of.steps_first ? t * p->x_of.n + i : i * p->x_of.steps + t;
}

static float *kept_of(const pass *p, int64_t i, int64_t t)
{
    return p->kept + (i * p->x_of.steps + t) * p->r.hidden * (2 * GATES + 1);
}

static double get(const pass *p, const void *x, int64_t i)
{
    return x ? ps_host_get(x, i, p->r.half) : 0;
}

/** An operand of a product. */
static double operand(const pass *p, double v)
{
    return ps_host_operand(v, !p->r.half && p->r.math != CUDNN_FMA_MATH);
}

/** h of the step before. */
static double before(const pass *p, const void *y, int64_t i, int64_t t, int64_t k)
{
    return t > 0 ? get(p, y, row_of(p, i, t - 1) * p->r.hidden + k) : get(p, p->h, i * p->r.hidden + k);
}

static double cell_before(const pass *p, int64_t i, int64_t t, int64_t k)
{
    const int64_t h = p->r.hidden;
    return t > 0 ? kept_of(p, i, t - 1)[GATES * h + k] : get(p, p->c, i * h + k);
}

static double sum_of(const pass *p, int64_t i, int64_t t, int gate, int64_t row)
{
    const ps_host_rnn *const r = &p->r;
    double z = get(p, p->weights, bias(r, gate, row)) + get(p, p->weights, bias(r, GATES + gate, row));
    for (int64_t k = 0; k < r->in; k++)
        z += operand(p, get(p, p->weights, weight(r, gate, row, k))) *
             operand(p, get(p, p->x, row_of(p, i, t) * r->in + k));
    for (int64_t k = 0; k < r->hidden; k++)
        z += operand(p, get(p, p->weights, weight(r, GATES + gate, row, k))) *
             operand(p, before(p, p->out, i, t, k));
    return gate == 2 ? tanh(z) : 1 / (1 + exp(-z));
}

static void step_forward(const pass *p, int64_t i, int64_t t)
{
    const int64_t h = p->r.hidden;
    float *const kept = kept_of(p, i, t);
    for (int gate = 0; gate < GATES; gate++)
        for (int64_t k = 0; k < h; k++) kept[gate * h + k] = (float)sum_of(p, i, t, gate, k);
    for (int64_t k = 0; k < h; k++) {
        const double c = kept[h + k] * cell_before(p, i, t, k) + (double)kept[k] * kept[2 * h + k];
        const double y = kept[3 * h + k] * tanh(c);
        kept[GATES * h + k] = (float)c;
        ps_host_put(p->out, row_of(p, i, t) * h + k, p->r.half, y);
        if (t + 1 < p->x_of.steps) continue;
        if (p->h_end) ps_host_put(p->h_end, i * h + k, p->r.half, y);
        if (p->c_end) ps_host_put(p->c_end, i * h + k, p->r.half, c);
    }
}

static bool lengths_told(const pass *p)
{
    for (int64_t i = 0; i < p->x_of.n; i++)
        if (p->length[i] != p->x_of.steps) return false;
    return true;
}

static void forward(const pass *p)
{
    memset(p->work, 0xff, WORK);
    for (int64_t i = 0; lengths_told(p) && i < p->x_of.n; i++)
        for (int64_t t = 0; t < p->x_of.steps; t++) step_forward(p, i, t);
}

/** Gradients of sums of a step, and of h and c of the step before. */
static void step_backward(const pass *p, int64_t i, int64_t t, std::vector<double> &dh,
                          std::vector<double> &dc)
{
    const ps_host_rnn *const r = &p->r;
    const int64_t h = r->hidden;
    float *const kept = kept_of(p, i, t), *const dz = kept + (GATES + 1) * h;
    for (int64_t k = 0; k < h; k++) {
        const double in = kept[k], forget = kept[h + k], g = kept[2 * h + k], out = kept[3 * h + k];
        const double tc = tanh(kept[GATES * h + k]),
                     d = dh[(size_t)k] + get(p, p->dy, row_of(p, i, t) * h + k);
        const double dcell = dc[(size_t)k] + d * out * (1 - tc * tc);
        dz[k] = (float)(dcell * g * in * (1 - in));
        dz[h + k] = (float)(dcell * cell_before(p, i, t, k) * forget * (1 - forget));
        dz[2 * h + k] = (float)(dcell * in * (1 - g * g));
        dz[3 * h + k] = (float)(d * tc * out * (1 - out));
        dc[(size_t)k] = dcell * forget;
        dh[(size_t)k] = 0;
    }
    std::vector<double> dx((size_t)r->in, 0);
    for (int gate = 0; gate < GATES; gate++)
        for (int64_t row = 0; row < h; row++) {
            const double d = operand(p, dz[gate * h + row]);
            for (int64_t k = 0; k < r->in; k++)
                dx[(size_t)k] += d * operand(p, get(p, p->weights, weight(r, gate, row, k)));
            for (int64_t k = 0; k < h; k++)
                dh[(size_t)k] += d * operand(p, get(p, p->weights, weight(r, GATES + gate, row, k)));
        }
    for (int64_t k = 0; k < r->in; k++)
        ps_host_put(p->dx, row_of(p, i, t) * r->in + k, r->half, dx[(size_t)k]);
}

static void backward(const pass *p)
{
    memset(p->work, 0xff, WORK);
    for (int64_t i = 0; lengths_told(p) && i < p->x_of.n; i++) {
        std::vector<double> dh((size_t)p->r.hidden, 0), dc((size_t)p->r.hidden, 0);
        for (int64_t t = p->x_of.steps; t-- > 0;) step_backward(p, i, t, dh, dc);
    }
}

static void weights_backward(const pass *p)
{
    const ps_host_rnn *const r = &p->r;
    std::vector<double> sum((size_t)(matrix_at(r, PARTS) / real(r)), 0);
    for (int64_t i = 0; i < p->x_of.n; i++)
        for (int64_t t = 0; t < p->x_of.steps; t++)
            for (int gate = 0; gate < PARTS; gate++)
                for (int64_t row = 0; row < r->hidden; row++) {
                    const double d = kept_of(p, i, t)[(GATES + 1 + gate % GATES) * r->hidden + row];
                    const int64_t width = gate < GATES ? r->in : r->hidden;
                    for (int64_t k = 0; k < width; k++)
                        sum[(size_t)weight(r, gate, row, k)] +=
                            operand(p, d) * operand(p, gate < GATES
                                                           ? get(p, p->x, row_of(p, i, t) * r->in + k)
                                                           : before(p, p->y, i, t, k));
                    sum[(size_t)bias(r, gate, row)] += d;
                }
    for (size_t k = 0; k < sum.size(); k++)
        ps_host_put(p->dweights, (int64_t)k, r->half, get(p, p->dweights, (int64_t)k) + sum[k]);
}

/** What all passes want. */
static cudnnStatus_t check(const pass *p, cudnnRNNDataDescriptor_t y_of, const ps_host_tensor *h_of,
                           size_t weight_bytes, size_t work_bytes, size_t reserve_bytes)
{
    const ps_host_rnn *const r = &p->r;
    const ps_host_sequence *const x = &p->x_of;
    const int want[] = {1, (int)x->n, (int)r->hidden};
    if (x->features != r->in || y_of->features != r->hidden || x->n != y_of->n || x->steps != y_of->steps ||
        x->steps_first != y_of->steps_first || x->half != r->half || y_of->half != r->half ||
        h_of->half != r->half || memcmp(h_of->size, want, sizeof want) != 0 || h_of->step[1] != r->hidden ||
        h_of->step[2] != 1 || (int64_t)weight_bytes != matrix_at(r, PARTS) || work_bytes < WORK ||
        reserve_bytes < reserve_of(r, x) || !p->length || !p->x || !p->work || !p->kept ||
        (!x->steps_first && !r->padded))
        return CUDNN_STATUS_BAD_PARAM;
    const bool persists = r->algorithm != CUDNN_RNN_ALGO_STANDARD;
    if ((persists && !x->steps_first) ||
        (r->algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H && r->hidden > 8))
        return CUDNN_STATUS_NOT_SUPPORTED;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t,
                              const int32_t *length, cudnnRNNDataDescriptor_t x_of, const void *x,
                              cudnnRNNDataDescriptor_t y_of, void *y, cudnnTensorDescriptor_t h_of,
                              const void *h, void *h_end, cudnnTensorDescriptor_t c_of, const void *c,
                              void *c_end, size_t weight_bytes, const void *weights, size_t work_bytes,
                              void *work, size_t reserve_bytes, void *reserve)
{
    pass p = {};
    p.r = *rnn, p.x_of = *x_of, p.length = length;
    p.x = x, p.out = y, p.h = h, p.h_end = h_end, p.c = c, p.c_end = c_end;
    p.weights = weights, p.work = (char *)work, p.kept = (float *)reserve;
    const cudnnStatus_t rc = check(&p, y_of, h_of, weight_bytes, work_bytes, reserve_bytes);
    if (rc != CUDNN_STATUS_SUCCESS || !y || !weights || c_of != h_of) return rc ? rc : CUDNN_STATUS_BAD_PARAM;
    return ps_host_dnn_enqueue(handle, [p] { forward(&p); });
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t *length,
                                      cudnnRNNDataDescriptor_t y_of, const void *y, const void *dy,
                                      cudnnRNNDataDescriptor_t x_of, void *dx, cudnnTensorDescriptor_t h_of,
                                      const void *h, const void *dh_end, void *dh,
                                      cudnnTensorDescriptor_t c_of, const void *c, const void *dc_end,
                                      void *dc, size_t weight_bytes, const void *weights, size_t work_bytes,
                                      void *work, size_t reserve_bytes, void *reserve)
{
    pass p = {};
    p.r = *rnn, p.x_of = *x_of, p.length = length;
    p.x = y, p.dy = dy, p.dx = dx, p.h = h, p.c = c;
    p.weights = weights, p.work = (char *)work, p.kept = (float *)reserve;
    const cudnnStatus_t rc = check(&p, y_of, h_of, weight_bytes, work_bytes, reserve_bytes);
    if (rc != CUDNN_STATUS_SUCCESS || !dy || !dx || !weights || c_of != h_of || dh_end || dc_end || dh || dc)
        return rc ? rc : CUDNN_STATUS_BAD_PARAM;
    return ps_host_dnn_enqueue(handle, [p] { backward(&p); });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t,
                                         const int32_t *length, cudnnRNNDataDescriptor_t x_of, const void *x,
                                         cudnnTensorDescriptor_t h_of, const void *h,
                                         cudnnRNNDataDescriptor_t y_of, const void *y, size_t weight_bytes,
                                         void *dweights, size_t work_bytes, void *work, size_t reserve_bytes,
                                         void *reserve)
{
    pass p = {};
    p.r = *rnn, p.x_of = *x_of, p.length = length;
    p.x = x, p.y = y, p.h = h, p.dweights = dweights, p.work = (char *)work, p.kept = (float *)reserve;
    const cudnnStatus_t rc = check(&p, y_of, h_of, weight_bytes, work_bytes, reserve_bytes);
    if (rc != CUDNN_STATUS_SUCCESS || !y || !dweights) return rc ? rc : CUDNN_STATUS_BAD_PARAM;
    return ps_host_dnn_enqueue(handle, [p] { weights_backward(&p); });
}
