/* Streams, events and graphs: pieces of work that name those that come before them. Nothing is done before
 * somebody waits for it, and then what it hangs on first. */
#include "cuda_host_parts.h"
#include <algorithm>
#include <set>
#include <stdlib.h>
#include <time.h>

struct piece;
typedef std::vector<std::shared_ptr<piece>> pieces;

struct piece {
    pieces before;
    std::function<void()> work;
    bool done;
};

/* What is recorded in the streams of one capture. */
struct capture {
    pieces all;
    std::vector<cudaEvent_t> external; /* are recorded whenever it is replayed */
    cudaStream_t origin;
    bool spoilt, over;
};

struct ps_host_stream {
    pieces last, last_captured; /* what its next piece comes after */
    std::shared_ptr<capture> in;
};

struct ps_host_event {
    pieces last;
    std::shared_ptr<capture> in;
    std::shared_ptr<double> at; /* milliseconds of the host's clock; below 0: not recorded with flags */
};

struct ps_host_graph {
    pieces all, last;
    std::vector<cudaEvent_t> external;
};

static std::set<cudaStream_t> streams;
static struct ps_host_stream legacy; /* stream 0 */
static std::weak_ptr<capture> capturing;

static cudaStream_t stream_of(cudaStream_t stream)
{
    return stream ? stream : &legacy;
}

bool ps_host_capturing(void)
{
    const auto c = capturing.lock();
    return c && !c->over;
}

void ps_host_capture_spoil(void)
{
    if (const auto c = capturing.lock()) c->spoilt = true;
}

static cudaError_t forbidden(void)
{
    ps_host_capture_spoil();
    return ps_host_error(cudaErrorStreamCaptureUnsupported);
}

/* --- doing work --- */
/* Do what `wanted` hangs on, then itself. */
static void run(const pieces &wanted)
{
    pieces stack(wanted);
    ps_host_memory_open();
    while (!stack.empty()) {
        const std::shared_ptr<piece> p = stack.back();
        const size_t depth = stack.size();
        if (!p->done)
            for (const auto &b : p->before)
                if (!b->done) stack.push_back(b);
        if (stack.size() > depth) continue;
        stack.pop_back();
        if (p->done) continue;
        p->work();
        p->done = true;
        p->before.clear();
    }
    ps_host_memory_close();
}

static void add_unless_done(pieces *to, const pieces &from)
{
    for (const auto &p : from)
        if (!p->done && std::find(to->begin(), to->end(), p) == to->end()) to->push_back(p);
}

cudaError_t ps_host_enqueue_work(cudaStream_t given, std::function<void()> work)
{
    static const bool eager = getenv("PS_HOST_EAGER") && atoi(getenv("PS_HOST_EAGER"));
    const cudaStream_t s = stream_of(given);
    pieces *last = s->in ? &s->last_captured : &s->last;
    auto p = std::make_shared<piece>(piece{std::move(*last), std::move(work), false});
    *last = {p};
    if (s->in)
        s->in->all.push_back(p);
    else if (eager)
        run(s->last);
    return cudaSuccess;
}

cudaError_t ps_host_enqueue(cudaStream_t stream, const struct ps_host_shape &shape,
                            std::function<void()> body)
{
    if (!ps_host_fits(shape)) return ps_host_error(cudaErrorInvalidConfiguration);
    return ps_host_enqueue_work(stream, [shape, body = std::move(body)] { ps_host_run(shape, body); });
}

/* --- streams --- */
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned)
{
    *out = new ps_host_stream();
    streams.insert(*out);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int)
{
    return cudaStreamCreateWithFlags(out, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t given)
{
    const cudaStream_t s = stream_of(given);
    if (s->in) return forbidden();
    run(s->last);
    s->last.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    if (!streams.erase(stream)) return ps_host_error(cudaErrorInvalidResourceHandle);
    run(stream->last);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    if (ps_host_capturing()) return forbidden();
    run(legacy.last);
    for (const cudaStream_t s : streams) run(s->last);
    return cudaSuccess;
}

/* --- events --- */
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned)
{
    *out = new ps_host_event{{}, NULL, std::make_shared<double>(-1)};
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t given)
{
    const cudaStream_t s = stream_of(given);
    event->last = s->in ? s->last_captured : s->last;
    event->in = s->in;
    return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t given, unsigned flags)
{
    const cudaStream_t s = stream_of(given);
    if ((flags == cudaEventRecordExternal) != (s->in != NULL)) return ps_host_error(cudaErrorInvalidValue);
    const auto at = event->at;
    ps_host_enqueue_work(given, [at] {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        *at = 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
    });
    if (s->in)
        s->in->external.push_back(event);
    else
        event->last = s->last;
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (event->in && !event->in->over) return forbidden();
    if (event->in) return ps_host_error(cudaErrorCapturedEvent);
    run(event->last);
    return cudaSuccess;
}

static float pretended = 1 << 20, more = -1; /* milliseconds */

void ps_host_first_is_fastest(bool first)
{
    more = first ? 1 : -1;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    if (from->in || to->in) return ps_host_error(cudaErrorCapturedEvent);
    for (const cudaEvent_t event : {from, to})
        for (const auto &p : event->last)
            if (!p->done) return ps_host_error(cudaErrorNotReady);
    if (*from->at >= 0 && *to->at >= 0) {
        *milliseconds = (float)(*to->at - *from->at);
        return cudaSuccess;
    }
    if (pretended + more > 0) pretended += more;
    *milliseconds = pretended;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t given, cudaEvent_t event, unsigned)
{
    const cudaStream_t s = stream_of(given);
    if (event->in && event->in->over) return ps_host_error(cudaErrorCapturedEvent);
    if (s->in && s->in != event->in) { /* it would wait for what is not in the capture */
        s->in->spoilt = true;
        return ps_host_error(cudaErrorStreamCaptureIsolation);
    }
    if (event->in && !s->in) { /* the stream joins */
        s->in = event->in;
        s->last_captured.clear();
    }
    add_unless_done(s->in ? &s->last_captured : &s->last, event->last);
    return cudaSuccess;
}

/* --- capture --- */
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (!stream || ps_host_capturing()) return forbidden();
    stream->in = std::make_shared<capture>(capture{{}, {}, stream, false, false});
    stream->last_captured.clear();
    capturing = stream->in;
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t given, cudaStreamCaptureStatus *out)
{
    const cudaStream_t s = stream_of(given);
    *out = !s->in          ? cudaStreamCaptureStatusNone
           : s->in->spoilt ? cudaStreamCaptureStatusInvalidated
                           : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

/* Does everything that was recorded lead to `last`? */
static bool is_joined(const struct capture &c, const pieces &last)
{
    std::set<const piece *> seen;
    pieces stack(last);
    while (!stack.empty()) {
        const std::shared_ptr<piece> p = stack.back();
        stack.pop_back();
        if (seen.insert(p.get()).second) stack.insert(stack.end(), p->before.begin(), p->before.end());
    }
    return seen.size() == c.all.size();
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    *out = NULL;
    const auto c = stream ? stream->in : NULL;
    if (!c || c->origin != stream) return forbidden();
    c->over = true;
    const pieces last = std::move(stream->last_captured);
    stream->in.reset();
    for (const cudaStream_t s : streams)
        if (s->in == c) s->in.reset();
    if (c->spoilt) return ps_host_error(cudaErrorStreamCaptureInvalidated);
    if (!is_joined(*c, last)) return ps_host_error(cudaErrorStreamCaptureUnjoined);
    *out = new ps_host_graph{std::move(c->all), last, c->external};
    return cudaSuccess;
}

/* A piece for each of the graph, which can be done once. */
static pieces copy_of(const ps_host_graph &graph)
{
    std::vector<std::pair<const piece *, std::shared_ptr<piece>>> copies;
    const auto find = [&copies](const piece *p) {
        return std::lower_bound(copies.begin(), copies.end(), p,
                                [](const auto &a, const piece *b) { return a.first < b; })
            ->second;
    };
    for (const auto &p : graph.all)
        copies.push_back({p.get(), std::make_shared<piece>(piece{{}, p->work, false})});
    std::sort(copies.begin(), copies.end());
    pieces last;
    for (const auto &p : graph.all)
        for (const auto &b : p->before) find(p.get())->before.push_back(find(b.get()));
    for (const auto &p : graph.last) last.push_back(find(p.get()));
    return last;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long)
{
    *out = new ps_host_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    if (stream_of(stream)->in) return forbidden(); /* a graph in a graph: nobody does that */
    const ps_host_graph kept = *graph;
    ps_host_enqueue_work(stream, [kept] { run(copy_of(kept)); });
    for (const cudaEvent_t event : graph->external) event->last = stream_of(stream)->last;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    delete graph;
    return cudaSuccess;
}
