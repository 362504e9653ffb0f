/** Lock-free union-find on the device. A root is the smallest number of its set, so the sets, once all unions
 * are done, and their roots do not depend on the order of the threads. Source: Jaiganesh and Burtscher
 * (2018), ECL-CC. */
#ifndef PS_DBSCAN_CU_UNITE_H
#define PS_DBSCAN_CU_UNITE_H

#include "kernels/cuda.h"

/** The root, as far as is known here. Reads pass by the caches that others' writes do not reach; a way that
 * is shortened twice at once stays a way to the root. */
__device__ static inline uint32_t ps_find(uint32_t *parent, uint32_t a)
{
    uint32_t up = __ldcg(&parent[a]);
    while (up != a) {
        const uint32_t above = __ldcg(&parent[up]);
        if (above == up) return up;
        __stcg(&parent[a], above);
        a = above;
        up = __ldcg(&parent[a]);
    }
    return a;
}

__device__ static inline void ps_unite(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = ps_find(parent, a);
    b = ps_find(parent, b);
    while (a != b) {
        if (a < b) {
            const uint32_t t = a;
            a = b;
            b = t;
        }
        const uint32_t was = atomicCAS(&parent[a], a, b); /* the larger root goes below the smaller one */
        if (was == a) return;
        a = ps_find(parent, was);
    }
}

#endif
