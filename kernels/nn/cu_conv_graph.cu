#include "kernels/nn/cu_conv_graph.h"

/** A descriptor that is being made: after the first call that fails none is made. */
struct making {
    cudnnStatus_t status;
    cudnnBackendDescriptor_t made;
};

static struct making begin(cudnnBackendDescriptorType_t type)
{
    struct making m = {CUDNN_STATUS_SUCCESS, NULL};
    m.status = cudnnBackendCreateDescriptor(type, &m.made);
    return m;
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

static cudnnStatus_t end(struct making *m, cudnnBackendDescriptor_t *out)
{
    if (m->status == CUDNN_STATUS_SUCCESS) m->status = cudnnBackendFinalize(m->made);
    *out = m->made;
    return m->status;
}

/** An array [n][height][width][channels]; cuDNN counts its dimensions as n, channels, height, width. */
static cudnnStatus_t tensor(int64_t name, bool half, int64_t n, int64_t height, int64_t width,
                            int64_t channels, cudnnBackendDescriptor_t *out)
{
    const int64_t size[] = {n, channels, height, width},
                  step[] = {height * width * channels, 1, width * channels, channels}, alignment = 16;
    const cudnnDataType_t type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    struct making m = begin(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(&m, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name);
    set(&m, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(&m, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(&m, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, size);
    set(&m, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, step);
    return end(&m, out);
}

static cudnnStatus_t convolution(const struct ps_nn_window *at, cudnnBackendDescriptor_t *out)
{
    const int64_t dimensions = 2, pad[] = {at->pad, at->pad}, stride[] = {at->stride, at->stride},
                  dense[] = {1, 1};
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    struct making m = begin(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(&m, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions);
    set(&m, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(&m, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(&m, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(&m, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(&m, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(&m, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dense);
    return end(&m, out);
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

static cudnnStatus_t operation(const struct ps_conv_shape *s, struct ps_conv_graph *g)
{
    const struct names *is = s->way == PS_CONV_FORWARD   ? &forward
                             : s->way == PS_CONV_WEIGHTS ? &weights
                                                         : &data;
    const float alpha = 1, beta = s->way == PS_CONV_DATA_ADD;
    struct making m = begin(is->operation);
    set_part(&m, is->x, g->x);
    set_part(&m, is->w, g->w);
    set_part(&m, is->y, g->y);
    set_part(&m, is->convolution, g->convolution);
    set(&m, is->alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    set(&m, is->beta, CUDNN_TYPE_FLOAT, 1, &beta);
    return end(&m, &g->operation);
}

cudnnStatus_t ps_conv_graph_make(const struct ps_conv_shape *s, struct ps_conv_graph *g)
{
    const struct ps_nn_window *at = &s->at;
    const cudnnHandle_t handle = ps_dnn();
    *g = {};
    cudnnStatus_t rc = tensor(PS_CONV_X, s->half, s->n, at->height, at->width, at->channels, &g->x);
    if (rc == CUDNN_STATUS_SUCCESS)
        rc = tensor(PS_CONV_W, s->half, s->out, at->kernel, at->kernel, at->channels, &g->w);
    if (rc == CUDNN_STATUS_SUCCESS) rc = tensor(PS_CONV_Y, s->half, s->n, at->rows, at->cols, s->out, &g->y);
    if (rc == CUDNN_STATUS_SUCCESS) rc = convolution(at, &g->convolution);
    if (rc == CUDNN_STATUS_SUCCESS) rc = operation(s, g);
    if (rc != CUDNN_STATUS_SUCCESS) return rc;
    struct making m = begin(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set_part(&m, CUDNN_ATTR_OPERATIONGRAPH_OPS, g->operation);
    set(&m, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    return end(&m, &g->graph);
}

void ps_conv_graph_free(struct ps_conv_graph *g)
{
    const cudnnBackendDescriptor_t parts[] = {g->graph, g->operation, g->convolution, g->y, g->w, g->x};
    for (const cudnnBackendDescriptor_t part : parts)
        if (part) cudnnBackendDestroyDescriptor(part);
    *g = {};
}
