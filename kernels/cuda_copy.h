/** Copies between a device and memory of the host that is not made for them: in parts through two buffers
 * that are, by turns, so that the host copies one part while the device takes or gives another. The driver
 * alone would make them wait for each other. */
#ifndef PS_CUDA_COPY_H
#define PS_CUDA_COPY_H

#include "kernels/cuda.h"

struct ps_cuda_copier {
    int64_t part; /* bytes of a buffer; parts of a copy take one and the other */
    char *here[2];
    cudaEvent_t done[2]; /* with each */
};

/** Buffers for copies of at most `most` bytes, or for parts of such. @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_cuda_copier_open(int64_t most, struct ps_cuda_copier *out);
void ps_cuda_copier_close(struct ps_cuda_copier *c); /**< All zero is fine. */

/** To the device, in the queue in use: `here` may change afterwards, the last parts are still on their way.
 */
void ps_cuda_copier_put(struct ps_cuda_copier *c, void *there, const void *here, int64_t bytes);
/** To the host, after all that is in the queue. Waits for it. Where something failed, `here` stays as it is.
 */
void ps_cuda_copier_get(struct ps_cuda_copier *c, void *here, const void *there, int64_t bytes);

#endif
