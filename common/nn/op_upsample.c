#include "common/nn/op.h"
#include "common/run/err.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)node, (void)n;
    return (struct ps_nn_size){0};
}

static void forward(const struct ps_op_call *c)
{
    c->k->upsample_forward(&c->node->as.upsample, &c->pass);
}

static void backward(const struct ps_op_call *c)
{
    c->k->upsample_backward(&c->node->as.upsample, &c->pass);
}

const struct ps_op ps_op_upsample = {
    .kind = "upsampling", .size = size, .forward = forward, .backward = backward};

int ps_net_upsample(struct ps_net *net, int from, int64_t height, int64_t width)
{
    struct ps_node *node = ps_net_add(net, &ps_op_upsample, from, "");
    if (!node) return 0;
    const struct ps_shape in = node->in;
    if (height < in.height || width < in.width)
        net->status = ps_fail(PS_EUSAGE, "an upsampling to %lld x %lld does not fit an input of %lld x %lld",
                              (long long)height, (long long)width, (long long)in.height, (long long)in.width);
    node->out = (struct ps_shape){height, width, in.channels, false};
    node->as.upsample = (struct ps_nn_upsample){in.height, in.width, in.channels, height, width};
    return net->nodes - 1;
}
