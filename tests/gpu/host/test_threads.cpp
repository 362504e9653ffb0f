/* What stands in for CUDA: threads that meet, shared memory, and what it does where a kernel is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include "kernels/cuda.h"

enum { THREADS = 96, LANES = 32 };

static int failures;

static void expect(bool holds, const char *what)
{
    if (holds) return;
    failures++;
    printf("not so: %s\n", what);
}

template <class... P, class... A>
static std::vector<int> run(void (*kernel)(int *, P...), dim3 grid, dim3 block, size_t shared, int n,
                            A... args)
{
    int *there;
    std::vector<int> here((size_t)n);
    expect(cudaMalloc(&there, (size_t)n * sizeof(int)) == cudaSuccess, "memory");
    expect(ps_host_launch(NULL, kernel, grid, block, shared, there, args...) == cudaSuccess, "launch");
    expect(cudaMemcpy(here.data(), there, (size_t)n * sizeof(int), cudaMemcpyDeviceToHost) == cudaSuccess,
           "copy");
    expect(cudaFree(there) == cudaSuccess, "free");
    return here;
}

static __global__ void numbers(int *out)
{
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const unsigned i = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
    out[i] = (int)i;
}

static void places()
{
    const std::vector<int> x = run(numbers, dim3(2, 3, 2), dim3(5, 2, 3), 0, 360);
    for (int i = 0; i < 360; i++) expect(x[(size_t)i] == i, "each thread of each block runs once");
}

/* Thread i writes and then reads what its neighbour wrote; without the barrier that is not there yet in one
 * order of threads. */
static __global__ void turn(int *out, bool barrier)
{
    PS_SHARED_DYNAMIC(int, part);
    const int i = (int)threadIdx.x;
    part[i] = i;
    if (barrier) __syncthreads();
    out[i] = part[(i + 1) % (int)blockDim.x];
}

static void barriers()
{
    const std::vector<int> x = run(turn, 1, THREADS, THREADS * sizeof(int), THREADS, true);
    for (int i = 0; i < THREADS; i++) expect(x[(size_t)i] == (i + 1) % THREADS, "a barrier");
    const std::vector<int> y = run(turn, 1, THREADS, THREADS * sizeof(int), THREADS, false);
    expect(y[0] == -1 || y[THREADS - 1] == -1, "a missing barrier shows as what memory held at first");
}

static __global__ void sums(int *out)
{
    int v = (int)threadIdx.x;
    for (int half = LANES / 2; half > 0; half /= 2) v += __shfl_xor_sync(~0u, v, half);
    const int up = __shfl_up_sync(~0u, (int)threadIdx.x, 1),
              down = __shfl_down_sync(~0u, (int)threadIdx.x, 1);
    const int first = __shfl_sync(~0u, (int)threadIdx.x, 3, 8);
    const unsigned odd = __ballot_sync(~0u, threadIdx.x % 2);
    int *mine = out + 5 * threadIdx.x;
    mine[0] = v;
    mine[1] = up;
    mine[2] = down;
    mine[3] = first;
    mine[4] = (int)odd;
}

static void warps()
{
    const std::vector<int> x = run(sums, 1, THREADS, 0, 5 * THREADS);
    for (int i = 0; i < THREADS; i++) {
        const int *mine = &x[(size_t)(5 * i)], warp = i / LANES * LANES, lane = i % LANES;
        expect(mine[0] == LANES * warp + LANES * (LANES - 1) / 2, "a sum over a warp");
        expect(mine[1] == (lane > 0 ? i - 1 : i), "the lane before");
        expect(mine[2] == (lane < LANES - 1 ? i + 1 : i), "the lane behind");
        expect(mine[3] == i / 8 * 8 + 3, "a lane of a part of a warp");
        expect((unsigned)mine[4] == 0xaaaaaaaau, "a ballot");
    }
}

static __global__ void some_meet(int *out)
{
    if (threadIdx.x < 3) __syncthreads();
    out[threadIdx.x] = 0;
}

static __global__ void two_places(int *out)
{
    if (threadIdx.x % 2)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 0;
}

static __global__ void beyond(int *out)
{
    out[threadIdx.x + 1] = 0;
}

static void host_reads()
{
    int *there;
    cudaMalloc(&there, sizeof *there);
    printf("%d\n", *there);
}

/* A child that does it must end by itself, and say `why`. */
static void dies(const char *what, const char *why, void (*go)())
{
    char said[4096] = "";
    int end[2], status = 0;
    size_t n = 0;
    expect(pipe(end) == 0, "pipe");
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        dup2(end[1], STDERR_FILENO);
        go();
        exit(0);
    }
    close(end[1]);
    for (ssize_t got; n < sizeof said - 1 && (got = read(end[0], said + n, sizeof said - 1 - n)) > 0;)
        n += (size_t)got;
    close(end[0]);
    expect(waitpid(child, &status, 0) == child && status != 0, what);
    expect(strstr(said, why) != NULL, what);
}

int main()
{
    places();
    barriers();
    warps();
    dies("threads that end while others wait", "others have ended",
         [] { run(some_meet, 1, THREADS, 0, THREADS); });
    dies("threads that wait at two places", "waits at", [] { run(two_places, 1, THREADS, 0, THREADS); });
    dies("a write beyond an array", "AddressSanitizer", [] { run(beyond, 1, THREADS, 0, THREADS); });
    dies("the host reads memory of the device", "SEGV", host_reads);
    printf("threads: %d failures\n", failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
