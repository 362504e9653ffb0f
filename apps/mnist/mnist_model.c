#include "apps/mnist/mnist_model.h"

#include <string.h>

enum { HIDDEN = 128, WINDOW = 5, POOL = 2 };

static void perceptron(struct ps_net *net, int64_t classes)
{
    ps_net_dense(net, 0, "fc", classes, PS_NN_LINEAR);
}

static void ann(struct ps_net *net, int64_t classes)
{
    int at = ps_net_dense(net, 0, "fc1", HIDDEN, PS_NN_RELU);
    at = ps_net_dense(net, at, "fc2", HIDDEN, PS_NN_RELU);
    ps_net_dense(net, at, "fc3", classes, PS_NN_LINEAR);
}

static void cnn(struct ps_net *net, int64_t classes)
{
    int at = ps_net_conv(net, 0, "conv1", 20, WINDOW, 1, WINDOW / 2, PS_NN_RELU);
    at = ps_net_pool(net, at, false, POOL, POOL, 0);
    at = ps_net_conv(net, at, "conv2", 50, WINDOW, 1, WINDOW / 2, PS_NN_RELU);
    at = ps_net_pool(net, at, false, POOL, POOL, 0);
    at = ps_net_dense(net, at, "fc1", 500, PS_NN_RELU);
    ps_net_dense(net, at, "fc2", classes, PS_NN_LINEAR);
}

enum ps_status mnist_model(const char *model, const struct ps_nn_kernels *kernels, int64_t height,
                           int64_t width, int64_t classes, enum ps_init init, uint64_t seed,
                           struct ps_net *net)
{
    const bool image = strcmp(model, "cnn") == 0;
    const struct ps_shape features = {1, 1, height * width, false}, picture = {height, width, 1, false};
    ps_net_begin(net, kernels, image ? picture : features, init, seed);
    if (image)
        cnn(net, classes);
    else if (strcmp(model, "ann") == 0)
        ann(net, classes);
    else
        perceptron(net, classes);
    return ps_net_end(net);
}
