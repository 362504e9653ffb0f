/** Coordinates as unsigned integers of the same order, so that minima and maxima are those of integers. */
#ifndef PS_DBSCAN_CU_ORDERED_H
#define PS_DBSCAN_CU_ORDERED_H

#include "kernels/cuda.h"
#include <string.h>

static const uint64_t PS_CU_SIGN = UINT64_C(1) << 63;

__host__ __device__ static inline uint64_t ps_cu_ordered(double v)
{
    union {
        double value;
        uint64_t bits;
    } u = {v};
    return u.bits & UINT64_C(1) << 63 ? ~u.bits : u.bits | UINT64_C(1) << 63;
}

__host__ __device__ static inline uint64_t ps_cu_ordered(int64_t v)
{
    return (uint64_t)v ^ UINT64_C(1) << 63;
}

/** The number that ps_cu_ordered made it from. */
static inline double ps_cu_double_of(uint64_t ordered)
{
    const uint64_t bits = ordered & PS_CU_SIGN ? ordered ^ PS_CU_SIGN : ~ordered;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline int64_t ps_cu_int_of(uint64_t ordered)
{
    return (int64_t)(ordered ^ PS_CU_SIGN);
}

#endif
