/** The one training loop: epochs, validation, checkpoints and resume, best model, early stopping. */
#ifndef PS_TRAIN_H
#define PS_TRAIN_H

#include "common/nn/evaluate.h"
#include "common/nn/overlap.h"
#include "common/nn/train_params.h"

enum ps_loss {
    PS_LOSS_SOFTMAX,  /**< cross-entropy of softmax(output) and labels, mean over samples */
    PS_LOSS_SQUARES,  /**< squared differences of output and target, mean over samples and features */
    PS_LOSS_ABSOLUTE, /**< absolute differences, likewise */
    PS_LOSS_SIGMOID,  /**< cross-entropy of sigmoid(output) and target, mean over samples and outputs */
};

enum { PS_FIGURES_MAX = 16 };

/** What a program trains. */
struct ps_train_job {
    const struct ps_train_params *params;
    const struct ps_net *net; /**< ended */
    const char *describe;     /**< all that the same bits need besides shared parameters: data, model */
    enum ps_loss loss;
    double smoothing; /**< of labels */
    double mixup; /**< samples of a grain are mixed in pairs, with shares drawn from Beta(mixup, mixup), at
                     most 1 (Zhang et al. 2018, "mixup"); 0: they are not */
    bool same;    /**< the target is the input itself */
    /** First weights, where they are not those of --weights: change what does not begin at random. NULL:
     * nothing. Local; a rank of each node calls it. @param w [weights + buffers] as ps_net_init leaves them
     */
    void (*begin)(const void *context, float *w);
    const void *begin_context;
    const struct ps_source *train, *valid; /**< valid: NULL where there is none */
    bool valid_is_test;    /**< it is only looked at: nobody is told of a best epoch unless they ask for it */
    struct ps_score score; /**< of validation and of --eval-only */
    /** From sums over n samples to what people read. @param figure out [figures] */
    void (*figures)(const double *sum, int64_t n, double *figure);
    int n_figures;
    const char *const *figure_name; /**< [figures] "val_loss", "val_accuracy": words of the record */
    int follow;                     /**< the figure that best model and early stopping go by */
    bool larger;                    /**< is better */
    const char *anew;  /**< layer that begins as random also where weights are read; NULL: none */
    bool record_steps; /**< the seconds of each step go to the record */
};

/** What a thread does in a step. */
enum ps_train_span {
    PS_SPAN_LOAD,
    PS_SPAN_FORWARD,
    PS_SPAN_BACKWARD,
    PS_SPAN_SUM,
    PS_SPAN_UPDATE,
    PS_SPAN_PREPARE,
    PS_SPAN_WAIT,
    PS_SPANS
};

/** Where the seconds of steps went. */
struct ps_train_times {
    int64_t steps;             /**< of this run, that are in `step` */
    int64_t samples;           /**< that this run went through */
    double *step;              /**< [steps] seconds of each, on this rank; owned */
    double first;              /**< seconds since ps_main began until the first of them was done */
    bool device;               /**< does one compute for each rank? */
    double span[PS_SPANS];     /**< seconds of all steps, mean over the threads of all ranks; of devices the
                                  forward and backward passes, sum and update, while their hosts load and wait */
    struct ps_overlap overlap; /**< of thread 0 of this rank in its last step; owned */
};

/** What training ends with. */
struct ps_trained {
    float *w, *prepared; /**< [weights + buffers], [prepared]; of the last epoch or, where `best` is asked
                            for, of the best; shared by the node; until ps_train_free */
    int64_t steps, epochs;
    double loss;                   /**< mean over the last epoch */
    double figure[PS_FIGURES_MAX]; /**< of those weights */
    struct ps_train_times times;
    struct ps_train_memory *memory;
};

/** Train, or with eval_only evaluate. Collective over run->comm.
 * Prints a line per epoch, writes `epoch` lines into the record, checkpoints as parameters say.
 * @return (agreed) PS_OK; PS_STOPPED (asked to stop, a checkpoint is written); PS_EINPUT (the loss is not a
 * number: names epoch and step; data); PS_EUSAGE (parameters do not fit); PS_ENOMEM; PS_EIO; PS_EMPI */
enum ps_status ps_train(struct ps_run *run, const struct ps_train_job *job, struct ps_trained *out);
void ps_train_free(struct ps_trained *t); /**< Collective. */

#endif
