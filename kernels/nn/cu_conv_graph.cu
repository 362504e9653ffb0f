#include "kernels/nn/cu_conv_graph.h"

/** A graph that is being made: after the first call that fails nothing is. */
struct making {
    struct ps_conv_graph *graph;
    cudnnStatus_t status;
    cudnnBackendDescriptor_t made;
};

static void begin(struct making *m, cudnnBackendDescriptorType_t type)
{
    m->made = NULL;
    if (m->status == CUDNN_STATUS_SUCCESS) m->status = cudnnBackendCreateDescriptor(type, &m->made);
    if (m->made) m->graph->part[m->graph->parts++] = m->made;
}

static void set(struct making *m, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                int64_t count, const void *values)
{
    if (m->status == CUDNN_STATUS_SUCCESS)
        m->status = cudnnBackendSetAttribute(m->made, name, type, count, values);
}

static void set_part(struct making *m, cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t part)
{
    set(m, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

static cudnnBackendDescriptor_t end(struct making *m)
{
    if (m->status == CUDNN_STATUS_SUCCESS) m->status = cudnnBackendFinalize(m->made);
    return m->made;
}

/** An array [n][height][width][channels]; cuDNN counts its dimensions as n, channels, height, width. */
static cudnnBackendDescriptor_t tensor(struct making *m, int64_t name, bool half, int64_t n, int64_t height,
                                       int64_t width, int64_t channels, bool is_virtual)
{
    const int64_t size[] = {n, channels, height, width},
                  step[] = {height * width * channels, 1, width * channels, channels}, alignment = 16;
    const cudnnDataType_t type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    begin(m, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(m, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name);
    set(m, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(m, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, size);
    set(m, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, step);
    if (is_virtual) set(m, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    return end(m);
}

static cudnnBackendDescriptor_t convolution(struct making *m, const struct ps_nn_window *at)
{
    const int64_t dimensions = 2, pad[] = {at->pad, at->pad}, stride[] = {at->stride, at->stride},
                  dense[] = {1, 1};
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    begin(m, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(m, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions);
    set(m, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(m, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(m, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(m, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(m, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dense);
    return end(m);
}

/** What the attributes of the three operations are called. */
struct names {
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};

static const struct names forward = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
                          data = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
                          weights = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

static cudnnBackendDescriptor_t product(struct making *m, const struct ps_conv_shape *s,
                                        cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t w,
                                        cudnnBackendDescriptor_t y)
{
    const bool is_data = s->way == PS_CONV_DATA || s->way == PS_CONV_DATA_ADD;
    const struct names *is = is_data ? &data : s->way == PS_CONV_WEIGHTS ? &weights : &forward;
    const float alpha = 1, beta = s->way == PS_CONV_DATA_ADD;
    const cudnnBackendDescriptor_t window = convolution(m, &s->at);
    begin(m, is->operation);
    set_part(m, is->x, x);
    set_part(m, is->w, w);
    set_part(m, is->y, y);
    set_part(m, is->convolution, window);
    set(m, is->alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    set(m, is->beta, CUDNN_TYPE_FLOAT, 1, &beta);
    return end(m);
}

/** The same numbers in an array of another type. */
static cudnnBackendDescriptor_t conversion(struct making *m, cudnnBackendDescriptor_t from,
                                           cudnnBackendDescriptor_t to)
{
    const cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    begin(m, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(m, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(m, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type);
    const cudnnBackendDescriptor_t identity = end(m);
    begin(m, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_part(m, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, identity);
    set_part(m, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from);
    set_part(m, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
    return end(m);
}

static cudnnBackendDescriptor_t statistics(struct making *m, const struct ps_conv_shape *s,
                                           cudnnBackendDescriptor_t of)
{
    const cudnnGenStatsMode_t mode = CUDNN_GENSTATS_SUM_SQSUM;
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnBackendDescriptor_t sums = tensor(m, PS_CONV_SUMS, false, 1, 1, 1, s->out, false);
    const cudnnBackendDescriptor_t squares = tensor(m, PS_CONV_SQUARES, false, 1, 1, 1, s->out, false);
    begin(m, CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
    set(m, CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_TYPE_GENSTATS_MODE, 1, &mode);
    set(m, CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set_part(m, CUDNN_ATTR_OPERATION_GENSTATS_XDESC, of);
    set_part(m, CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, sums);
    set_part(m, CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, squares);
    return end(m);
}

cudnnStatus_t ps_conv_graph_make(const struct ps_conv_shape *s, struct ps_conv_graph *g)
{
    enum { SUM = PS_CONV_SQUARES + 1, ROUNDED };
    const struct ps_nn_window *at = &s->at;
    const cudnnHandle_t handle = ps_dnn();
    struct making m = {g, CUDNN_STATUS_SUCCESS, NULL};
    *g = {};
    const cudnnBackendDescriptor_t x = tensor(&m, PS_CONV_X, s->half, s->n, at->height, at->width,
                                              at->channels, false),
                                   w = tensor(&m, PS_CONV_W, s->half, s->out, at->kernel, at->kernel,
                                              at->channels, false),
                                   y = tensor(&m, PS_CONV_Y, s->half, s->n, at->rows, at->cols, s->out,
                                              false);
    cudnnBackendDescriptor_t operation[4] = {};
    int operations = 1;
    if (s->way == PS_CONV_MOMENTS) {
        /* GenStats takes floats, which here are what y has become by rounding */
        const cudnnBackendDescriptor_t sum = tensor(&m, SUM, false, s->n, at->rows, at->cols, s->out, true),
                                       rounded =
                                           tensor(&m, ROUNDED, false, s->n, at->rows, at->cols, s->out, true);
        operation[0] = product(&m, s, x, w, sum);
        operation[1] = conversion(&m, sum, y);
        operation[2] = conversion(&m, y, rounded);
        operation[3] = statistics(&m, s, rounded);
        operations = 4;
    } else {
        operation[0] = product(&m, s, x, w, y);
    }
    begin(&m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(&m, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations, operation);
    set(&m, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    g->graph = end(&m);
    return m.status;
}

void ps_conv_graph_free(struct ps_conv_graph *g)
{
    while (g->parts > 0) cudnnBackendDestroyDescriptor(g->part[--g->parts]);
    *g = {};
}
