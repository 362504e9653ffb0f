/** The nets of the lectures. */
#ifndef MNIST_MODEL_H
#define MNIST_MODEL_H

#include "common/nn/net.h"

/** Build a net for images of height x width and `classes` classes; its outputs are logits.
 *   perceptron  fc: dense to classes
 *   ann         fc1, fc2: dense 128, ReLU; fc3: dense to classes
 *   cnn         conv1: 20 windows of 5 x 5, ReLU, largest of 2 x 2; conv2: 50, the same; fc1: dense 500,
 * ReLU; fc2: dense to classes. Convolutions are padded, so that they keep height and width.
 * @param model one of these three names
 * @param net out; to be freed whatever is returned
 * @return as ps_net_end: PS_OK; PS_EUSAGE (too small an image for cnn); PS_ENOMEM
 * Source of cnn: LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document
 * recognition", with the sizes of the LeNet that comes with Caffe. */
enum ps_status mnist_model(const char *model, const struct ps_nn_kernels *kernels, int64_t height,
                           int64_t width, int64_t classes, enum ps_init init, uint64_t seed,
                           struct ps_net *net);

#endif
