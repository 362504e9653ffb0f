#include "common/nn/op_window.h"
#include "common/run/err.h"

bool ps_op_window(struct ps_net *net, struct ps_node *node, int kernel, int stride, int pad,
                  struct ps_nn_window *out)
{
    const struct ps_shape in = node->in;
    if (kernel < 1 || stride < 1 || pad < 0 || pad >= kernel || in.height + 2 * pad < kernel ||
        in.width + 2 * pad < kernel) {
        net->status =
            ps_fail(PS_EUSAGE, "a %s of %d x %d (stride %d, border %d) does not fit an input of %lld x %lld",
                    node->op->kind, kernel, kernel, stride, pad, (long long)in.height, (long long)in.width);
        return false;
    }
    *out = (struct ps_nn_window){.height = in.height,
                                 .width = in.width,
                                 .channels = in.channels,
                                 .rows = (in.height + 2 * pad - kernel) / stride + 1,
                                 .cols = (in.width + 2 * pad - kernel) / stride + 1,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = pad};
    node->out = (struct ps_shape){out->rows, out->cols, in.channels, false};
    return true;
}
