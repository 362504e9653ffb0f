#include "nccl_on_host.h"
#include <atomic>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "cuda_host_parts.h"

enum { CHUNK = 64 << 10, PATIENCE = 120 /* seconds */ };

/* What one rank has for another: a chunk of a message at a time. */
struct channel {
    std::atomic<uint32_t> full;
    uint32_t bytes;
    uint64_t whole; /* bytes of the message */
    bool recorded;  /* the sender replays it */
    char data[CHUNK];
};

struct shared {
    std::atomic<int> joined;
    struct channel channel[]; /* [from][to] */
};

struct ps_host_comm {
    struct shared *shared;
    size_t bytes;
    int ranks, rank;
};

/* A message on its way. */
struct message {
    bool send;
    char *at;
    size_t bytes, done;
    int peer;
    bool recorded;
};

static int depth; /* of groups */
static std::vector<struct message> in_group;
static ncclComm_t group_comm;
static cudaStream_t group_stream;

const char *ncclGetErrorString(ncclResult_t error)
{
    switch (error) {
    case ncclSuccess:
        return "no error";
    case ncclSystemError:
        return "unhandled system error";
    case ncclInvalidArgument:
        return "invalid argument";
    case ncclInvalidUsage:
        return "invalid usage";
    }
    return "unknown result code";
}

const char *ncclGetLastError(ncclComm_t)
{
    return "";
}

/* --- groups of ranks --- */
static void pause_or_die(time_t begun, const char *what)
{
    if (time(NULL) - begun > PATIENCE) ps_host_die("NCCL: %d seconds for %s that never came", PATIENCE, what);
    sched_yield();
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *out)
{
    *out = {};
    return getrandom(out->internal, 16, 0) == 16 ? ncclSuccess : ncclSystemError;
}

static std::string path_of(const ncclUniqueId &id)
{
    const char *temporary = getenv("TMPDIR");
    std::string path = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : temporary ? temporary : "/tmp";
    path += "/psml-nccl-";
    for (int i = 0; i < 16; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", (unsigned char)id.internal[i]);
        path += hex;
    }
    return path;
}

ncclResult_t ncclCommInitRank(ncclComm_t *out, int ranks, ncclUniqueId id, int rank)
{
    const std::string path = path_of(id);
    const size_t bytes = sizeof(struct shared) + (size_t)ranks * (size_t)ranks * sizeof(struct channel);
    const int file = open(path.c_str(), O_CREAT | O_RDWR, 0600);
    if (file < 0) return ncclSystemError;
    void *memory = MAP_FAILED;
    if (ftruncate(file, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
        unlink(path.c_str());
        return ncclSystemError;
    }
    struct shared *shared = (struct shared *)memory;
    const time_t begun = time(NULL);
    if (shared->joined.fetch_add(1) + 1 == ranks) unlink(path.c_str());
    while (shared->joined.load() < ranks) {
        if (time(NULL) - begun > PATIENCE) unlink(path.c_str());
        pause_or_die(begun, "a rank");
    }
    *out = new ps_host_comm{shared, bytes, ranks, rank};
    return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm)
{
    munmap(comm->shared, comm->bytes);
    delete comm;
    return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm)
{
    return ncclCommDestroy(comm);
}

/* --- messages --- */
static bool send_chunk(struct channel *c, struct message *m)
{
    if (c->full.load(std::memory_order_acquire)) return false;
    c->bytes = (uint32_t)std::min(m->bytes - m->done, (size_t)CHUNK);
    c->whole = m->bytes;
    c->recorded = m->recorded;
    memcpy(c->data, m->at + m->done, c->bytes);
    m->done += c->bytes;
    c->full.store(1, std::memory_order_release);
    return true;
}

static bool receive_chunk(struct channel *c, struct message *m)
{
    if (!c->full.load(std::memory_order_acquire)) return false;
    if (c->whole != m->bytes)
        ps_host_die("NCCL: rank %d sends %zu bytes to one that wants %zu", m->peer, (size_t)c->whole,
                    m->bytes);
    if (c->recorded != m->recorded)
        ps_host_die("NCCL: of what rank %d sends only one of both sides was recorded", m->peer);
    memcpy(m->at + m->done, c->data, c->bytes);
    m->done += c->bytes;
    c->full.store(0, std::memory_order_release);
    return true;
}

/* All messages at once, as far as others are there for them. */
static void transfer(ncclComm_t comm, std::vector<struct message> all)
{
    time_t begun = time(NULL);
    for (size_t left = all.size(); left > 0;) {
        bool moved = false;
        for (auto &m : all) {
            const int from = m.send ? comm->rank : m.peer, to = m.send ? m.peer : comm->rank;
            struct channel *c = &comm->shared->channel[from * comm->ranks + to];
            if (m.done == m.bytes || !(m.send ? send_chunk(c, &m) : receive_chunk(c, &m))) continue;
            moved = true;
            if (m.done == m.bytes) left--;
        }
        if (moved) begun = time(NULL);
        if (!moved) pause_or_die(begun, "a message");
    }
}

static bool is_there(const void *memory, size_t bytes)
{
    return ps_host_whose(memory, bytes) == PS_HOST_DEVICE;
}

static bool is_recorded(cudaStream_t stream)
{
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    cudaStreamIsCapturing(stream, &status);
    return status != cudaStreamCaptureStatusNone;
}

static ncclResult_t message(const struct message &m, ncclComm_t comm, cudaStream_t stream)
{
    if (!is_there(m.at, m.bytes) || m.peer < 0 || m.peer >= comm->ranks) return ncclInvalidArgument;
    if (depth == 0 || (group_comm && (group_comm != comm || group_stream != stream))) return ncclInvalidUsage;
    in_group.push_back(m);
    group_comm = comm;
    group_stream = stream;
    return ncclSuccess;
}

ncclResult_t ncclSend(const void *from, size_t n, ncclDataType_t, int to, ncclComm_t comm,
                      cudaStream_t stream)
{
    return message({true, (char *)from, n * sizeof(float), 0, to, is_recorded(stream)}, comm, stream);
}

ncclResult_t ncclRecv(void *to, size_t n, ncclDataType_t, int from, ncclComm_t comm, cudaStream_t stream)
{
    return message({false, (char *)to, n * sizeof(float), 0, from, is_recorded(stream)}, comm, stream);
}

ncclResult_t ncclGroupStart(void)
{
    depth++;
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd(void)
{
    if (--depth > 0 || in_group.empty()) return ncclSuccess;
    const ncclComm_t comm = group_comm;
    const auto all = std::move(in_group);
    in_group = {};
    group_comm = NULL;
    ps_host_enqueue_work(group_stream, [comm, all] { transfer(comm, all); });
    return ncclSuccess;
}

/* --- collectives --- */
/* to[rank][bytes] on the host or the device, of all ranks. */
static void gather(ncclComm_t comm, bool recorded, const void *from, char *to, size_t bytes)
{
    std::vector<struct message> all;
    for (int r = 0; r < comm->ranks; r++) {
        if (r == comm->rank) continue;
        all.push_back({true, (char *)from, bytes, 0, r, recorded});
        all.push_back({false, to + (size_t)r * bytes, bytes, 0, r, recorded});
    }
    memmove(to + (size_t)comm->rank * bytes, from, bytes);
    transfer(comm, all);
}

ncclResult_t ncclAllGather(const void *from, void *to, size_t n, ncclDataType_t, ncclComm_t comm,
                           cudaStream_t stream)
{
    const size_t bytes = n * sizeof(float);
    if (!is_there(from, bytes) || !is_there(to, bytes * (size_t)comm->ranks)) return ncclInvalidArgument;
    if (depth > 0) return ncclInvalidUsage;
    const bool recorded = is_recorded(stream);
    ps_host_enqueue_work(stream, [=] { gather(comm, recorded, from, (char *)to, bytes); });
    return ncclSuccess;
}

/* In the order of ranks, which is not that of the binary tree. */
static void reduce(ncclComm_t comm, bool recorded, const void *from, float *to, size_t n)
{
    std::vector<float> all(n * (size_t)comm->ranks);
    gather(comm, recorded, from, (char *)all.data(), n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        float sum = all[i];
        for (int r = 1; r < comm->ranks; r++) sum += all[(size_t)r * n + i];
        to[i] = sum;
    }
}

ncclResult_t ncclAllReduce(const void *from, void *to, size_t n, ncclDataType_t, ncclRedOp_t, ncclComm_t comm,
                           cudaStream_t stream)
{
    if (!is_there(from, n * sizeof(float)) || !is_there(to, n * sizeof(float))) return ncclInvalidArgument;
    if (depth > 0) return ncclInvalidUsage;
    const bool recorded = is_recorded(stream);
    ps_host_enqueue_work(stream, [=] { reduce(comm, recorded, from, (float *)to, n); });
    return ncclSuccess;
}
