#include "kernels/nn/cu_conv_plan.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include "kernels/nn/cu_timing.h"

enum {
    CONFIGS = 96, /* that are asked for: few of them may suit */
    TIMED = 3,    /* of those that can: engines are proposed best first */
    RUNS = 3      /* of each */
};

/** An engine that can, or none. */
struct plan {
    struct plan *next;
    struct ps_conv_shape shape;
    struct ps_conv_graph graph;
    cudnnBackendDescriptor_t engine; /* NULL: none */
};

static struct plan *plans;

/* Seconds that choices took. Engines that are compiled take seconds each: after so many, and where nothing is
 * chosen by time, one is taken that need not be. */
static double spent;
static const double PATIENCE = 30;

static bool same(const struct ps_conv_shape *a, const struct ps_conv_shape *b)
{
    const struct ps_nn_window *p = &a->at, *q = &b->at;
    return a->way == b->way && a->half == b->half && a->tf32 == b->tf32 && a->n == b->n && a->out == b->out &&
           p->height == q->height && p->width == q->width && p->channels == q->channels &&
           p->rows == q->rows && p->cols == q->cols && p->kernel == q->kernel && p->stride == q->stride &&
           p->pad == q->pad;
}

static int64_t lines(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

static int64_t bytes_x(const struct ps_conv_shape *s)
{
    return s->n * s->at.height * s->at.width * s->at.channels * (s->half ? 2 : 4);
}

static int64_t rows_y(const struct ps_conv_shape *s)
{
    return s->n * s->at.rows * s->at.cols;
}

static int64_t bytes_y(const struct ps_conv_shape *s)
{
    return rows_y(s) * s->out * (s->half ? 2 : 4);
}

static int64_t bytes_w(const struct ps_conv_shape *s)
{
    return s->out * s->at.kernel * s->at.kernel * s->at.channels * (s->half ? 2 : 4);
}

/* Engines take work for copies in other layouts, and for parts of sums in single precision. */
static int64_t bytes_engine(const struct ps_conv_shape *s)
{
    return (INT64_C(4) << 20) + 2 * lines(bytes_x(s) + bytes_y(s)) + 16 * lines(bytes_w(s));
}

/* Sums of channels, and sums of squares. */
static int64_t bytes_sums(const struct ps_conv_shape *s)
{
    return lines(s->out * (int64_t)sizeof(float));
}

int64_t ps_conv_plan_work(const struct ps_conv_shape *s)
{
    return bytes_engine(s) + 2 * bytes_sums(s);
}

/** Does an engine compute as was asked? Converted inputs are halves, whose range is too small. */
static bool is_exact_enough(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s)
{
    cudnnBackendNumericalNote_t note[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t notes = 0;
    bool ok = cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                       CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &notes, note) == CUDNN_STATUS_SUCCESS;
    if (notes > CUDNN_NUMERICAL_NOTE_TYPE_COUNT) notes = CUDNN_NUMERICAL_NOTE_TYPE_COUNT;
    for (int64_t i = 0; ok && i < notes; i++) {
        if (note[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ok = s->half || s->tf32;
        if (note[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) ok = false;
        if (note[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) ok = false;
        if (note[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) ok = !ps_cuda_exact();
    }
    return ok;
}

/** Does it take seconds to make an engine ready? */
static bool is_compiled(cudnnBackendDescriptor_t engine)
{
    cudnnBackendBehaviorNote_t note[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t notes = 0;
    bool compiled = false;
    if (cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                 CUDNN_BEHAVIOR_NOTE_TYPE_COUNT, &notes, note) != CUDNN_STATUS_SUCCESS)
        return false;
    if (notes > CUDNN_BEHAVIOR_NOTE_TYPE_COUNT) notes = CUDNN_BEHAVIOR_NOTE_TYPE_COUNT;
    for (int64_t i = 0; i < notes; i++)
        compiled = compiled || note[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    return compiled;
}

/** May an engine compute what was asked for? @param hurry it must be ready soon */
static bool suits(cudnnBackendDescriptor_t config, const struct ps_conv_shape *s, bool hurry)
{
    cudnnBackendDescriptor_t engine = NULL;
    int64_t got = 0;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) != CUDNN_STATUS_SUCCESS)
        return false;
    const bool ok =
        cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &got,
                                 &engine) == CUDNN_STATUS_SUCCESS &&
        is_exact_enough(engine, s) && !(hurry && is_compiled(engine));
    cudnnBackendDestroyDescriptor(engine);
    return ok;
}

/** @return the engine, ready to run; NULL: it cannot, or not with as much work */
static cudnnBackendDescriptor_t ready(cudnnBackendDescriptor_t config, int64_t most)
{
    const cudnnHandle_t handle = ps_dnn();
    cudnnBackendDescriptor_t made = NULL;
    int64_t got = 0, work = 0;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &made) != CUDNN_STATUS_SUCCESS)
        return NULL;
    if (cudnnBackendSetAttribute(made, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle) ==
            CUDNN_STATUS_SUCCESS &&
        cudnnBackendSetAttribute(made, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                 1, &config) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendFinalize(made) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendGetAttribute(made, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &got,
                                 &work) == CUDNN_STATUS_SUCCESS &&
        work <= most)
        return made;
    cudnnBackendDestroyDescriptor(made);
    return NULL;
}

/** Engines that a heuristic proposes and that can, best first. @param most how many @return how many */
static int propose(cudnnBackendHeurMode_t mode, const struct plan *p, bool hurry, int most,
                   cudnnBackendDescriptor_t *out)
{
    cudnnBackendDescriptor_t heuristic = NULL, config[CONFIGS] = {};
    int64_t count = 0;
    int found = 0;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristic) != CUDNN_STATUS_SUCCESS)
        return 0;
    bool ok =
        cudnnBackendSetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &p->graph.graph) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendSetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode) ==
            CUDNN_STATUS_SUCCESS &&
        cudnnBackendFinalize(heuristic) == CUDNN_STATUS_SUCCESS;
    for (int i = 0; ok && i < CONFIGS; i++)
        ok = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &config[i]) ==
             CUDNN_STATUS_SUCCESS;
    ok = ok &&
         cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                  CONFIGS, &count, config) == CUDNN_STATUS_SUCCESS;
    if (count > CONFIGS) count = CONFIGS; /* it says how many there are */
    for (int64_t i = 0; ok && i < count && found < most; i++)
        if (suits(config[i], &p->shape, hurry) && (out[found] = ready(config[i], bytes_engine(&p->shape))))
            found++;
    for (int i = 0; i < CONFIGS; i++)
        if (config[i]) cudnnBackendDestroyDescriptor(config[i]);
    cudnnBackendDestroyDescriptor(heuristic);
    return found;
}

/** Put an engine to work on arrays. */
static cudnnStatus_t execute(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s,
                             const struct ps_conv_arrays *a)
{
    const int64_t name[] = {PS_CONV_X, PS_CONV_W, PS_CONV_Y, PS_CONV_SUMS, PS_CONV_SQUARES};
    char *const sums = (char *)a->work + bytes_engine(s), *const squares = sums + bytes_sums(s);
    const void *const array[] = {a->x, a->w, a->y, sums, squares};
    const int64_t n = s->way == PS_CONV_MOMENTS ? 5 : 3;
    const cudnnHandle_t handle = ps_dnn();
    cudnnBackendDescriptor_t pack = NULL;
    cudnnStatus_t rc = cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (rc == CUDNN_STATUS_SUCCESS)
        rc = cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n, name);
    if (rc == CUDNN_STATUS_SUCCESS)
        rc = cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, n,
                                      array);
    if (rc == CUDNN_STATUS_SUCCESS)
        rc = cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
                                      &a->work);
    if (rc == CUDNN_STATUS_SUCCESS) rc = cudnnBackendFinalize(pack);
    if (rc == CUDNN_STATUS_SUCCESS) rc = cudnnBackendExecute(handle, engine, pack);
    if (pack) cudnnBackendDestroyDescriptor(pack);
    if (rc == CUDNN_STATUS_SUCCESS && s->way == PS_CONV_MOMENTS)
        ps_nn_moments_of_sums_cu(rows_y(s), s->out, (const float *)sums, (const float *)squares, a->moments);
    return rc;
}

/** The same, of an engine that must compute. */
static void run(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s,
                const struct ps_conv_arrays *a)
{
    const cudnnStatus_t rc = ps_cuda_good() ? execute(engine, s, a) : CUDNN_STATUS_SUCCESS;
    if (rc != CUDNN_STATUS_SUCCESS)
        ps_cuda_fail(PS_EBACKEND, "cuDNN: a convolution", cudnnGetErrorString(rc));
}

/** Arrays for trials, all zero. @return false: memory is short */
static bool trial_begin(const struct ps_conv_shape *s, struct ps_conv_arrays *out)
{
    const int64_t pass = ps_nn_moments_work_cu(rows_y(s), s->out) * (int64_t)sizeof(double);
    const int64_t plan = ps_conv_plan_work(s), moments = 2 * s->out * (int64_t)sizeof(double);
    char *const x = (char *)ps_trial_memory(lines(bytes_x(s)) + lines(bytes_w(s)) + lines(bytes_y(s)) +
                                            lines(moments) + (plan > pass ? plan : pass));
    if (!x) return false;
    char *const w = x + lines(bytes_x(s)), *const y = w + lines(bytes_w(s)), *const m = y + lines(bytes_y(s));
    *out = {x, w, y, (double *)m, m + lines(moments)};
    return true;
}

static void trial_end(const struct ps_conv_arrays *a)
{
    ps_trial_free((void *)a->x);
}

/** Milliseconds of some runs, after one that is not timed. @param pass each makes moments by a pass too */
static float time_of(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s,
                     const struct ps_conv_arrays *a, bool pass)
{
    struct ps_timing t = {};
    for (int i = 0; i <= RUNS; i++) {
        if (i == 1) t = ps_timing_begin();
        run(engine, s, a);
        if (pass) ps_nn_moments_cu(rows_y(s), s->out, s->half, a->y, a->moments, (double *)a->work);
    }
    return ps_timing_end(&t);
}

/** The fastest comes first. Where memory is short all stay as they were proposed. */
static void fastest_first(int engines, cudnnBackendDescriptor_t *engine, const struct ps_conv_shape *s)
{
    struct ps_conv_arrays a;
    int best = 0;
    float least = 0;
    if (engines < 2 || !trial_begin(s, &a)) return;
    for (int i = 0; i < engines; i++) {
        const float ms = time_of(engine[i], s, &a, false);
        if (i > 0 && ms >= least) continue;
        best = i;
        least = ms;
    }
    const cudnnBackendDescriptor_t chosen = engine[best];
    engine[best] = engine[0];
    engine[0] = chosen;
    trial_end(&a);
}

/** Does an engine make the moments of what it computes? It is given numbers near 1, and where sums go
 * there are large ones. */
static bool makes_moments(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s,
                          const struct ps_conv_arrays *a)
{
    const int64_t n = s->out, bytes = 2 * n * (int64_t)sizeof(double), rows = rows_y(s);
    double *const told = (double *)malloc(2 * (size_t)bytes), *const want = told + 2 * n;
    if (!told) return false;
    PS_CU(cudaMemsetAsync((void *)a->x, 0x3f, (size_t)bytes_x(s), ps_cuda_stream()));
    PS_CU(cudaMemsetAsync((void *)a->w, 0x3f, (size_t)bytes_w(s), ps_cuda_stream()));
    PS_CU(cudaMemsetAsync((char *)a->work + bytes_engine(s), 0x7f, 2 * (size_t)bytes_sums(s),
                          ps_cuda_stream()));
    bool same = ps_cuda_good() && execute(engine, s, a) == CUDNN_STATUS_SUCCESS;
    ps_cuda_memory.get(told, a->moments, bytes);
    ps_nn_moments_cu(rows, n, s->half, a->y, a->moments, (double *)a->work);
    ps_cuda_memory.get(want, a->moments, bytes);
    same = ps_cuda_memory.wait() == PS_OK && same;
    for (int64_t k = 0; same && k < n; k++) {
        const double mean = want[k], square = mean * mean + want[n + k] / (double)rows;
        const double told_square = told[k] * told[k] + told[n + k] / (double)rows;
        same = fabs(told[k] - mean) <= 1e-3 * mean && fabs(told_square - square) <= 1e-3 * square;
    }
    free(told);
    return same;
}

static struct plan *plan_of(const struct ps_conv_shape *s, bool timed);

/** Does an engine that makes moments take less time than one that does not and a pass? */
static bool pays(cudnnBackendDescriptor_t engine, const struct ps_conv_shape *s)
{
    struct ps_conv_shape apart = *s;
    struct ps_conv_arrays a;
    apart.way = PS_CONV_FORWARD;
    const struct plan *p = plan_of(&apart, true);
    if (!p || !p->engine || !trial_begin(s, &a)) return false;
    bool faster = makes_moments(engine, s, &a);
    if (faster) {
        const float apart_ms = time_of(p->engine, &apart, &a, true);
        faster = time_of(engine, s, &a, false) < apart_ms;
    }
    trial_end(&a);
    return faster;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/** The plan of a product, found or made. */
static struct plan *plan_of(const struct ps_conv_shape *s, bool timed)
{
    for (struct plan *p = plans; p; p = p->next)
        if (same(&p->shape, s)) return p;
    struct plan *p = (struct plan *)calloc(1, sizeof *p);
    if (!p) ps_cuda_fail(PS_ENOMEM, "a plan of a convolution", "out of memory");
    if (!p) return NULL;
    p->next = plans;
    p->shape = *s;
    plans = p;
    const double begun = seconds();
    cudnnBackendDescriptor_t engine[TIMED] = {};
    const bool moments = s->way == PS_CONV_MOMENTS, choose = timed && !ps_cuda_exact() && spent < PATIENCE;
    const int most = choose && !moments ? TIMED : 1; /* those of moments are compiled when they are made */
    int engines = 0;
    if ((choose || !moments) && ps_conv_graph_make(s, &p->graph) == CUDNN_STATUS_SUCCESS) {
        engines = propose(CUDNN_HEUR_MODE_A, p, !choose, most, engine);
        if (engines == 0) engines = propose(CUDNN_HEUR_MODE_FALLBACK, p, false, 1, engine);
        if (engines == 0 && !choose) engines = propose(CUDNN_HEUR_MODE_A, p, false, 1, engine);
    }
    fastest_first(engines, engine, s);
    for (int i = 1; i < engines; i++) cudnnBackendDestroyDescriptor(engine[i]);
    if (engines > 0 && moments && !pays(engine[0], s)) {
        cudnnBackendDestroyDescriptor(engine[0]);
        engine[0] = NULL;
    }
    p->engine = engine[0];
    if (choose) spent += seconds() - begun;
    return p;
}

void ps_conv_plan_make(const struct ps_conv_shape *s)
{
    if (ps_cuda_good()) plan_of(s, true);
}

bool ps_conv_plan_run(const struct ps_conv_shape *s, const struct ps_conv_arrays *a)
{
    const struct plan *p = ps_cuda_good() ? plan_of(s, false) : NULL;
    if (!p) return true; /* a failure is kept */
    if (p->engine) run(p->engine, s, a);
    return p->engine;
}

void ps_conv_plans_close(void)
{
    spent = 0;
    while (plans) {
        struct plan *const p = plans;
        plans = p->next;
        if (p->engine) cudnnBackendDestroyDescriptor(p->engine);
        ps_conv_graph_free(&p->graph);
        free(p);
    }
}
