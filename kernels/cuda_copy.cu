#include "kernels/cuda_copy.h"
#include <string.h>

/* A part is long beside the start of a copy; threads take slices of it. */
static const int64_t PART = INT64_C(2) << 20, SLICE = INT64_C(128) << 10;

/* One thread alone is slower than the bus. */
static void copy(char *to, const char *from, int64_t bytes)
{
#pragma omp parallel for schedule(static) if (bytes > SLICE)
    for (int64_t at = 0; at < bytes; at += SLICE)
        memcpy(to + at, from + at, (size_t)(bytes - at < SLICE ? bytes - at : SLICE));
}

enum ps_status ps_cuda_copier_open(int64_t most, struct ps_cuda_copier *out)
{
    *out = {};
    out->part = most < PART ? most : PART;
    out->here[0] = (char *)ps_cuda_memory.alloc_host(2 * out->part);
    if (!out->here[0]) return PS_ENOMEM;
    out->here[1] = out->here[0] + out->part;
    for (cudaEvent_t &done : out->done) PS_CU(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
    return ps_cuda_status();
}

void ps_cuda_copier_close(struct ps_cuda_copier *c)
{
    ps_cuda_memory.free_host(c->here[0]);
    for (const cudaEvent_t done : c->done)
        if (done) cudaEventDestroy(done);
    *c = {};
}

static int buffer_of(const struct ps_cuda_copier *c, int64_t at)
{
    return (int)(at / c->part % 2);
}

static int64_t bytes_of(const struct ps_cuda_copier *c, int64_t at, int64_t all)
{
    return all - at < c->part ? all - at : c->part;
}

static void mark(const struct ps_cuda_copier *c, int i)
{
    PS_CU(cudaEventRecord(c->done[i], ps_cuda_stream()));
}

static void await(const struct ps_cuda_copier *c, int i)
{
    PS_CU(cudaEventSynchronize(c->done[i]));
}

void ps_cuda_copier_put(struct ps_cuda_copier *c, void *there, const void *here, int64_t bytes)
{
    for (int64_t at = 0; at < bytes && ps_cuda_good(); at += c->part) {
        const int i = buffer_of(c, at);
        const int64_t part = bytes_of(c, at, bytes);
        await(c, i);
        copy(c->here[i], (const char *)here + at, part);
        ps_cuda_memory.put((char *)there + at, c->here[i], part);
        mark(c, i);
    }
}

/* Both buffers are asked for before the first is there. */
void ps_cuda_copier_get(struct ps_cuda_copier *c, void *here, const void *there, int64_t bytes)
{
    for (int64_t at = 0, asked = 0; at < bytes; at += c->part) {
        for (; asked < bytes && asked - at < 2 * c->part; asked += c->part) {
            const int i = buffer_of(c, asked);
            ps_cuda_memory.get(c->here[i], (const char *)there + asked, bytes_of(c, asked, bytes));
            mark(c, i);
        }
        await(c, buffer_of(c, at));
        if (!ps_cuda_good()) return;
        copy((char *)here + at, c->here[buffer_of(c, at)], bytes_of(c, at, bytes));
    }
}
