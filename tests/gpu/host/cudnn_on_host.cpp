#include <cudnn_on_host.h>
#include <map>
#include <vector>
#include "cudnn_conv_on_host.h"

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

static size_t size_of(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_INT64:
        return sizeof(int64_t);
    case CUDNN_TYPE_FLOAT:
        return sizeof(float);
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

/** An attribute of this type and count; NULL: it was not set so. */
static const void *got(const descriptor *d, int name, cudnnBackendAttributeType_t type, int64_t count)
{
    const auto v = d->set.find(name);
    return v == d->set.end() || v->second.type != type || v->second.count != count ? NULL
                                                                                   : v->second.bytes.data();
}

static int64_t number(const descriptor *d, int name, int64_t at, int64_t count)
{
    return ((const int64_t *)got(d, name, CUDNN_TYPE_INT64, count))[at];
}

static const descriptor *part(const descriptor *d, int name)
{
    return *(const descriptor *const *)got(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1);
}

/* --- what may be finalized --- */

struct wanted {
    int name;
    cudnnBackendAttributeType_t type;
    int64_t count;
};

static bool has_all(const descriptor *d, std::initializer_list<wanted> all)
{
    bool has = true;
    for (const wanted &w : all) has = has && got(d, w.name, w.type, w.count);
    return has;
}

static int64_t size(const descriptor *tensor, int dimension)
{
    return number(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, dimension, 4);
}

static bool is_half(const descriptor *tensor)
{
    return *(const int *)got(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1) ==
           CUDNN_DATA_BFLOAT16;
}

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

/** Where the attributes of an operation begin; -1: it is none. */
static int attributes(const descriptor *d)
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

static bool is_operation(const descriptor *d)
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
              is_half(x) == is_half(w) && is_half(x) == is_half(y);
    for (int i = 0; i < 2; i++) {
        const int64_t pads = number(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i, 2) +
                             number(c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i, 2),
                      step = number(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i, 2);
        ok = ok && size(y, 2 + i) == (size(x, 2 + i) + pads - size(w, 2 + i)) / step + 1;
    }
    return ok;
}

/* --- engines --- */

enum { WORK = 1 << 12 /* bytes that an engine asks for */ };

static const struct engine {
    std::vector<cudnnBackendNumericalNote_t> note;
    bool eights; /* channels and outputs must be multiples of 8 */
    int64_t work;
    bool fallback; /* else proposed by the better heuristic */
} engines[] = {
    {{}, false, INT64_C(1) << 50, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}, false, 0, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, true, WORK, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, true, WORK, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, false, 0, true},
    {{}, false, 0, true},
};
enum { ENGINES = sizeof engines / sizeof engines[0] };

static bool on_tensor_cores(int engine)
{
    for (const cudnnBackendNumericalNote_t note : engines[engine].note)
        if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) return true;
    return false;
}

static const descriptor *operation_of(const descriptor *graph)
{
    return part(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
}

static float factor(const descriptor *operation, int which)
{
    return *(const float *)got(operation, attributes(operation) + which, CUDNN_TYPE_FLOAT, 1);
}

/** Does an engine compute a graph? */
static bool computes(int engine, const descriptor *graph)
{
    const descriptor *const o = operation_of(graph), *const w = part(o, attributes(o) + W);
    const bool eights = size(w, 0) % 8 == 0 && size(w, 1) % 8 == 0;
    if (engines[engine].eights && !eights) return false;
    return !(is_half(w) && !eights && factor(o, BETA) != 0);
}

static bool is_plan(descriptor *d)
{
    if (!has_all(d, {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1},
                     {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}))
        return false;
    const descriptor *const config = part(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    d->engine = config->engine;
    d->graph = config->graph;
    return computes(d->engine, d->graph);
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle)
{
    descriptor *const d = (descriptor *)handle;
    bool ok = false;
    if (d->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) ok = is_tensor(d);
    if (d->type == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) ok = is_convolution(d);
    if (attributes(d) >= 0) ok = is_operation(d);
    if (d->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)
        ok = has_all(d, {{CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1},
                         {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}});
    if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)
        ok = has_all(d, {{CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1},
                         {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}});
    if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) ok = is_plan(d);
    if (d->type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
        ok = has_all(d, {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3},
                         {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3}});
    d->final = ok;
    return ok ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

/** Configurations of engines that a heuristic proposes, written over those that the caller made. */
static cudnnStatus_t results(const descriptor *d, int64_t most, int64_t *count, descriptor **out)
{
    const int mode = *(const int *)got(d, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1);
    *count = 0;
    for (int i = 0; i < ENGINES && *count < most; i++) {
        if (engines[i].fallback != (mode == CUDNN_HEUR_MODE_FALLBACK)) continue;
        descriptor *const config = out[(*count)++];
        if (!config || config->type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) return CUDNN_STATUS_BAD_PARAM;
        config->engine = i;
        config->graph = (descriptor *)part(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        config->final = true;
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t most, int64_t *count,
                                       void *values)
{
    descriptor *const d = (descriptor *)handle;
    if (!d->final) return CUDNN_STATUS_BAD_PARAM;
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return results(d, most, count, (descriptor **)values);
    if (most < 1) return CUDNN_STATUS_BAD_PARAM;
    *count = 1;
    if (name == CUDNN_ATTR_ENGINECFG_ENGINE && type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
        descriptor *const engine = *(descriptor **)values;
        if (!engine || engine->type != CUDNN_BACKEND_ENGINE_DESCRIPTOR) return CUDNN_STATUS_BAD_PARAM;
        engine->engine = d->engine;
        engine->final = true;
    } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && type == CUDNN_TYPE_NUMERICAL_NOTE) {
        *count = (int64_t)engines[d->engine].note.size();
        for (int64_t i = 0; i < *count && i < most; i++)
            ((cudnnBackendNumericalNote_t *)values)[i] = engines[d->engine].note[(size_t)i];
    } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && type == CUDNN_TYPE_INT64) {
        *(int64_t *)values = engines[d->engine].work;
    } else {
        return CUDNN_STATUS_BAD_PARAM;
    }
    return CUDNN_STATUS_SUCCESS;
}

/* --- plans that run --- */

/** The array of a tensor in a pack; false: it is not there, or not aligned. */
static bool find(const descriptor *tensor, const descriptor *pack, struct ps_host_image *out)
{
    *out = {NULL, {size(tensor, 0), size(tensor, 1), size(tensor, 2), size(tensor, 3)}, is_half(tensor)};
    for (int i = 0; i < 3; i++)
        if (number(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i, 3) ==
            number(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, 0, 1))
            out->at =
                ((void *const *)got(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3))[i];
    return out->at && (int64_t)((uintptr_t)out->at %
                                (uintptr_t)number(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0, 1)) == 0;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_of,
                                  cudnnBackendDescriptor_t pack_of)
{
    const descriptor *const plan = (descriptor *)plan_of, *const pack = (descriptor *)pack_of;
    if (!handle || !plan || !plan->final || !pack || !pack->final) return CUDNN_STATUS_BAD_PARAM;
    const descriptor *const o = operation_of(plan->graph);
    struct ps_host_conv p = {};
    const int at = attributes(o);
    p.way = o->type;
    p.tf32 = on_tensor_cores(plan->engine);
    const descriptor *const c = part(o, at + CONVOLUTION);
    p.pad = number(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0, 2);
    p.step = number(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 0, 2);
    p.alpha = factor(o, ALPHA);
    p.beta = factor(o, BETA);
    p.bytes = engines[plan->engine].work;
    const void *const work = got(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1);
    if (work) p.work = *(char *const *)work;
    if (!find(part(o, at + X), pack, &p.x) || !find(part(o, at + W), pack, &p.w) ||
        !find(part(o, at + Y), pack, &p.y) || (p.bytes > 0 && !p.work))
        return CUDNN_STATUS_BAD_PARAM;
    return ps_host_dnn_enqueue(handle, [p] { ps_host_conv_compute(&p); });
}
