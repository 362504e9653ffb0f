/** The passes of a convolution in bf16 that are more than a walk of windows over images. */
#ifndef PS_NN_HALF_PARTS_H
#define PS_NN_HALF_PARTS_H

#include "kernels/nn/half_convolve.h"
#include "kernels/nn/half_image.h"
#include "kernels/nn/half_lanes.h"

/** Floats in which n numbers in bf16 find room, of whole cache lines. */
static inline int64_t ps_half_floats(int64_t n)
{
    return (n + 31) / 32 * 16;
}

/** Are so many floats of prepared weights still in a cache when they are read? */
static inline bool ps_half_near(int64_t floats)
{
    return floats < 1 << 19;
}

/** Store prepared weights, past the caches unless they are near. */
static inline void ps_half_put(float *to, ps_vf v, bool near)
{
    if (near)
        ps_vf_store(to, v);
    else
        ps_vf_stream(to, v);
}

/* The gradient of the input. With a stride of s, lines y and y + s of x meet the same lines of the window,
 * and so do columns: each of these s x s phases is a convolution of the gradient of y, with stride 1 and the
 * part of the window that it meets, turned round. */

/** Floats of the weights as it reads them. */
int64_t ps_half_data_prepared(const struct ps_nn_conv *l);

/** Write part `part` of `parts` of them. */
void ps_half_data_prepare(const struct ps_nn_conv *l, const float *w, float *prepared, int part, int parts);

/** The border that the gradient of y wants. */
struct ps_half_border ps_half_data_border(const struct ps_nn_conv *l);

/** Gradients of the inputs of n images.
 * @param d gradient of y, with that border
 * @param finish what becomes of them; its out and x begin with the first of these images
 * @param soon what to fetch meanwhile, or NULL */
void ps_half_data(const struct ps_nn_conv *l, int64_t n, const uint16_t *d, const float *prepared,
                  const struct ps_half_finish *finish, struct ps_half_soon *soon);

/** Floats of scratch of ps_half_weights. */
int64_t ps_half_weights_work(const struct ps_nn_conv *l);

/** Gradients of weights and biases.
 * @param walk windows of places in x, and their gradients in d
 * @param line numbers from a line of x to the next
 * @param dw [out][window], then [out] unless l->plain; added to where `add`
 * @param soon what to fetch meanwhile */
void ps_half_weights(const struct ps_nn_conv *l, const struct ps_half_walk *walk, const uint16_t *x,
                     int64_t line, const uint16_t *d, bool add, float *dw, float *work,
                     struct ps_half_soon *soon);

#endif
