#include "cudnn_parts_on_host.h"

struct ps_host_dnn {
    cudaStream_t stream;
};

size_t cudnnGetVersion(void)
{
    return 90000;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS         ? "success"
           : status == CUDNN_STATUS_NOT_SUPPORTED ? "not supported"
                                                  : "bad parameter";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *out)
{
    *out = new ps_host_dnn();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t ps_host_dnn_enqueue(cudnnHandle_t handle, std::function<void()> work)
{
    return ps_host_enqueue_work(handle->stream, work) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                                     : CUDNN_STATUS_BAD_PARAM;
}

/* --- descriptors --- */

static size_t size_of(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_INT64:
        return sizeof(int64_t);
    case CUDNN_TYPE_FLOAT:
        return sizeof(float);
    case CUDNN_TYPE_BOOLEAN:
        return sizeof(bool);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return sizeof(void *);
    default:
        return sizeof(int);
    }
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *out)
{
    descriptor *const d = new descriptor();
    d->type = type;
    *out = d;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t handle)
{
    delete (descriptor *)handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    descriptor *const d = (descriptor *)handle;
    if (!d || d->final || count < 1 || !values) return CUDNN_STATUS_BAD_PARAM;
    for (int64_t i = 0; type == CUDNN_TYPE_BACKEND_DESCRIPTOR && i < count; i++) {
        const descriptor *const part = ((descriptor *const *)values)[i];
        if (!part || !part->final) return CUDNN_STATUS_BAD_PARAM;
    }
    const char *const from = (const char *)values;
    d->set[name] = {type, count, std::vector<char>(from, from + (size_t)count * size_of(type))};
    return CUDNN_STATUS_SUCCESS;
}

/* --- what may be finalized --- */

/** A tensor of four dimensions, channels next to each other, without gaps. */
static bool is_tensor(const descriptor *d)
{
    if (!has_all(d, {{CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1},
                     {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
                     {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1},
                     {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4},
                     {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4}}))
        return false;
    const int64_t c = size(d, 1), h = size(d, 2), w = size(d, 3), want[] = {c * h * w, 1, c * w, c};
    bool ok = size(d, 0) > 0 && c > 0 && h > 0 && w > 0;
    for (int i = 0; i < 4; i++) ok = ok && number(d, CUDNN_ATTR_TENSOR_STRIDES, i, 4) == want[i];
    return ok;
}

static bool is_convolution(const descriptor *d)
{
    return has_all(d, {{CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1},
                       {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
                       {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1},
                       {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2},
                       {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2},
                       {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2},
                       {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2}});
}

static bool is_product(const descriptor *d)
{
    const int at = attributes(d);
    if (!has_all(d, {{at + ALPHA, CUDNN_TYPE_FLOAT, 1},
                     {at + BETA, CUDNN_TYPE_FLOAT, 1},
                     {at + CONVOLUTION, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                     {at + X, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                     {at + W, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                     {at + Y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}))
        return false;
    const descriptor *const c = part(d, at + CONVOLUTION), *const x = part(d, at + X),
                            *const w = part(d, at + W), *const y = part(d, at + Y);
    bool ok = size(x, 0) == size(y, 0) && size(x, 1) == size(w, 1) && size(w, 0) == size(y, 1) &&
              is_half(x) == is_half(w) && (is_half(x) == is_half(y) || is_virtual(y));
    for (int i = 0; i < 2; i++) {
        const int64_t pads = number(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i, 2) +
                             number(c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i, 2),
                      step = number(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i, 2);
        ok = ok && size(y, 2 + i) == (size(x, 2 + i) + pads - size(w, 2 + i)) / step + 1;
    }
    return ok;
}

static bool same_size(const descriptor *a, const descriptor *b)
{
    bool same = true;
    for (int i = 0; i < 4; i++) same = same && size(a, i) == size(b, i);
    return same;
}

static bool is_conversion(const descriptor *d)
{
    return has_all(d, {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                       {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                       {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}) &&
           same_size(part(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
                     part(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
}

/** Of floats alone, into floats [1][channels][1][1]. */
static bool is_statistics(const descriptor *d)
{
    if (!has_all(d, {{CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_TYPE_GENSTATS_MODE, 1},
                     {CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1},
                     {CUDNN_ATTR_OPERATION_GENSTATS_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                     {CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
                     {CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}))
        return false;
    const descriptor *const x = part(d, CUDNN_ATTR_OPERATION_GENSTATS_XDESC),
                            *const sums = part(d, CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC),
                            *const squares = part(d, CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC);
    const bool shaped =
        size(sums, 0) == 1 && size(sums, 1) == size(x, 1) && size(sums, 2) == 1 && size(sums, 3) == 1;
    return shaped && same_size(sums, squares) && !is_half(x) && !is_half(sums) && !is_half(squares);
}

/** Four operations hang together as the declaration of operations says; one is a product of arrays. */
static bool is_graph(const descriptor *d)
{
    if (!got(d, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1) ||
        !got(d, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations(d)))
        return false;
    const descriptor *const first = operation(d, 0);
    if (attributes(first) < 0) return false;
    const descriptor *const sum = part(first, attributes(first) + Y);
    if (operations(d) == 1) return !is_virtual(sum);
    const descriptor *const to = operation(d, 1), *const again = operation(d, 2),
                            *const last = operation(d, 3);
    if (first->type != CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
        to->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR || again->type != to->type ||
        last->type != CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR)
        return false;
    const descriptor *const y = part(to, CUDNN_ATTR_OPERATION_POINTWISE_YDESC),
                            *const rounded = part(again, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    return is_virtual(sum) && part(to, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) == sum && !is_virtual(y) &&
           part(again, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) == y && is_virtual(rounded) &&
           part(last, CUDNN_ATTR_OPERATION_GENSTATS_XDESC) == rounded;
}

static bool is_plan(descriptor *d)
{
    if (!has_all(d, {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1},
                     {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}))
        return false;
    const descriptor *const config = part(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    d->engine = config->engine;
    d->graph = config->graph;
    return ps_host_engine_computes(d->engine, d->graph);
}

static bool is_pack(const descriptor *d)
{
    bool ok = false;
    for (const int64_t arrays : {3, 5})
        ok = ok || has_all(d, {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, arrays},
                               {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, arrays}});
    return ok;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle)
{
    descriptor *const d = (descriptor *)handle;
    bool ok = false;
    if (d->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) ok = is_tensor(d);
    if (d->type == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) ok = is_convolution(d);
    if (attributes(d) >= 0) ok = is_product(d);
    if (d->type == CUDNN_BACKEND_POINTWISE_DESCRIPTOR)
        ok = has_all(d, {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1},
                         {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1}});
    if (d->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) ok = is_conversion(d);
    if (d->type == CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR) ok = is_statistics(d);
    if (d->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) ok = is_graph(d);
    if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)
        ok = has_all(d, {{CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1},
                         {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}});
    if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) ok = is_plan(d);
    if (d->type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) ok = is_pack(d);
    d->final = ok;
    return ok ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
