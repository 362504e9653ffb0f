/** What the files of training share with each other only. */
#ifndef PS_TRAIN_PARTS_H
#define PS_TRAIN_PARTS_H

#include "common/io/trace.h"
#include "common/nn/gradients.h"
#include "common/nn/lbfgs.h"
#include "common/nn/micro.h"
#include "common/nn/optimizer.h"
#include "common/nn/train.h"
#include "common/par/meet.h"
#include "common/run/log.h"

/** Weights of a node, which its ranks share. */
struct ps_train_memory {
    struct ps_team team;
    struct ps_shared shared;
    float *w,
        *prepared; /**< [weights + buffers], [prepared]; on a device each rank has its own of the latter */
    const struct ps_net *there; /**< the net, where they lie on its device; or NULL */
    float *best;                /**< [weights + buffers]; NULL where nobody asks for it */
};

/** How far training is. Equal on all ranks outside of ps_train_steps; checkpoints hold it. */
struct ps_train_at {
    int64_t epoch, update;              /**< that are done; of this epoch */
    int64_t worse;                      /**< validations since the best one */
    int64_t best_epoch;                 /**< from 1; 0: none */
    double mean_loss;                   /**< of the last epoch */
    double best;                        /**< the figure that is followed */
    double best_figure[PS_FIGURES_MAX]; /**< of that epoch */
    double figure[PS_FIGURES_MAX];      /**< of the last validation */
    double *loss;                       /**< [grains] sums of this epoch; owned */
};

/** A thread among those whose grains have statistics in common. */
struct ps_train_member {
    struct ps_net_group group;
    struct ps_meet *meet; /**< borrowed */
    int thread;
    int64_t first;    /**< grain of the group */
    int64_t *samples; /**< [members] of a batch; owned; NULL: the thread is in no group */
};

/** What a thread needs of its own in a step. */
struct ps_train_thread {
    struct ps_micro micro;
    struct ps_train_member member;
    float *next;           /**< [most samples][states] after a micro-batch, where state is carried; owned */
    float *shares;         /**< [most samples][classes] of mixed ones; owned */
    enum ps_status failed; /**< of loading a sample */
    double since, span[PS_SPANS]; /**< seconds */
};

/** Why ps_train_steps came to an end. Equal on all ranks. */
struct ps_train_pause {
    bool stop, save, bad;
};

struct ps_train {
    struct ps_run *run;
    const struct ps_train_job *job;
    const struct ps_train_params *params;
    enum ps_target target;
    struct ps_train_memory *memory;
    struct ps_train_device *device; /**< NULL: the host trains */
    struct ps_gradients *gradients; /**< of the host; NULL: the device has its own */
    struct ps_optimizer *optimizer; /**< or else */
    struct ps_lbfgs *lbfgs;
    struct ps_trace *trace;
    struct ps_meet *meet; /**< of threads whose grains have statistics in common; NULL: none have */
    struct ps_schedule schedule;
    struct ps_train_thread *thread;   /**< [run->threads] */
    int64_t grains, batches, updates; /**< of an epoch */
    struct ps_train_at at;
    float *carried; /**< [batch][states of the net], as micro-batches have them, one grain after the other:
                       state with which the next batch begins, of this rank's grains; NULL where none is
                       carried; owned */
    struct ps_train_times times;
    int64_t timed; /**< steps of `times` that are in the record */
    bool resumed;
    int64_t saved_steps; /**< updates that the last checkpoint holds */
    double saved;        /**< when the last checkpoint was written; rank 0's clock */
};

/** Is there a validation set, and figures to go by? */
static inline bool ps_train_validates(const struct ps_train *t)
{
    return t->job->valid && t->job->n_figures > 0;
}

/** For what samples of an epoch are read. */
static inline struct ps_draw ps_train_draw(const struct ps_train *t, int64_t epoch)
{
    return (struct ps_draw){.seed = (uint64_t)t->run->common->seed,
                            .epoch = epoch,
                            .training = true,
                            .picture = t->device && t->job->train->picture > 0};
}

/** Updates of the whole run that are done. */
static inline int64_t ps_train_done(const struct ps_train *t)
{
    return t->at.epoch * t->updates + t->at.update;
}

/* train_memory.c */

/** Everything that training holds. Collective. ps_train_close frees it, but for the memory of weights.
 * @return (agreed) PS_OK; PS_EUSAGE; PS_ENOMEM; PS_EMPI */
enum ps_status ps_train_open(struct ps_train *t);
enum ps_status ps_train_close(struct ps_train *t);

/** First weights: random ones, or those of --weights. Collective. @return (agreed) */
enum ps_status ps_train_begin(struct ps_train *t);

/** Bring weights into the order in which kernels read them. Collective; all threads of all ranks. */
void ps_train_prepare(struct ps_train *t);

/** Copy [weights + buffers] within the node's memory. Collective; all threads of all ranks. */
void ps_train_copy(struct ps_train *t, const float *from, float *to);

/* train.c */

/** What an epoch gave, for people and for the record. */
struct ps_train_epoch {
    double seconds, validation; /**< of steps, of the validation */
    int64_t samples;            /**< that this run went through in this epoch */
    bool validated;
};

/** Are there enough epochs, or has there been no gain for too long? Local. */
bool ps_train_enough(const struct ps_train *t);

/** All updates of an epoch are done: count it, validate, keep the best, tell. Collective. @return (agreed) */
enum ps_status ps_train_end_epoch(struct ps_train *t, struct ps_train_epoch *e);

/** Write a checkpoint where it is time for that, and stop where that is asked for. Collective.
 * @return (agreed) PS_OK; PS_STOPPED; PS_EIO */
enum ps_status ps_train_checkpoint(struct ps_train *t, const struct ps_train_pause *pause);

/** The state at the end, from which the run may be prolonged, where the last checkpoint is another.
 * Collective.
 * @return (agreed) PS_OK; PS_EIO */
enum ps_status ps_train_checkpoint_last(struct ps_train *t);

/* train_micro.c */

/** What a sum of gradients is of: batches of an epoch. Equal on all threads. */
struct ps_train_sum {
    int64_t epoch, step; /**< for what is random */
    int64_t first, last; /**< batches of the epoch */
    int64_t micro;       /**< micro-batches with samples */
    double scale;        /**< of the sum of losses: their mean is minimised */
};
struct ps_train_sum ps_train_sum_of(const struct ps_train *t, int64_t first, int64_t last);

/** Grains of this rank. Local. */
struct ps_range ps_train_grains(const struct ps_train *t);

/** Numbers of the samples at places [at.lo, at.hi) of an epoch's order. Local. */
void ps_train_number(const struct ps_train *t, int64_t epoch, struct ps_range at, int64_t *sample);

/** Tell the source which samples of these grains this sum and the batches after it will load. Local.
 * @param sample room for the numbers of a micro-batch */
void ps_train_look_ahead(const struct ps_train *t, const struct ps_train_sum *u, struct ps_range grains,
                         int64_t *sample);

/** Places in the epoch's order that a grain of a batch has. */
struct ps_range ps_train_places(const struct ps_train *t, int64_t batch, int64_t grain);

/** This thread's grains, forward and backward: gradients go to its slots, losses to t->at.loss. */
void ps_train_go_through(struct ps_train *t, int thread, const struct ps_train_sum *u);

/** What this thread has to tell all others, which is added to theirs. Local. */
void ps_train_tell_all(const struct ps_train *t, int thread, bool bad, float extra[PS_GRADIENT_EXTRA]);

/** Add the gradients of all grains. Called by all threads. @return false: it failed, on every thread */
bool ps_train_add(struct ps_train *t, int thread);

/** What came with the sum, after ps_team_wait. Local. */
struct ps_train_pause ps_train_told(const struct ps_train *t);

/** After the parallel region: did a thread fail to load a sample? Then losses of grains, which are known
 * where their threads are, for all ranks. Collective. @return (agreed) PS_OK; what a source's load returns;
 * PS_EMPI */
enum ps_status ps_train_share_loss(struct ps_train *t);

/** Mean of all losses since the last call, added along the tree of common/par/grain. */
double ps_train_mean_loss(struct ps_train *t);

/* train_carried.c: only where the source has streams */

/** Room for all states. Local. @return PS_OK; PS_EUSAGE (an optimizer that needs exact gradients); PS_ENOMEM
 */
enum ps_status ps_train_carried_open(struct ps_train *t);

/** The first stream of a grain, or their number behind the last. Local. */
int64_t ps_train_carried_first(const struct ps_train *t, int64_t grain);

/** Does a sample go on with the state of another one? Local. */
bool ps_train_carried_goes_on(const struct ps_train *t, int64_t sample);

/** States of a grain, as struct ps_net_batch has them. Local. */
float *ps_train_carried(const struct ps_train *t, int64_t grain);

/** A grain is about to go through samples `at`: state of those that begin anew becomes zero. Local. */
void ps_train_carried_begin(const struct ps_train *t, int64_t grain, struct ps_range at);

/** States of all grains to all ranks. Collective. @return PS_OK; PS_EMPI */
enum ps_status ps_train_carried_gather(struct ps_train *t);

/* train_group.c: only where norm_group is more than 1 */

/** Let threads meet whose grains are of one group. Collective.
 * @return (agreed) PS_OK; PS_EUSAGE (grains, threads and groups do not fit); PS_ENOMEM; PS_EMPI */
enum ps_status ps_train_group_open(struct ps_train *t);

/** A thread's place in its group, if it has one. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_train_group_join(const struct ps_train *t, int thread, struct ps_train_member *out);

/** This rank's place on a device, likewise. @param there borrowed */
enum ps_status ps_train_group_join_there(const struct ps_train *t, const struct ps_nn_group *there,
                                         struct ps_train_member *out);

/** The group that a thread's grain is of, with its samples in a batch; NULL: none. Local. */
const struct ps_net_group *ps_train_group(struct ps_train *t, int thread, int64_t batch);

/* train_times.c */

/** Room for the seconds of steps. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_train_times_open(struct ps_train *t);

/** A thread begins and ends something; also for the timeline. Local. */
void ps_train_begin_span(struct ps_train *t, int thread, enum ps_train_span span);
void ps_train_end_span(struct ps_train *t, int thread, enum ps_train_span span);

/** A device was in such a phase, [begin, end) on the timeline's clock. Local; the thread that feeds it. */
void ps_train_add_span(struct ps_train *t, enum ps_train_span span, double seconds, int64_t begin,
                       int64_t end);

/** Thread 0 is done with a step. Local. */
void ps_train_count_step(struct ps_train *t, double seconds);

/** Means over all threads. Collective. */
void ps_train_times_share(struct ps_train *t);

/** Fields of a record's line: seconds until the first step was done, and of each span. Local. */
void ps_train_times_tell(const struct ps_train *t);

/* train_roofline.c */

/** Where a record is asked for: measure what the machine can do, and tell FLOP, bytes and seconds of the
 * steps of this run; outside of all phases. Nothing of L-BFGS, whose passes are not counted, nor
 * of kernels of a device, as the roof is that of processors. Collective.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status ps_train_roofline(struct ps_train *t);

/* train_mix.c */

/** Mix the n samples of a micro-batch, and their targets: labels become shares. Local. */
void ps_train_mix(const struct ps_train *t, struct ps_train_thread *me, int64_t n, int64_t epoch);

/** Two of them, i and n - 1 - i; inputs only where they are here. @param shares out [n][classes]; NULL:
 * targets are mixed as they are @return the share that each keeps */
float ps_train_mix_pair(const struct ps_train *t, const struct ps_micro *m, float *shares, int64_t n,
                        int64_t i, int64_t epoch);

/* train_steps.c */

/** Go on to the end of the epoch or to where a checkpoint is due. Collective.
 * @return (agreed) PS_OK; PS_EINPUT (the loss is not a number); what a source's load returns */
enum ps_status ps_train_steps(struct ps_train *t, struct ps_train_pause *pause);

/* train_device.c: only where the net's kernels are a device's */

/** Room on the device, and a group of all ranks' devices. Collective. @param most samples of a micro-batch
 * @return (agreed) PS_OK; PS_EUSAGE (what it does not take); PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_train_device_open(struct ps_train *t, int64_t most);
void ps_train_device_close(struct ps_train *t); /**< Local. */

/** State of the optimizer to the device, after a checkpoint was read, or back, before one is written.
 * Collective. @return (agreed) PS_OK; PS_EBACKEND */
enum ps_status ps_train_device_put(struct ps_train *t);
enum ps_status ps_train_device_get(struct ps_train *t);

/** What its sums of gradients have sent. Local. */
struct ps_gradients_count ps_train_device_sent(const struct ps_train *t);

/* train_device_steps.c */

/** Steps of this epoch from t->at.update on, then weights and losses to the host. As it goes on where the
 * device does not, ranks that others wait for end the job. Collective.
 * @return updates done, or the one whose loss is not a number */
int64_t ps_train_device_steps(struct ps_train *t, struct ps_progress *progress, struct ps_train_pause *pause);

/* train_full.c */

/** Training by L-BFGS: the loss of all samples at once; an epoch is an accepted step of it. Collective.
 * @return (agreed) as ps_train */
enum ps_status ps_train_full(struct ps_train *t);

/* train_state.c */

/** Write a checkpoint, or read it where the run asks for that and there is one. Collective. @return (agreed)
 */
enum ps_status ps_train_save(struct ps_train *t);
enum ps_status ps_train_resume(struct ps_train *t);

/* train_report.c */

void ps_train_tell(struct ps_train *t, const struct ps_train_epoch *e);
void ps_train_tell_figures(struct ps_train *t);
void ps_train_tell_end(struct ps_train *t, double seconds);

#endif
