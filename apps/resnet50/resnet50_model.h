/** Residual nets for images, as torchvision has them, and the small ones for CIFAR. */
#ifndef RESNET50_MODEL_H
#define RESNET50_MODEL_H

#include "common/nn/net.h"

/** Names of the nets, as choices of a parameter. */
#define RESNET50_MODELS \
    "resnet18|resnet34|resnet50|resnet101|resnet152|resnet20|resnet32|resnet44|resnet56|resnet110"

enum { RESNET50_STAGES = 4 };

struct resnet50_plan {
    const char *model;            /**< one of RESNET50_MODELS */
    int64_t height, width, bands; /**< of images */
    int64_t outputs;              /**< classes */
    bool zero_norm;               /**< the last norm of each block begins with weights of 0 */
    int freeze;                   /**< 0: nothing; 1: the stem; 1 + k: and stages 1 to k */
    enum ps_init init;
    uint64_t seed;
};

/** Build a net whose outputs are logits; names of weights are torchvision's.
 *
 *   resnet18, 34         stem of 7 x 7 and largest of 3 x 3, four stages of blocks of two 3 x 3 convolutions
 *   resnet50, 101, 152   the same with bottlenecks of 1 x 1, 3 x 3, 1 x 1, the stride in the 3 x 3 (v1.5)
 *   resnet20 to 110      stem of 3 x 3, three stages of 16, 32 and 64 channels and (depth - 2) / 6 blocks
 *
 * Shortcuts that change shape are convolutions of 1 x 1 (option B of the paper).
 * @param net out; to be freed whatever is returned
 * @return as ps_net_end: PS_OK; PS_EUSAGE (the last features are no square; an image too small); PS_ENOMEM
 * Source: He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", table 1 and section
 * 4.2. */
enum ps_status resnet50_model(const struct resnet50_plan *plan, const struct ps_nn_kernels *kernels,
                              struct ps_net *net);

/** Stages that a model has. @return 3 or 4 */
int resnet50_stages(const char *model);

#endif
