#include "apps/resnet50/resnet50_model.h"

#include <stdio.h>
#include <string.h>
#include "common/run/err.h"

/** A net of the family. */
struct spec {
    const char *name;
    bool bottleneck, small; /* blocks of three convolutions; a stem for small images */
    int stages;
    int blocks[RESNET50_STAGES];
};

static const struct spec specs[] = {
    {"resnet18", false, false, 4, {2, 2, 2, 2}},  {"resnet34", false, false, 4, {3, 4, 6, 3}},
    {"resnet50", true, false, 4, {3, 4, 6, 3}},   {"resnet101", true, false, 4, {3, 4, 23, 3}},
    {"resnet152", true, false, 4, {3, 8, 36, 3}}, {"resnet20", false, true, 3, {3, 3, 3, 0}},
    {"resnet32", false, true, 3, {5, 5, 5, 0}},   {"resnet44", false, true, 3, {7, 7, 7, 0}},
    {"resnet56", false, true, 3, {9, 9, 9, 0}},   {"resnet110", false, true, 3, {18, 18, 18, 0}},
};

enum { EXPANSION = 4 /* of a bottleneck */, WIDTH = 64, SMALL_WIDTH = 16 };

/* nn.BatchNorm2d's */
static const double EPS = 1e-5, MOMENTUM = 0.1;

static const struct spec *spec_of(const char *model)
{
    int i = 0;
    while (strcmp(specs[i].name, model) != 0) i++; /* the table of parameters lets no other word pass */
    return &specs[i];
}

int resnet50_stages(const char *model)
{
    return spec_of(model)->stages;
}

/** A convolution without bias, and its norm. */
struct unit {
    const char *block;       /* "layer1.0", or "" */
    const char *conv, *norm; /* "conv1", "bn1" */
    int64_t out;
    int kernel, stride;
    enum ps_nn_act act;
};

static int add_unit(struct ps_net *net, int from, const struct unit *u)
{
    char conv[PS_NODE_NAME_MAX], norm[PS_NODE_NAME_MAX];
    const char *dot = u->block[0] ? "." : "";
    snprintf(conv, sizeof conv, "%s%s%s", u->block, dot, u->conv);
    snprintf(norm, sizeof norm, "%s%s%s", u->block, dot, u->norm);
    from = ps_net_conv_plain(net, from, conv, u->out, u->kernel, u->stride, u->kernel / 2);
    return ps_net_batch_norm(net, from, norm, EPS, MOMENTUM, u->act);
}

/** A residual block. */
struct block {
    char name[PS_NODE_NAME_MAX];
    int64_t width, out; /* channels inside and at the end */
    int stride;
    bool bottleneck, zero;
};

/* What a block adds to its shortcut. @return the last norm */
static int add_branch(struct ps_net *net, int from, const struct block *b)
{
    const struct unit narrow = {b->name, "conv1", "bn1", b->width, 1, 1, PS_NN_RELU},
                      window = {b->name, "conv2", "bn2", b->width, 3, b->stride, PS_NN_RELU},
                      widen = {b->name, "conv3", "bn3", b->out, 1, 1, PS_NN_LINEAR},
                      first = {b->name, "conv1", "bn1", b->width, 3, b->stride, PS_NN_RELU},
                      second = {b->name, "conv2", "bn2", b->out, 3, 1, PS_NN_LINEAR};
    if (!b->bottleneck) return add_unit(net, add_unit(net, from, &first), &second);
    return add_unit(net, add_unit(net, add_unit(net, from, &narrow), &window), &widen);
}

static int add_block(struct ps_net *net, int from, const struct block *b)
{
    const struct unit project = {b->name, "downsample.0", "downsample.1", b->out, 1, b->stride, PS_NN_LINEAR};
    const bool same = b->stride == 1 && net->status == PS_OK && net->node[from].out.channels == b->out;
    const int branch = add_branch(net, from, b);
    if (b->zero) ps_net_zero(net, branch);
    return ps_net_sum_act(net, branch, same ? from : add_unit(net, from, &project), PS_NN_RELU);
}

static int add_stem(struct ps_net *net, const struct spec *s)
{
    const struct unit large = {"", "conv1", "bn1", WIDTH, 7, 2, PS_NN_RELU},
                      small = {"", "conv1", "bn1", SMALL_WIDTH, 3, 1, PS_NN_RELU};
    if (s->small) return add_unit(net, 0, &small);
    return ps_net_pool(net, add_unit(net, 0, &large), false, 3, 2, 1);
}

/* @param stage from 0 */
static int add_stage(struct ps_net *net, int from, const struct spec *s, int stage, bool zero)
{
    const int64_t width = (int64_t)(s->small ? SMALL_WIDTH : WIDTH) << stage;
    for (int i = 0; i < s->blocks[stage]; i++) {
        struct block b = {.width = width,
                          .out = s->bottleneck ? EXPANSION * width : width,
                          .stride = stage > 0 && i == 0 ? 2 : 1,
                          .bottleneck = s->bottleneck,
                          .zero = zero};
        snprintf(b.name, sizeof b.name, "layer%d.%d", stage + 1, i);
        from = add_block(net, from, &b);
    }
    return from;
}

/* The mean of all places, and the classifier. */
static void add_head(struct ps_net *net, int from, int64_t outputs)
{
    if (net->status != PS_OK) return;
    const struct ps_shape last = net->node[from].out;
    if (last.height != last.width) {
        net->status = ps_fail(PS_EUSAGE,
                              "the net ends with features of %lld x %lld places: images must be "
                              "as wide as high",
                              (long long)last.height, (long long)last.width);
        return;
    }
    const int mean = ps_net_pool(net, from, true, (int)last.height, 1, 0);
    if (net->frozen == from) ps_net_freeze(net, mean); /* no stage before it wants a gradient */
    ps_net_dense(net, mean, "fc", outputs, PS_NN_LINEAR);
}

enum ps_status resnet50_model(const struct resnet50_plan *plan, const struct ps_nn_kernels *kernels,
                              struct ps_net *net)
{
    const struct spec *s = spec_of(plan->model);
    const struct ps_shape image = {plan->height, plan->width, plan->bands, false};
    ps_net_begin(net, kernels, image, plan->init, plan->seed);
    int at = add_stem(net, s);
    if (plan->freeze > 0) ps_net_freeze(net, at);
    for (int stage = 0; stage < s->stages; stage++) {
        at = add_stage(net, at, s, stage, plan->zero_norm);
        if (plan->freeze > stage + 1) ps_net_freeze(net, at);
    }
    add_head(net, at, plan->outputs);
    return ps_net_end(net);
}
