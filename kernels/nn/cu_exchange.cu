#include <string.h>
#include "kernels/nn/cu.h"
#ifdef PS_CUDA_ON_HOST
#    include <nccl_on_host.h>
#else
#    include <nccl.h>
#endif

enum { THREADS = 256, LEVELS = 32, ALIGNED = 4 /**< floats of 16 bytes */ };
static_assert(PS_NN_ID == (int)NCCL_UNIQUE_ID_BYTES, "a name of a group is NCCL's");

static struct {
    ncclComm_t comm;
    int ranks, rank;
    float *rest; /* on the device: what ranks cannot share out evenly, [ranks][less than ALIGNED ranks] */
} group;

/** What the library tells of a failure beyond its kind. */
static const char *why(ncclResult_t error)
{
    const char *told = ncclGetLastError(NULL);
    return told && told[0] ? told : ncclGetErrorString(error);
}

/** A call of NCCL: made if all is good, and checked. */
#define PS_NCCL(call)                                                                          \
    do {                                                                                       \
        if (ps_cuda_good()) {                                                                  \
            const ncclResult_t error_ = (call);                                                \
            if (error_ != ncclSuccess) ps_cuda_fail(PS_EBACKEND, "NCCL: " #call, why(error_)); \
        }                                                                                      \
    } while (0)

enum ps_status ps_nn_name_cu(char id[PS_NN_ID])
{
    ncclUniqueId name = {};
    PS_NCCL(ncclGetUniqueId(&name));
    memcpy(id, &name, PS_NN_ID);
    return ps_cuda_status();
}

enum ps_status ps_nn_join_cu(int ranks, int rank, const char id[PS_NN_ID])
{
    ncclUniqueId name;
    memcpy(&name, id, PS_NN_ID);
    group.ranks = ranks;
    group.rank = rank;
    if (!ps_cuda_good()) return ps_cuda_status();
    const ncclResult_t error = ncclCommInitRank(&group.comm, ranks, name, rank);
    if (error != ncclSuccess)
        ps_cuda_fail(PS_EBACKEND,
                     error == ncclInvalidUsage ? "NCCL wants one rank for each GPU"
                                               : "NCCL: ncclCommInitRank",
                     why(error));
    /* after it, where others wait for all */
    PS_CU(cudaMalloc(&group.rest, (size_t)ranks * (size_t)ranks * ALIGNED * sizeof *group.rest));
    return ps_cuda_status();
}

void ps_nn_leave_cu(void)
{
    PS_CU(cudaDeviceSynchronize());
    if (group.comm && ps_cuda_good())
        ncclCommDestroy(group.comm);
    else if (group.comm)
        ncclCommAbort(group.comm); /* others may wait in vain */
    if (group.rest) cudaFree(group.rest);
    group = {};
}

/* out = sum of the ranks' vectors along the binary tree of common/par/grain: ranks come in order, and two
 * sums of as many ranks each become one. A rank's vector is at from + rank * n; that of `mine` is out. */
static __global__ void add_tree(int64_t n, int ranks, int mine, const float *__restrict__ from, float *out)
{
    const int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        float sum[LEVELS] = {};
        int sums = 0;
        for (int r = 0; r < ranks; r++) {
            sum[sums++] = r == mine ? out[i] : from[(mine >= 0 && r > mine ? r - 1 : r) * n + i];
            for (int whole = r + 1; whole % 2 == 0; whole /= 2, sums--) sum[sums - 2] += sum[sums - 1];
        }
        for (; sums > 1; sums--) sum[sums - 2] += sum[sums - 1];
        out[i] = sum[0];
    }
}

static void add(int64_t n, int mine, const float *from, float *out)
{
    const int64_t most = 16 * (int64_t)ps_cuda_processors(), blocks = (n + THREADS - 1) / THREADS;
    PS_LAUNCH(add_tree, (unsigned)(blocks < most ? blocks : most), THREADS, 0, n, group.ranks, mine, from,
              out);
}

/* Each rank adds its share, and has a sum of the rest of its own. */
static void sum_exactly(float *x, int64_t n, float *work)
{
    const cudaStream_t stream = ps_cuda_stream();
    const int64_t share = n / group.ranks / ALIGNED * ALIGNED, rest = n - share * group.ranks;
    float *const mine = x + group.rank * share, *const tail = x + group.ranks * share;
    PS_NCCL(ncclGroupStart());
    for (int r = 0, at = 0; r < group.ranks && share > 0; r++) {
        if (r == group.rank) continue;
        PS_NCCL(ncclSend(x + r * share, (size_t)share, ncclFloat, r, group.comm, stream));
        PS_NCCL(ncclRecv(work + at++ * share, (size_t)share, ncclFloat, r, group.comm, stream));
    }
    PS_NCCL(ncclGroupEnd());
    add(share, group.rank, work, mine);
    if (share > 0) PS_NCCL(ncclAllGather(mine, x, (size_t)share, ncclFloat, group.comm, stream));
    if (rest > 0) PS_NCCL(ncclAllGather(tail, group.rest, (size_t)rest, ncclFloat, group.comm, stream));
    add(rest, -1, group.rest, tail);
}

void ps_nn_sum_cu(float *x, int64_t n, bool exact, float *work)
{
    if (group.ranks < 2) return;
    if (exact)
        sum_exactly(x, n, work);
    else
        PS_NCCL(ncclAllReduce(x, x, (size_t)n, ncclFloat, ncclSum, group.comm, ps_cuda_stream()));
}

void ps_nn_gather_cu(int members, int member, int64_t n, double *x)
{
    const size_t floats = (size_t)n * (sizeof *x / sizeof(float)); /* bits, whatever the type */
    const int first = group.rank - member;
    PS_NCCL(ncclGroupStart());
    for (int m = 0; m < members; m++) {
        if (m == member) continue;
        PS_NCCL(ncclSend(x + member * n, floats, ncclFloat, first + m, group.comm, ps_cuda_stream()));
        PS_NCCL(ncclRecv(x + m * n, floats, ncclFloat, first + m, group.comm, ps_cuda_stream()));
    }
    PS_NCCL(ncclGroupEnd());
}
