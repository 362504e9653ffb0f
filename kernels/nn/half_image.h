/** Images in bf16 as products read them: with borders of zeros, rounded, normalised. */
#ifndef PS_NN_HALF_IMAGE_H
#define PS_NN_HALF_IMAGE_H

#include "kernels/nn/nn_kernels.h"

/** Lines and places of zeros around each image of height x width x channels. */
struct ps_half_border {
    int64_t height, width, channels;
    int64_t above, below, left, right;
};

/** Numbers of an image with its border. */
int64_t ps_half_image(const struct ps_half_border *b);

/** Does an image lie with its border as it lies without? */
bool ps_half_borderless(const struct ps_half_border *b);

/** Copy n images, act(a x + b) of each number where `read` has an a, into borders; one zero more follows
 * them.
 * @param x in bf16 where `half`, else float
 * @param to [n][ps_half_image(b)] and one more */
void ps_half_copy(const struct ps_half_border *b, int64_t n, const void *x, bool half,
                  const struct ps_nn_read *read, uint16_t *to);

/** The gradient of y before act and normalisation, where they are: rounded to bf16 it takes the place of the
 * first bytes of dy.
 * @param n places, each of `channels` numbers
 * @param half y and dy are bf16, else float
 * @param from begins with the first place not yet converted; `to` is before it or there */
void ps_half_gradient(int64_t n, int64_t channels, enum ps_nn_act act, bool half,
                      const struct ps_nn_gradient_read *read, const void *y, const void *from, uint16_t *to);

#endif
