/** Elements of images on the device: bf16 or float, in vectors of 16 bytes where they lie so. */
#ifndef PS_NN_CU_IMAGES_H
#define PS_NN_CU_IMAGES_H

#include <math.h>
#include "kernels/cuda.h"
#include "kernels/nn/nn_kernels.h"

/** What a kernel was compiled for: vectors of 8 bf16, of 4 floats, of 4 elements of which an argument says
 * what they are, or single such elements. */
enum ps_kind { PS_FLOATS, PS_HALVES, PS_MIXED };
struct ps_form {
    int vector;
    enum ps_kind kind;
};

/** An array of a kernel; `at` NULL: there is none. */
struct ps_image {
    const void *at;
    bool half;
};

/** The widest form for arrays [rows][channels]. */
static inline struct ps_form ps_form_of(int64_t channels, const struct ps_image *image, int images)
{
    bool aligned = channels % 4 == 0, half = false, single = false;
    for (int i = 0; i < images; i++) {
        if (!image[i].at) continue;
        aligned = aligned && (uintptr_t)image[i].at % 16 == 0;
        half = half || image[i].half;
        single = single || !image[i].half;
    }
    if (!aligned) return {1, PS_MIXED};
    if (!half) return {4, PS_FLOATS};
    return single || channels % 8 != 0 ? ps_form{4, PS_MIXED} : ps_form{8, PS_HALVES};
}

/** The kernel `kernel<vector, kind>` of a form. */
#define PS_OF_FORM(kernel, form)                       \
    ((form).vector == 8         ? kernel<8, PS_HALVES> \
     : (form).vector == 1       ? kernel<1, PS_MIXED>  \
     : (form).kind == PS_FLOATS ? kernel<4, PS_FLOATS> \
                                : kernel<4, PS_MIXED>)

/** Is an array in bf16, which is known where a kernel is of one kind? */
template <int KIND> __device__ static inline bool ps_is_half(bool told)
{
    return KIND == PS_MIXED ? told : KIND == PS_HALVES;
}

__device__ static inline void ps_halves(uint32_t pair, float *x)
{
    x[0] = ps_half_get((ps_half)(pair & 0xffffu));
    x[1] = ps_half_get((ps_half)(pair >> 16));
}

/** Two elements; x becomes what they are when they have been rounded. */
__device__ static inline uint32_t ps_pair(float *x)
{
#ifdef __CUDA_ARCH__
    const __nv_bfloat162 both = __floats2bfloat162_rn(x[0], x[1]); /* one instruction */
    const uint32_t pair = __bfloat16_as_ushort(both.x) | (uint32_t)__bfloat16_as_ushort(both.y) << 16;
#else
    const uint32_t pair = (uint32_t)ps_half_of(x[0]) | (uint32_t)ps_half_of(x[1]) << 16;
#endif
    ps_halves(pair, x);
    return pair;
}

/** Elements [at, at + V). */
template <int V> __device__ static inline void ps_load(const void *p, int64_t at, bool half, float (&x)[V])
{
    const ps_half *h = (const ps_half *)p + at;
    const float *f = (const float *)p + at;
    if constexpr (V == 1) {
        x[0] = half ? ps_half_get(*h) : *f;
    } else if (!half) {
        for (int i = 0; i < V; i += 4) {
            const float4 v = *(const float4 *)(f + i);
            x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
        }
    } else if constexpr (V == 4) {
        const uint2 v = *(const uint2 *)h;
        ps_halves(v.x, x), ps_halves(v.y, x + 2);
    } else {
        const uint4 v = *(const uint4 *)h;
        ps_halves(v.x, x), ps_halves(v.y, x + 2), ps_halves(v.z, x + 4), ps_halves(v.w, x + 6);
    }
}

/** x becomes what is stored. */
template <int V> __device__ static inline void ps_store(void *p, int64_t at, bool half, float (&x)[V])
{
    ps_half *h = (ps_half *)p + at;
    float *f = (float *)p + at;
    if constexpr (V == 1) {
        if (half) {
            *h = ps_half_of(x[0]);
            x[0] = ps_half_get(*h);
        } else {
            *f = x[0];
        }
    } else if (!half) {
        for (int i = 0; i < V; i += 4) *(float4 *)(f + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
    } else if constexpr (V == 4) {
        *(uint2 *)h = make_uint2(ps_pair(x), ps_pair(x + 2));
    } else {
        *(uint4 *)h = make_uint4(ps_pair(x), ps_pair(x + 2), ps_pair(x + 4), ps_pair(x + 6));
    }
}

/** Numbers of channels [k, k + V), which may lie anywhere; zeros where p is NULL. */
template <int V> __device__ static inline void ps_factors(const void *p, int64_t k, float (&x)[V])
{
    for (int i = 0; i < V; i++) x[i] = p ? ((const float *)p)[k + i] : 0;
}

__device__ static inline float ps_act(enum ps_nn_act act, float z)
{
    switch (act) {
    case PS_NN_RELU:
        return z < 0 ? 0 : z;
    case PS_NN_TANH:
        return tanhf(z);
    case PS_NN_SIGMOID:
        return 1 / (1 + expf(-z));
    default:
        return z;
    }
}

/** act'(z), as y = act(z) tells it. */
__device__ static inline float ps_slope(enum ps_nn_act act, float y)
{
    switch (act) {
    case PS_NN_RELU:
        return y > 0 ? 1 : 0;
    case PS_NN_TANH:
        return 1 - y * y;
    case PS_NN_SIGMOID:
        return y * (1 - y);
    default:
        return 1;
    }
}

#endif
