#include "kernels/nn/cu_dnn.h"

enum { SLOTS = 16 };

/* Streams of the queues, and what they wait for. */
static struct {
    cudaStream_t stream[PS_NN_QUEUES];
    cudaEvent_t mark[PS_NN_MARKS];
    cudaEvent_t reached[PS_NN_QUEUES]; /* where a queue was when another was told to wait for it */
    cudaEvent_t tick[PS_NN_TICKS];
    bool recording;
    struct ps_nn_step *step; /* on the device */
    struct ps_nn_step *slot; /* [SLOTS] on the host, for copies */
    cudaEvent_t copied[SLOTS];
    int next; /* slot */
} device;

const struct ps_nn_step *ps_nn_step_cu(void)
{
    return device.step;
}

/* --- order --- */
static void use(enum ps_nn_queue queue)
{
    ps_cuda_use(device.stream[queue]);
}

static void after(enum ps_nn_queue queue, enum ps_nn_queue of)
{
    PS_CU(cudaEventRecord(device.reached[of], device.stream[of]));
    PS_CU(cudaStreamWaitEvent(device.stream[queue], device.reached[of], 0));
}

static void mark(int i)
{
    PS_CU(cudaEventRecord(device.mark[i], ps_cuda_stream()));
}

static void await(int i)
{
    PS_CU(cudaEventSynchronize(device.mark[i]));
}

/* --- recording --- */
static void record_begin(void)
{
    PS_CU(cudaStreamBeginCapture(ps_cuda_stream(), cudaStreamCaptureModeThreadLocal));
    device.recording = true;
}

/* What fails while it is recorded has not been tried: whoever does without a recording sees whether it is. */
static void *record_end(void)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t out = NULL;
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    device.recording = false;
    cudaStreamIsCapturing(ps_cuda_stream(), &status);
    if (status == cudaStreamCaptureStatusNone) return NULL; /* it did not begin, and why is kept */
    const cudaError_t error = cudaStreamEndCapture(ps_cuda_stream(), &graph);
    if (ps_cuda_good() && error == cudaSuccess) /* queues keep their priorities */
        PS_CU(cudaGraphInstantiate(&out, graph, cudaGraphInstantiateFlagUseNodePriority));
    if (graph) cudaGraphDestroy(graph);
    if (!out) ps_cuda_forgive();
    return out;
}

static void replay(void *recorded)
{
    PS_CU(cudaGraphLaunch((cudaGraphExec_t)recorded, ps_cuda_stream()));
}

static void recorded_free(void *recorded)
{
    if (!recorded) return;
    PS_CU(cudaDeviceSynchronize());
    cudaGraphExecDestroy((cudaGraphExec_t)recorded);
}

/* --- time --- */
/* In a recording an event only orders what is recorded, unless it is for those outside of it. */
static void tick(int i)
{
    const unsigned how = device.recording ? cudaEventRecordExternal : cudaEventRecordDefault;
    PS_CU(cudaEventRecordWithFlags(device.tick[i], ps_cuda_stream(), how));
}

/* Nothing depends on it: without a time work goes on. */
static double seconds(int from, int to)
{
    float ms = 0;
    if (!ps_cuda_good() || cudaEventElapsedTime(&ms, device.tick[from], device.tick[to]) == cudaSuccess)
        return 1e-3 * (double)ms;
    cudaGetLastError(); /* else a later call would be told of it */
    return 0;
}

/* Copies of the numbers are on their way while the host goes on to the next steps. */
static void set_step(const struct ps_nn_step *s)
{
    const int i = device.next;
    device.next = (i + 1) % SLOTS;
    PS_CU(cudaEventSynchronize(device.copied[i]));
    device.slot[i] = *s;
    ps_cuda_memory.put(device.step, &device.slot[i], sizeof *s);
    PS_CU(cudaEventRecord(device.copied[i], ps_cuda_stream()));
}

/* --- beginning and end --- */
enum ps_status ps_nn_open_cu(char *text, size_t room)
{
    int least = 0, greatest = 0;
    PS_CU(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    for (int i = 0; i < PS_NN_QUEUES; i++) { /* whoever else is waited for goes before computing */
        const int priority = i == PS_NN_COMPUTE ? least : greatest;
        PS_CU(cudaStreamCreateWithPriority(&device.stream[i], cudaStreamNonBlocking, priority));
        PS_CU(cudaEventCreateWithFlags(&device.reached[i], cudaEventDisableTiming));
    }
    /* a thread that waits leaves its core to those that load */
    for (int i = 0; i < PS_NN_MARKS; i++)
        PS_CU(cudaEventCreateWithFlags(&device.mark[i], cudaEventDisableTiming | cudaEventBlockingSync));
    for (int i = 0; i < PS_NN_TICKS; i++) PS_CU(cudaEventCreateWithFlags(&device.tick[i], cudaEventDefault));
    for (int i = 0; i < SLOTS; i++)
        PS_CU(cudaEventCreateWithFlags(&device.copied[i], cudaEventDisableTiming));
    PS_CU(cudaMalloc(&device.step, sizeof *device.step));
    PS_CU(cudaHostAlloc(&device.slot, SLOTS * sizeof *device.slot, cudaHostAllocDefault));
    use(PS_NN_COMPUTE);
    ps_dnn_tell(text, room);
    return ps_cuda_status();
}

static void destroy(cudaEvent_t *events, int n)
{
    for (int i = 0; i < n; i++)
        if (events[i]) cudaEventDestroy(events[i]);
}

void ps_nn_close_cu(void)
{
    ps_nn_leave_cu();
    ps_nn_dense_close_cu();
    ps_nn_conv_close_cu();
    ps_nn_lstm_close_cu();
    ps_cuda_memory.free(device.step);
    ps_cuda_memory.free_host(device.slot);
    destroy(device.mark, PS_NN_MARKS);
    destroy(device.reached, PS_NN_QUEUES);
    destroy(device.copied, SLOTS);
    destroy(device.tick, PS_NN_TICKS);
    for (int i = 0; i < PS_NN_QUEUES; i++)
        if (device.stream[i]) cudaStreamDestroy(device.stream[i]);
    device = {};
}

const struct ps_nn_device ps_nn_device_cu = {
    .memory = &ps_cuda_memory,
    .use = use,
    .after = after,
    .mark = mark,
    .await = await,
    .record_begin = record_begin,
    .record_end = record_end,
    .replay = replay,
    .recorded_free = recorded_free,
    .tick = tick,
    .seconds = seconds,
    .pictures = ps_nn_pictures_cu,
    .mix = ps_nn_mix_cu,
    .set_step = set_step,
    .loss = ps_nn_loss_cu,
    .check = ps_nn_check_cu,
    .follow = ps_nn_follow_cu,
    .optimizer_open = ps_nn_optimizer_open_cu,
    .optimizer_close = ps_nn_optimizer_close_cu,
    .optimizer_step = ps_nn_optimizer_step_cu,
    .optimizer_state = ps_nn_optimizer_state_cu,
    .name = ps_nn_name_cu,
    .join = ps_nn_join_cu,
    .leave = ps_nn_leave_cu,
    .sum = ps_nn_sum_cu,
    .group = ps_nn_group_cu,
};
