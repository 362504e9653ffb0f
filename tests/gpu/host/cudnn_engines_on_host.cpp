#include <atomic>
#include "cuda_host_parts.h"
#include "cudnn_conv_on_host.h"
#include "cudnn_parts_on_host.h"

enum { WORK = 1 << 12 /* bytes that an engine asks for */ };

static const struct engine {
    std::vector<cudnnBackendNumericalNote_t> note;
    bool eights; /* channels and outputs must be multiples of 8 */
    int64_t work;
    bool fallback;   /* else proposed by the better heuristic */
    bool statistics; /* it makes them, and computes nothing without */
    bool compiled;   /* when it is made ready */
} engines[] = {
    {{}, false, INT64_C(1) << 50, false, false, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS},
     false,
     0,
     false,
     false,
     false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION},
     false,
     0,
     false,
     false,
     false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC},
     true,
     WORK,
     false,
     false,
     true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, true, WORK, false, false, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, false, 0, true, false, false},
    {{}, false, 0, true, false, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC},
     true,
     WORK,
     false,
     true,
     true},
};
enum { ENGINES = sizeof engines / sizeof engines[0] };

static bool has(int engine, cudnnBackendNumericalNote_t wanted)
{
    for (const cudnnBackendNumericalNote_t note : engines[engine].note)
        if (note == wanted) return true;
    return false;
}

static float factor(const descriptor *operation, int which)
{
    return *(const float *)got(operation, attributes(operation) + which, CUDNN_TYPE_FLOAT, 1);
}

bool ps_host_engine_computes(int engine, const descriptor *graph)
{
    const descriptor *const o = operation(graph, 0), *const w = part(o, attributes(o) + W);
    if (engines[engine].statistics != (operations(graph) > 1)) return false;
    const bool eights = size(w, 0) % 8 == 0 && size(w, 1) % 8 == 0;
    if (engines[engine].eights && !eights) return false;
    return !(is_half(w) && !eights && factor(o, BETA) != 0);
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
    } else if (name == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE && type == CUDNN_TYPE_BEHAVIOR_NOTE) {
        *count = engines[d->engine].compiled;
        *(cudnnBackendBehaviorNote_t *)values = CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && type == CUDNN_TYPE_INT64) {
        *(int64_t *)values = engines[d->engine].work;
    } else {
        return CUDNN_STATUS_BAD_PARAM;
    }
    return CUDNN_STATUS_SUCCESS;
}

/* --- plans that run --- */

static std::atomic<int64_t> statistics;

int64_t ps_host_dnn_statistics(void)
{
    return statistics;
}

/** The array of a tensor in a pack; false: it is not there, or not aligned. */
static bool find(const descriptor *tensor, const descriptor *pack, struct ps_host_image *out)
{
    const int64_t arrays = pack->set.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).count;
    *out = {NULL, {size(tensor, 0), size(tensor, 1), size(tensor, 2), size(tensor, 3)}, is_half(tensor)};
    for (int i = 0; i < arrays; i++)
        if (number(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i, arrays) ==
            number(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, 0, 1))
            out->at = ((void *const *)got(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                                          arrays))[i];
    return out->at && (int64_t)((uintptr_t)out->at %
                                (uintptr_t)number(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0, 1)) == 0;
}

/** Arrays of what a graph computes besides the product, and where the product goes. */
static bool find_statistics(const descriptor *graph, const descriptor *pack, struct ps_host_conv *p)
{
    const descriptor *const last = operation(graph, 3);
    struct ps_host_image sums, squares;
    if (!find(part(operation(graph, 1), CUDNN_ATTR_OPERATION_POINTWISE_YDESC), pack, &p->y) ||
        !find(part(last, CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC), pack, &sums) ||
        !find(part(last, CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC), pack, &squares))
        return false;
    p->sums = (float *)sums.at;
    p->squares = (float *)squares.at;
    statistics++;
    return true;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_of,
                                  cudnnBackendDescriptor_t pack_of)
{
    const descriptor *const plan = (descriptor *)plan_of, *const pack = (descriptor *)pack_of;
    if (!handle || !plan || !plan->final || !pack || !pack->final) return CUDNN_STATUS_BAD_PARAM;
    const descriptor *const o = operation(plan->graph, 0);
    struct ps_host_conv p = {};
    const int at = attributes(o);
    p.way = o->type;
    if (has(plan->engine, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))
        ps_host_die("cuDNN: an engine that makes halves of its inputs");
    p.tf32 = has(plan->engine, CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
    const descriptor *const c = part(o, at + CONVOLUTION);
    p.pad = number(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0, 2);
    p.step = number(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 0, 2);
    p.alpha = factor(o, ALPHA);
    p.beta = factor(o, BETA);
    p.bytes = engines[plan->engine].work;
    const void *const work = got(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1);
    if (work) p.work = *(char *const *)work;
    const bool several = operations(plan->graph) > 1;
    if (!find(part(o, at + X), pack, &p.x) || !find(part(o, at + W), pack, &p.w) ||
        !(several ? find_statistics(plan->graph, pack, &p) : find(part(o, at + Y), pack, &p.y)) ||
        (p.bytes > 0 && !p.work))
        return CUDNN_STATUS_BAD_PARAM;
    return ps_host_dnn_enqueue(handle, [p] { ps_host_conv_compute(&p); });
}
