/** How the threads of a block agree on the pair of a step: warps first, then all in one meeting. */
#ifndef PS_SVM_CU_SMO_MEET_H
#define PS_SVM_CU_SMO_MEET_H

#include "kernels/svm/cu_order.h"

/* Most warps of a block. Where tests stand in for devices few, so that small problems go all ways. */
#ifdef PS_CUDA_ON_HOST
enum { WARP = 32, WARPS = 4 };
#else
enum { WARP = 32, WARPS = 16 };
#endif
static const uint32_t NOBODY = ~0u;

/* As in smo_ref.c. */
struct top {
    double up, low;
    uint32_t i;
};

/* A partner j, with what the step needs of it. */
struct choice {
    uint64_t key; /* bits of its worth, and of ~j: the larger one is chosen; 0: none */
    double score;
    float k;
};

/* Where warps meet. */
struct meeting {
    uint64_t up[2][WARPS], low[2][WARPS];
    uint32_t i[2][WARPS];
    uint64_t key[WARPS];
    double score[WARPS];
    float k[WARPS];
};

/* --- the largest of a warp --- */

static __device__ uint32_t most(uint32_t v)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
    for (int half = WARP / 2; half > 0; half /= 2) v = max(v, __shfl_xor_sync(~0u, v, half));
    return v;
#else
    return __reduce_max_sync(~0u, v);
#endif
}

static __device__ uint64_t most_of_two(uint64_t v)
{
    const uint32_t hi = most((uint32_t)(v >> 32)), lo = most((uint32_t)(v >> 32) == hi ? (uint32_t)v : 0);
    return (uint64_t)hi << 32 | lo;
}

static __device__ int lane(void)
{
    return (int)threadIdx.x % WARP;
}

/* --- meetings of the block --- */

/* The top of all threads, at once in G groups. */
template <int G> static __device__ void meet(struct meeting *m, struct top top[G])
{
    const int warp = (int)threadIdx.x / WARP, from = lane();
    const bool there = from < (int)blockDim.x / WARP;
    PS_UNROLL_ALL
    for (int g = 0; g < G; g++) {
        const uint64_t mine = ps_svm_ordered(top[g].up), up = most_of_two(mine);
        const uint32_t i = ~most(mine == up ? ~top[g].i : 0);
        const uint64_t low = most_of_two(ps_svm_ordered(-top[g].low));
        if (from == 0) {
            m->up[g][warp] = up;
            m->low[g][warp] = low;
            m->i[g][warp] = i;
        }
    }
    __syncthreads();
    PS_UNROLL_ALL
    for (int g = 0; g < G; g++) {
        const uint64_t mine = there ? m->up[g][from] : 0, up = most_of_two(mine);
        top[g].up = ps_svm_number(up);
        top[g].i = ~most(there && mine == up ? ~m->i[g][from] : 0);
        top[g].low = -ps_svm_number(most_of_two(there ? m->low[g][from] : 0));
    }
}

/* The choice of all threads. */
static __device__ struct choice meet(struct meeting *m, struct choice mine)
{
    const int warp = (int)threadIdx.x / WARP, from = lane();
    struct choice best;
    const uint64_t key = most_of_two(mine.key);
    if (mine.key == key && (key != 0 || from == 0)) { /* one lane */
        m->key[warp] = key;
        m->score[warp] = mine.score;
        m->k[warp] = mine.k;
    }
    __syncthreads();
    const uint64_t there = from < (int)blockDim.x / WARP ? m->key[from] : 0;
    best.key = most_of_two(there);
    const int at = __ffs((int)__ballot_sync(~0u, there == best.key)) - 1;
    best.score = m->score[at];
    best.k = m->k[at];
    return best;
}

#endif
