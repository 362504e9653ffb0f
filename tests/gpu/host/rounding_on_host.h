/** Elements as tensor cores see them, for libraries that stand in for those of CUDA. */
#ifndef PS_ROUNDING_ON_HOST_H
#define PS_ROUNDING_ON_HOST_H

#include "kernels/cuda.h"

/** To the 10 bits of TF32, to the nearest. */
static inline float ps_host_tf32(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0xfffu + (bits >> 13 & 1)) & ~0x1fffu;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/** An operand of a product, as it is or rounded to TF32, which leaves bf16 as it is. */
static inline double ps_host_operand(double v, bool tf32)
{
    return tf32 ? ps_host_tf32((float)v) : v;
}

static inline double ps_host_get(const void *x, int64_t i, bool half)
{
    return half ? ps_half_get(((const ps_half *)x)[i]) : ((const float *)x)[i];
}

static inline void ps_host_put(void *x, int64_t i, bool half, double v)
{
    if (half)
        ((ps_half *)x)[i] = ps_half_of((float)v);
    else
        ((float *)x)[i] = (float)v;
}

#endif
