#include "common/nn/op.h"

static struct ps_nn_size size(const struct ps_nn_kernels *k, const struct ps_node *node, int64_t n)
{
    (void)k, (void)node, (void)n;
    return (struct ps_nn_size){0};
}

const struct ps_op ps_op_input = {.kind = "input", .size = size};
