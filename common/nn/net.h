/** A net: nodes in the order in which they are executed, with all weights in one vector.
 *
 * A builder calls ps_net_begin, adds nodes, and calls ps_net_end; a failing call is told by the last. Node 0
 * is the input. Nothing here communicates. */
#ifndef PS_NET_H
#define PS_NET_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/nn/nn_kernels.h"
#include "kernels/status.h"

/** One sample: an image; features are 1 x 1 x channels; a series is steps x 1 x features. */
struct ps_shape {
    int64_t height, width, channels;
    bool series;
};

static inline int64_t ps_shape_size(struct ps_shape s)
{
    return s.height * s.width * s.channels;
}

enum { PS_NODE_NAME_MAX = 48, PS_TENSOR_NAME_MAX = 64, PS_TENSORS_MAX = 4 };

/** A named part of the weights, as files have it. */
struct ps_tensor {
    char name[PS_TENSOR_NAME_MAX];
    int64_t at; /**< first element in the vector */
    int dims;
    int64_t dim[4]; /**< in the file */
    /** In files rows (dimension 0), or columns (all others), of an image are [channels][places], as in
     * PyTorch, in memory [places][channels]. The number of channels; 0: they are as in the file. */
    int64_t row_channels, column_channels;
};

struct ps_op;

struct ps_node {
    const struct ps_op *op;
    char name[PS_NODE_NAME_MAX]; /**< of its weights */
    int from, also;              /**< nodes that it reads; -1: none */
    struct ps_shape in, out;
    union {
        struct ps_nn_dense dense;
        struct ps_nn_conv conv;
        struct ps_nn_pool pool;
        struct ps_nn_sum sum;
        struct ps_nn_upsample upsample;
        struct ps_nn_lstm lstm;
        struct ps_nn_batch_norm batch_norm;
        struct ps_nn_layer_norm layer_norm;
        struct ps_nn_dropout dropout;
        struct ps_nn_last_step last_step;
        struct ps_nn_gate gate;
    } as;
    int layer;                   /**< of several with one name (LSTM) */
    double momentum;             /**< of running means (batch norm) */
    bool zero;                   /**< its weights begin as 0 (batch norm) */
    int64_t weights, weights_at; /**< elements, and where they begin in the vector */
    int64_t buffers, buffers_at; /**< running means and the like, after all weights */
    int64_t prepared_at;
    int64_t states,
        states_at; /**< elements of a sample that a recurrent layer hands on; before all of them */
    bool stays;    /**< its output may be read after the forward pass */

    /* as ps_net_end finds them */
    bool from_first, also_first; /**< is it the first, backwards, to write the gradient of what it reads? */
    bool half;                   /**< its output, and the gradient of that, are in bf16 */
    bool unwritten;              /**< a batch norm that its reader makes of the convolution's output */
    int norm;                    /**< the one that reads this convolution; 0: none */
    bool joined;                 /**< a sum that the convolution after it makes as it reads it */
    int joins;                   /**< the sum that this convolution makes; 0: none */
    int dy_of;                   /**< the node whose gradient array is also its own, or itself */
};

/** How weights begin. Biases are zero with Glorot's; those of normalisations are always 0, their weights 1.
 */
enum ps_init {
    PS_INIT_TORCH,  /**< uniform within 1 / sqrt(inputs), biases too: what PyTorch's layers do */
    PS_INIT_GLOROT, /**< uniform within sqrt(6 / (inputs + outputs)): what those of Keras do; Glorot, Bengio
                       2010 */
    PS_INIT_HE,     /**< convolutions: normal, of variance 2 / (outputs x window): He et al. 2015, what
                       torchvision's residual nets do; all others as PyTorch */
};

struct ps_net {
    const struct ps_nn_kernels *kernels;
    struct ps_node *node; /**< [nodes], owned */
    int nodes, room;
    enum ps_init init;
    uint64_t seed;                      /**< of dropout and of first weights */
    int frozen;                         /**< the last node that is not trained; 0: all are */
    int64_t frozen_weights;             /**< elements of such nodes, the first ones */
    int64_t weights, buffers, prepared; /**< elements of all nodes */
    int64_t states;                     /**< elements of a sample */
    enum ps_status status;              /**< of the builder's calls */
};

/** Begin a net of `kernels` (borrowed) whose samples are of `input`. */
void ps_net_begin(struct ps_net *net, const struct ps_nn_kernels *kernels, struct ps_shape input,
                  enum ps_init init, uint64_t seed);

/** Add a node that reads node `from`. @return its number */
int ps_net_dense(struct ps_net *net, int from, const char *name, int64_t out, enum ps_nn_act act);
/** A dense layer whose output is an image: nn.Linear, act, nn.Unflatten. */
int ps_net_dense_image(struct ps_net *net, int from, const char *name, struct ps_shape out,
                       enum ps_nn_act act);
/** A linear layer that training leaves as it is: its weights have no gradient. Decay shrinks them. */
int ps_net_dense_fixed(struct ps_net *net, int from, const char *name, struct ps_shape out);
int ps_net_conv(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride, int pad,
                enum ps_nn_act act);
/** Without bias and act: nn.Conv2d(bias = False). */
int ps_net_conv_plain(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride,
                      int pad);
int ps_net_pool(struct ps_net *net, int from, bool mean, int kernel, int stride, int pad);
/** Nearest neighbours: nn.Upsample(size = (height, width)). */
int ps_net_upsample(struct ps_net *net, int from, int64_t height, int64_t width);
int ps_net_lstm(struct ps_net *net, int from, const char *name, int layer,
                int64_t hidden);                    /**< `layer` is part of its tensors' names */
int ps_net_last_step(struct ps_net *net, int from); /**< of a series */
int ps_net_batch_norm(struct ps_net *net, int from, const char *name, double eps, double momentum,
                      enum ps_nn_act act);
/** The weights of batch norm `norm` begin as 0, so that a residual block begins as its shortcut (Goyal et al.
 * 2017). */
void ps_net_zero(struct ps_net *net, int norm);
int ps_net_layer_norm(struct ps_net *net, int from, const char *name, double eps);
int ps_net_dropout(struct ps_net *net, int from, double rate);
int ps_net_sum(struct ps_net *net, int from, int also);
/** y = act(from + also), act linear or ReLU. */
int ps_net_sum_act(struct ps_net *net, int from, int also, enum ps_nn_act act);
/** A sample's output of node `from` where no element of its output of node `also` is farther from 0 than the
 * limit of that element, else zeros. Limits are weights that training leaves as they are, 1 at first. Nothing
 * goes backwards to `also`. */
int ps_net_gate(struct ps_net *net, int from, int also, const char *name);

/** The output of `node` may be read until the next pass; others make room when they were read. */
void ps_net_keep(struct ps_net *net, int node);

/** Nodes up to `last` are not trained: they have no gradients, and normalise and drop as in evaluation. */
void ps_net_freeze(struct ps_net *net, int last);

/** @return PS_OK; PS_EUSAGE (a layer does not fit its input), with a message; PS_ENOMEM */
enum ps_status ps_net_end(struct ps_net *net);
void ps_net_free(struct ps_net *net);

/** First weights and buffers: [weights + buffers] elements. A function of the seed alone. */
void ps_net_init(const struct ps_net *net, void *w);

/** All tensors in order, buffers too. @param out [PS_TENSORS_MAX nodes] @return how many */
int ps_net_tensors(const struct ps_net *net, struct ps_tensor *out);

/** Bring weights into the order in which kernels read them, part `part` of `parts`; all before the next pass.
 * On a device one part, with room of ps_net_prepared_make. */
void ps_net_prepare(const struct ps_net *net, const void *w, void *prepared, int part, int parts);

/** Micro-batches whose batch norms have statistics in common, those of all their rows. Each goes through the
 * net with a thread or a device of its own; all are at the same layer at once. */
struct ps_net_group {
    int members;
    const int64_t *samples; /**< [members] of each micro-batch, in order; 0: it is not there */
    int64_t all;            /**< of all of them */
    /** Show n numbers to all members, and wait for theirs; the same n for all of them.
     * @param mine [n]; NULL: zeros @return [members][n], until the next call */
    const double *(*show)(void *context, const double *mine, int64_t n);
    void *context;
    const struct ps_nn_group *there; /**< on a device, in place of show: members are ranks; NULL: the host */
};

/** Numbers that a member shows at once, at most. */
int64_t ps_net_group_most(const struct ps_net *net);

/** Do nothing in a forward or backward pass of the group but show zeros, so that the others can go on. */
void ps_net_group_idle(const struct ps_net *net, const struct ps_net_group *group, bool backward);

struct ps_pictures;

/** What a micro-batch is. */
struct ps_net_batch {
    int64_t n;
    const void *x;                      /**< [n][input] */
    const struct ps_pictures *pictures; /**< of which a device makes it; NULL: x is given. Without training */
    const int64_t *sample;              /**< [n] numbers of the samples, for dropout */
    int64_t step;                       /**< of the run, for dropout */
    bool training;
    const void *state; /**< what recurrent layers begin with; NULL: zero */
    void *next;        /**< out: what they end with; NULL: not wanted. The same array only without training */
    const struct ps_net_group *group; /**< that it belongs to, in training; NULL: none */
};

/** States of n samples are [states of all nodes][n]: for each recurrent layer [n][2 hidden], one layer after
 * the other. Sample i begins anew: its states become zero. */
void ps_net_forget(const struct ps_net *net, int64_t n, int64_t i, void *state);

/** A thread's room for micro-batches of up to `most` samples. */
struct ps_net_work {
    const struct ps_net *net;
    int64_t most;
    void *memory;           /**< owned */
    void **y, **dy, **kept; /**< [nodes] within memory; owned arrays */
    void *scratch;
    struct ps_net_mirror *mirror; /**< of a device's work without training; owned */
};

/** @param training whether there will be backward passes @return PS_OK; PS_ENOMEM */
enum ps_status ps_net_work_make(const struct ps_net *net, int64_t most, bool training,
                                struct ps_net_work *out);
void ps_net_work_free(struct ps_net_work *work);

/** @param work on a device without training @param w [weights + buffers]
 * @return the output, [n][output of the last node], within work */
const void *ps_net_forward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                           const void *prepared);

/** Kernels for arrays of the host, with which scores work on outputs. */
const struct ps_nn_kernels *ps_net_on_host(const struct ps_net *net);

/** Output of the last node, or of one that was to be kept, after ps_net_forward. [n][output] */
const void *ps_net_output(const struct ps_net_work *work, int node);

/** Threads of `threads` that may go through the net at once: a device has one caller. Local. */
int ps_net_callers(const struct ps_net *net, int threads);

/** Did all passes go well so far? Where the kernels are a device's it waits for them. Local.
 * @return PS_OK; PS_ENOMEM, PS_EBACKEND (what failed on the device) */
enum ps_status ps_net_check(const struct ps_net *net);

/** Where a loss writes its gradient: [n][output]. */
void *ps_net_output_gradient(struct ps_net_work *work);

/** Where the gradients of a micro-batch go, and what it says of running means. */
struct ps_net_gradient {
    void *dw; /**< [weights + buffers] */
    bool add; /**< dw is added to; else what is there is lost */
    /** Elements [lo, hi) of dw are final: first all buffers together, then the weights of each layer that has
     * some and is not frozen, from the end of the vector to its beginning. NULL: nobody asks. */
    void (*ready)(void *context, int64_t lo, int64_t hi);
    void *context;
};

/** After ps_net_forward of the same batch, and after the gradient of the output was written. On a device all
 * arrays lie there (ps_net_forward_there). */
void ps_net_backward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                     const void *prepared, const struct ps_net_gradient *g);

/** After a step: w's buffers follow the mean of those of `grains` micro-batches, summed in dw. */
void ps_net_buffers_follow(const struct ps_net *net, const void *dw, int64_t grains, void *w);

#endif
