/** Products of convolutions, computed plainly for what stands in for cuDNN. */
#ifndef PS_CUDNN_CONV_ON_HOST_H
#define PS_CUDNN_CONV_ON_HOST_H

#include <cudnn_on_host.h>

/** An array [n][height][width][channels]. */
struct ps_host_image {
    void *at;
    int64_t size[4]; /**< n, channels, height, width */
    bool half;
};

/** One of alpha (x * w) + beta y and the two gradients that go with it. */
struct ps_host_conv {
    cudnnBackendDescriptorType_t way; /**< of its operation */
    bool tf32;                        /**< operands are rounded so */
    struct ps_host_image x, w, y;
    int64_t pad, step;
    float alpha, beta;
    float *sums, *squares; /**< of each channel of y; NULL: not wanted */
    char *work;            /**< is filled with garbage */
    int64_t bytes;
};
void ps_host_conv_compute(const struct ps_host_conv *p);

#endif
