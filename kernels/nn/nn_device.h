/** A device that computes nets: what a table of kernels needs besides kernels.
 *
 * As kernels/device_memory.h says: one device, one thread that calls. Calls go to the queue that is in use
 * and return before they are done; a queue goes through its calls in order, queues go on beside each other.
 */
#ifndef PS_NN_DEVICE_H
#define PS_NN_DEVICE_H

#include "kernels/device_memory.h"
#include "kernels/nn/nn_kernels.h"
#include "kernels/status.h"

enum ps_nn_queue { PS_NN_COMPUTE, PS_NN_COPY, PS_NN_EXCHANGE, PS_NN_QUEUES };

enum { PS_NN_MARKS = 8, PS_NN_TICKS = 16, PS_NN_ID = 128 /**< bytes that name a group of ranks */ };

/** Numbers of a step that kernels read on the device, so that what was recorded once serves all steps. */
struct ps_nn_step {
    int64_t step; /**< of the run, from 0: for dropout. The optimizer's is one more */
    double rate;  /**< of learning */
};

/** What is minimised, of n samples of `out` outputs. */
enum ps_nn_loss_kind {
    PS_NN_LOSS_SOFTMAX,  /**< target int32_t [n] */
    PS_NN_LOSS_SHARES,   /**< target [n][out], as those below */
    PS_NN_LOSS_SQUARES,  /**< */
    PS_NN_LOSS_ABSOLUTE, /**< */
    PS_NN_LOSS_SIGMOID,  /**< */
};
struct ps_nn_loss {
    enum ps_nn_loss_kind kind;
    int64_t out;
    double smoothing;
};

/** A tensor of the weights. */
struct ps_nn_tensor {
    int64_t lo, hi;
    bool several; /**< dimensions: it is decayed, and has a rate of its own with LARS and LAMB */
};

/** An optimizer of all weights: as common/nn/optimizer has it, whose rules and formulas it follows. */
struct ps_nn_optimizer_plan {
    struct ps_nn_update update;        /**< rate, step, scale and trust are not looked at */
    double clip;                       /**< largest norm of the whole gradient; 0: any */
    double trust;                      /**< coefficient of LARS */
    bool spare;                        /**< weights of one dimension are not decayed */
    int64_t first, weights;            /**< [first, weights) are updated */
    const struct ps_nn_tensor *tensor; /**< [tensors]; borrowed until optimizer_open returns */
    int tensors;
};
struct ps_nn_optimizer;

/** Neighbouring ranks whose batch norms have statistics in common. */
struct ps_nn_group {
    int members, member; /**< how many, and which of them this rank is */
    double *shown;       /**< there, room for [members][2 channels + 1] */
};

/** Inputs of a net that are made of pictures, [n][height][width][bands]. */
struct ps_nn_pictures {
    int64_t n;
    int height, width, bands;
    const void *bytes; /**< in which pictures stand, as struct ps_device_picture (kernels/device_picture.h) */
    const int64_t *at; /**< [n] their places, at multiples of PS_DEVICE_PICTURE_LINE */
};

struct ps_nn_device {
    const struct ps_device_memory *memory;

    /* order */
    void (*use)(enum ps_nn_queue queue); /**< for all calls from here on; PS_NN_COMPUTE at first */
    void (*after)(enum ps_nn_queue queue, enum ps_nn_queue of); /**< what comes to `queue` later begins when
                                                                   what `of` has now is done */
    void (*mark)(int mark);                                     /**< in the queue that is in use */
    void (*await)(int mark); /**< until all before the mark is done; at once where it was never set */

    /* what is called between the two on the queue in use, and on those that come after it and that it comes
     * after in the end, is not done but recorded; NULL: it cannot be recorded */
    void (*record_begin)(void);
    void *(*record_end)(void);
    void (*replay)(void *recorded);
    void (*recorded_free)(void *recorded);

    /* time */
    /** Keep when the queue in use comes to here; what is recorded does so each time it is replayed. */
    void (*tick)(int tick);
    /** Seconds between two ticks, in order, which the device has passed: it is not waited for. 0: not known.
     */
    double (*seconds)(int from, int to);

    /* inputs */
    /** @param x out, floats there, as the host makes them from the same pictures, bit by bit */
    void (*pictures)(const struct ps_nn_pictures *s, float *x);
    /** Samples i and n - 1 - i, i < n / 2, of `input` floats become mixtures: share[i] of their own and the
     * rest of the other. All there. */
    void (*mix)(int64_t n, int64_t input, const float *share, float *x);

    /* training */
    void (*set_step)(const struct ps_nn_step *s);
    /** *sum becomes or grows by the loss, in double precision, on the device; dx its gradient times scale.
     * @param x, target, dx, sum there */
    void (*loss)(const struct ps_nn_loss *l, int64_t n, const void *x, const void *target, double scale,
                 void *dx, double *sum, bool add);
    /** *bad = 1 where *sum is not a number or infinite, else it stays. Both there. */
    void (*check)(const double *sum, float *bad);
    /** w += momentum (dw / grains - w), n elements: running means. */
    void (*follow)(int64_t n, double momentum, int64_t grains, const void *dw, void *w);
    /** State begins as zero. @return PS_OK; PS_ENOMEM; PS_EBACKEND */
    enum ps_status (*optimizer_open)(const struct ps_nn_optimizer_plan *p, struct ps_nn_optimizer **out);
    void (*optimizer_close)(struct ps_nn_optimizer *o);                    /**< NULL is fine */
    void (*optimizer_step)(struct ps_nn_optimizer *o, float *g, float *w); /**< g is destroyed */
    /** State vectors, [weights] each, there, for checkpoints. @param state out [2] @return how many */
    int (*optimizer_state)(struct ps_nn_optimizer *o, float **state);

    /* other ranks, each with a device of its own: NCCL. Collective over the ranks of `join` */
    enum ps_status (*name)(char id[PS_NN_ID]); /**< of a new group; on one rank, for all to join */
    enum ps_status (*join)(int ranks, int rank, const char id[PS_NN_ID]);
    void (*leave)(void);
    /** x becomes the sum of all ranks' x. `exact`: added along the binary tree of common/par/grain over
     * ranks, with `work` of n elements there; each rank gets the vectors of others for its share, adds them
     * in the order of the tree, and sends the sum to all. */
    void (*sum)(float *x, int64_t n, bool exact, float *work);
    /** [2][channels] numbers of each member become those of all their rows, joined in the order of ranks:
     * means and sums of squared differences from them, else sums. Called by all members, in the compute
     * queue; what they send goes by the exchange queue.
     * @param rows this rank's; 0: it has no numbers @param x in and out, there */
    void (*group)(const struct ps_nn_group *g, bool moments, int64_t channels, double rows, double *x);
};

#endif
