/* What the stand-in for CUDA tells ThreadSanitizer: accesses of threads that did not meet are races, others
 * are none. Each kernel runs in a child, which the sanitizer lets fail where it saw a race. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernels/cuda.h"

enum { THREADS = 96, LANES = 32, RACE = 66 /* the sanitizer's status */ };

static int failures;

static __global__ void through_block(int *out, bool meet)
{
    PS_SHARED_DYNAMIC(int, part);
    part[threadIdx.x] = (int)threadIdx.x;
    if (meet) __syncthreads();
    out[blockIdx.x * THREADS + threadIdx.x] = part[(threadIdx.x + 1) % THREADS];
}

/* The second use of an array, without a barrier after the first. */
static __global__ void again(int *out, bool meet)
{
    PS_SHARED_DYNAMIC(int, part);
    int sum = 0;
    for (int round = 0; round < 2; round++) {
        part[threadIdx.x] = round;
        __syncthreads();
        sum += part[THREADS - 1 - threadIdx.x];
        if (meet) __syncthreads();
    }
    out[blockIdx.x * THREADS + threadIdx.x] = sum;
}

static __global__ void through_warp(int *out, bool meet)
{
    PS_SHARED_DYNAMIC(int, part);
    const unsigned other = threadIdx.x ^ 1;
    part[threadIdx.x] = (int)threadIdx.x;
    if (meet)
        __syncwarp();
    else
        __shfl_sync(~0u, 0, 0); /* says nothing of memory */
    out[blockIdx.x * THREADS + threadIdx.x] = part[other];
}

/* Warps do not wait for each other. */
static __global__ void beyond_warp(int *out, bool meet)
{
    PS_SHARED_DYNAMIC(int, part);
    part[threadIdx.x] = (int)threadIdx.x;
    __syncwarp();
    out[blockIdx.x * THREADS + threadIdx.x] = part[meet ? threadIdx.x ^ 1 : (threadIdx.x + LANES) % THREADS];
}

static __global__ void among_blocks(int *out, bool apart)
{
    if (threadIdx.x == 0) out[apart ? blockIdx.x : 0] = (int)blockIdx.x;
}

static __global__ void counted(int *out, bool atomic)
{
    if (atomic)
        atomicAdd(out, 1);
    else
        out[0]++;
}

static void go(void (*kernel)(int *, bool), bool right)
{
    int *there, here[4 * THREADS];
    PS_CU(cudaMalloc(&there, sizeof here));
    PS_CU(cudaMemset(there, 0, sizeof here));
    /* launches come after each other */
    for (int i = 0; i < 2; i++)
        PS_CU(ps_host_launch(NULL, kernel, 4, THREADS, THREADS * sizeof(int), there, right));
    PS_CU(cudaMemcpy(here, there, sizeof here, cudaMemcpyDeviceToHost));
    PS_CU(cudaFree(there));
    exit(ps_cuda_good() ? 0 : 1);
}

static void expect(const char *what, void (*kernel)(int *, bool), bool right)
{
    int status = 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        if (!right) fclose(stderr);
        go(kernel, right);
    }
    const bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    if (ended && WEXITSTATUS(status) == (right ? 0 : RACE)) return;
    failures++;
    printf("%s%s: status %d\n", what, right ? "" : ", done wrong", status);
}

int main()
{
    static const struct {
        const char *what;
        void (*kernel)(int *, bool);
    } cases[] = {{"what others of the block wrote", through_block},  {"an array that is used again", again},
                 {"what others of the warp wrote", through_warp},    {"what another warp wrote", beyond_warp},
                 {"a place that all blocks write to", among_blocks}, {"a count", counted}};
    for (const auto &c : cases) {
        expect(c.what, c.kernel, true);
        expect(c.what, c.kernel, false);
    }
    printf("races: %d failures\n", failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
