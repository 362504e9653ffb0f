/** Lock-free union-find over cells. A root is the smallest number of its set, so the forest's sets, once all
 * unions are done, do not depend on the order of the threads. Source: Jayanti and Tarjan (2016). */
#ifndef PS_DBSCAN_CPU_UNITE_H
#define PS_DBSCAN_CPU_UNITE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t ps_find(uint32_t *parent, uint32_t a)
{
    uint32_t up = __atomic_load_n(&parent[a], __ATOMIC_RELAXED);
    while (up != a) {
        uint32_t above = __atomic_load_n(&parent[up], __ATOMIC_RELAXED);
        if (above == up) return up;
        /* a lost race leaves a longer path, never a wrong one */
        __atomic_compare_exchange_n(&parent[a], &up, above, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        a = above;
        up = __atomic_load_n(&parent[a], __ATOMIC_RELAXED);
    }
    return a;
}

static inline void ps_unite(uint32_t *parent, uint32_t a, uint32_t b)
{
    for (;;) {
        a = ps_find(parent, a);
        b = ps_find(parent, b);
        if (a == b) return;
        if (a < b) {
            uint32_t t = a;
            a = b;
            b = t;
        }
        uint32_t expected = a;
        if (__atomic_compare_exchange_n(&parent[a], &expected, b, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return;
    }
}

#endif
