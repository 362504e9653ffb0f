/** Vectors of an image's channels, in single precision or in bf16, and as they are read through a
 * normalisation.
 */
#ifndef PS_NN_IMAGES_H
#define PS_NN_IMAGES_H

#include "kernels/nn/half_lanes.h"
#include "kernels/nn/nn_kernels.h"

/** Vectors of `channels` channels: k is where one begins, count how many it has. */
#define PS_EACH_VECTOR(channels)   \
    for (int64_t k = 0, count = 0; \
         count = (channels)-k < PS_LANES ? (channels)-k : PS_LANES, k < (channels); k += PS_LANES)

/** Element `at` of an image. */
static inline const void *ps_image_at(const void *image, int64_t at, bool half)
{
    return half ? (const void *)((const uint16_t *)image + at) : (const void *)((const float *)image + at);
}

static inline ps_vf ps_image_load(const void *image, int64_t at, int64_t count, bool half)
{
    if (half) return ps_vf_load_half_part((const uint16_t *)image + at, (int)count);
    return ps_vf_load_part((const float *)image + at, (int)count);
}

/** @return what was stored */
static inline ps_vf ps_image_store(void *image, int64_t at, ps_vf x, int64_t count, bool half)
{
    if (half) return ps_vf_store_half_part((uint16_t *)image + at, x, (int)count);
    ps_vf_store_part((float *)image + at, x, (int)count);
    return x;
}

/** a x + b of channels [k, k + count); x where r->a is NULL. */
static inline ps_vf ps_image_factors(const struct ps_nn_read *r, ps_vf x, int64_t k, int64_t count)
{
    if (!r->a) return x;
    return ps_vf_fma(ps_vf_load_part((const float *)r->a + k, (int)count), x,
                     ps_vf_load_part((const float *)r->b + k, (int)count));
}

/** x where key > 0, else 0. */
static inline ps_vf ps_image_where(ps_vf x, ps_vf key)
{
    return (ps_vf)((ps_vu)x & (ps_vu)(key > ps_vf_all(0)));
}

#endif
