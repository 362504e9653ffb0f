/** Descriptors of what stands in for cuDNN's graphs, for the files that it consists of. */
#ifndef PS_CUDNN_PARTS_ON_HOST_H
#define PS_CUDNN_PARTS_ON_HOST_H

#include <cudnn_on_host.h>
#include <map>
#include <vector>

/** What an attribute was set to. */
struct value {
    cudnnBackendAttributeType_t type;
    int64_t count;
    std::vector<char> bytes;
};

struct descriptor {
    cudnnBackendDescriptorType_t type;
    bool final;
    std::map<int, value> set;
    /* of configurations, engines and plans: which engine, and the graph */
    int engine;
    descriptor *graph;
};

/** An attribute of this type and count; NULL: it was not set so. */
static inline const void *got(const descriptor *d, int name, cudnnBackendAttributeType_t type, int64_t count)
{
    const auto v = d->set.find(name);
    return v == d->set.end() || v->second.type != type || v->second.count != count ? NULL
                                                                                   : v->second.bytes.data();
}

static inline int64_t number(const descriptor *d, int name, int64_t at, int64_t count)
{
    return ((const int64_t *)got(d, name, CUDNN_TYPE_INT64, count))[at];
}

static inline const descriptor *part(const descriptor *d, int name)
{
    return *(const descriptor *const *)got(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1);
}

struct wanted {
    int name;
    cudnnBackendAttributeType_t type;
    int64_t count;
};

static inline bool has_all(const descriptor *d, std::initializer_list<wanted> all)
{
    bool has = true;
    for (const wanted &w : all) has = has && got(d, w.name, w.type, w.count);
    return has;
}

static inline int64_t size(const descriptor *tensor, int dimension)
{
    return number(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, dimension, 4);
}

static inline bool is_half(const descriptor *tensor)
{
    return *(const int *)got(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1) ==
           CUDNN_DATA_BFLOAT16;
}

/** Where the attributes of an operation begin; -1: it is none. */
static inline int attributes(const descriptor *d)
{
    switch (d->type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        return CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
        return CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        return CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA;
    default:
        return -1;
    }
}
enum { ALPHA, BETA, CONVOLUTION, X, W, Y };

static inline bool is_virtual(const descriptor *tensor)
{
    const bool *const is = (const bool *)got(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1);
    return is && *is;
}

/** Operations of a graph: a product and, where there are four, the array that it becomes, that array again,
 * and its statistics. */
static inline int64_t operations(const descriptor *graph)
{
    return got(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 4) ? 4 : 1;
}

static inline const descriptor *operation(const descriptor *graph, int i)
{
    return ((const descriptor *const *)got(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, operations(graph)))[i];
}

/** Does an engine compute a graph? */
bool ps_host_engine_computes(int engine, const descriptor *graph);

#endif
