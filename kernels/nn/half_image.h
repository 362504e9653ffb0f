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

/** What images are copied from: act(a x + b) of each number where `read` has an a, else x; or the gradient of
 * y before act and normalisation, of which x is the gradient as it came. */
struct ps_half_source {
    const void *x;
    bool half; /**< x and y are in bf16, else float */
    struct ps_nn_read read;
    const void *y; /**< or NULL */
    struct ps_nn_gradient_read gradient;
    enum ps_nn_act act; /**< that made y */
};

/** Does a copy hold the same numbers? */
bool ps_half_same(const struct ps_half_source *s);

/** Copy n images, rounded, into borders; one zero more follows them.
 * @param to [n][ps_half_image(b)] and one more */
void ps_half_copy(const struct ps_half_border *b, int64_t n, const struct ps_half_source *s, uint16_t *to);

#endif
