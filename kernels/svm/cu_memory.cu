/* Memory that calls use over and over: to ask CUDA for some, or give it back, waits for the device. */
#include "kernels/svm/cu.h"

enum { STAGES = 4, STAGE_BYTES = 1 << 20, KEPT = 16 };
static const int64_t KEPT_BYTES = (int64_t)64 << 20; /* larger ones are not kept */

/* Used in turn. What is larger has one of its own: else each would grow until it holds the largest. */
static struct ps_svm_stage stage[STAGES], large_stage;
static int next_stage;

/* What was asked for: in use, or kept. */
static struct {
    char *there;
    int64_t bytes;
    bool used;
} kept[KEPT];

/* --- stages --- */

static void stage_free(struct ps_svm_stage *s)
{
    ps_cuda_memory.free(s->there);
    ps_cuda_memory.free_host(s->here);
    s->there = s->here = NULL;
    s->bytes = 0;
}

static void stage_close(struct ps_svm_stage *s)
{
    stage_free(s);
    if (s->done) cudaEventDestroy(s->done);
    s->done = NULL;
}

static void stage_grow(struct ps_svm_stage *s, int64_t bytes)
{
    int64_t room = STAGE_BYTES;
    while (room < bytes) room *= 2;
    stage_free(s);
    if (!s->done) PS_CU(cudaEventCreateWithFlags(&s->done, cudaEventDisableTiming));
    s->there = (char *)ps_cuda_memory.alloc(room);
    s->here = (char *)ps_cuda_memory.alloc_host(room);
    s->bytes = room;
    if (s->there && s->here) return;
    stage_free(s);
    ps_cuda_fail(PS_ENOMEM, "memory for copies", "out of memory");
}

struct ps_svm_stage *ps_svm_stage_cu(int64_t bytes)
{
    struct ps_svm_stage *s = bytes > STAGE_BYTES ? &large_stage : &stage[next_stage];
    if (s != &large_stage) next_stage = (next_stage + 1) % STAGES;
    if (s->done) PS_CU(cudaEventSynchronize(s->done));
    if (s->bytes < bytes) stage_grow(s, bytes);
    return ps_cuda_good() ? s : NULL;
}

void ps_svm_stage_send_cu(const struct ps_svm_stage *s, int64_t bytes)
{
    ps_cuda_memory.put(s->there, s->here, bytes);
}

void ps_svm_stage_done_cu(const struct ps_svm_stage *s)
{
    PS_CU(cudaEventRecord(s->done, ps_cuda_stream()));
}

/* --- memory of the device --- */

static void forget_kept(void)
{
    for (auto &k : kept)
        if (!k.used) {
            ps_cuda_memory.free(k.there);
            k = {NULL, 0, false};
        }
}

/* The smallest of those that are large enough, and not much too large. */
static char *find_kept(int64_t bytes)
{
    int best = -1;
    for (int i = 0; i < KEPT; i++)
        if (kept[i].there && !kept[i].used && kept[i].bytes >= bytes && kept[i].bytes / 4 <= bytes &&
            (best < 0 || kept[i].bytes < kept[best].bytes))
            best = i;
    if (best < 0) return NULL;
    kept[best].used = true;
    return kept[best].there;
}

/* Remember what was asked for, in the place of the smallest that is not used. */
static void remember(char *there, int64_t bytes)
{
    int place = -1;
    for (int i = 0; i < KEPT; i++)
        if (!kept[i].used && (place < 0 || kept[i].bytes < kept[place].bytes)) place = i;
    if (place < 0) return;
    ps_cuda_memory.free(kept[place].there);
    kept[place] = {there, bytes, true};
}

char *ps_svm_take_cu(int64_t bytes)
{
    int64_t room = 4096;
    if (bytes > KEPT_BYTES) room = bytes;
    while (room < bytes) room *= 2;
    char *there = room <= KEPT_BYTES ? find_kept(room) : NULL;
    if (there) return there;
    there = (char *)ps_cuda_memory.alloc(room);
    if (!there) {
        forget_kept();
        there = (char *)ps_cuda_memory.alloc(room);
    }
    if (there && room <= KEPT_BYTES) remember(there, room);
    return there;
}

void ps_svm_leave_cu(char *there)
{
    for (auto &k : kept)
        if (there && k.there == there) {
            k.used = false;
            return;
        }
    ps_cuda_memory.free(there);
}

void ps_svm_close_cu(void)
{
    for (auto &s : stage) stage_close(&s);
    stage_close(&large_stage);
    forget_kept();
}
