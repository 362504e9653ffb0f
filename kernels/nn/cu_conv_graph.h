/** Products of convolutions as graphs of operations of cuDNN's backend API. */
#ifndef PS_NN_CU_CONV_GRAPH_H
#define PS_NN_CU_CONV_GRAPH_H

#include "kernels/nn/cu_dnn.h"

enum ps_conv_way {
    PS_CONV_FORWARD,  /**< y = x * w */
    PS_CONV_DATA,     /**< x = gradient, from y and w */
    PS_CONV_DATA_ADD, /**< x += that */
    PS_CONV_WEIGHTS,  /**< w = gradient, from x and y */
    PS_CONV_MOMENTS,  /**< PS_CONV_FORWARD between arrays of bf16, and sums of each channel of y */
};

/** A product. x [n][height][width][channels], w [out][kernel][kernel][channels], y [n][rows][cols][out]. */
struct ps_conv_shape {
    enum ps_conv_way way;
    bool half; /**< x, w and y are bf16, else float */
    bool tf32; /**< products of floats may be rounded so */
    struct ps_nn_window at;
    int64_t n, out;
};

/** Names of the arrays where they are given to a plan; the last two are of PS_CONV_MOMENTS alone: sums of y
 * and of its squares, float [out]. */
enum { PS_CONV_X = 1, PS_CONV_W, PS_CONV_Y, PS_CONV_SUMS, PS_CONV_SQUARES };

enum { PS_CONV_PARTS = 16 };

/** A graph, and what it consists of, which must stay as long. */
struct ps_conv_graph {
    cudnnBackendDescriptor_t graph, part[PS_CONV_PARTS];
    int parts;
};

/** @return CUDNN_STATUS_SUCCESS; else cuDNN takes no such graph. To be freed in both cases */
cudnnStatus_t ps_conv_graph_make(const struct ps_conv_shape *s, struct ps_conv_graph *out);
void ps_conv_graph_free(struct ps_conv_graph *g);

#endif
