/** What the files of training on a device share with each other only.
 *
 * The main thread of a rank enqueues work, all its threads load samples. Micro-batches lie in two places in
 * turn: while the device goes through one, the next is loaded. */
#ifndef PS_TRAIN_DEVICE_H
#define PS_TRAIN_DEVICE_H

#include "common/nn/gradients_device.h"
#include "common/nn/pictures.h"
#include "common/nn/train_parts.h"
#include "common/par/buffer.h"
#include "kernels/nn/nn_device.h"

enum { PS_TRAIN_PLACES = 2, PS_TRAIN_TURNS = 2 /**< steps whose numbers are under way */ };

/** Marks in the compute queue: a place was gone through; what was told in a step is here. */
enum { PS_TRAIN_MARK_PLACE, PS_TRAIN_MARK_TOLD = PS_TRAIN_MARK_PLACE + PS_TRAIN_PLACES };

/** Where the device is in a part: its passes begin; the loss is there; gradients are; after the last part of
 * a step, those of all ranks; weights are updated and prepared. */
enum ps_train_tick {
    PS_TRAIN_TICK_BEGIN,
    PS_TRAIN_TICK_FORWARD,
    PS_TRAIN_TICK_BACKWARD,
    PS_TRAIN_TICK_SUM,
    PS_TRAIN_TICK_UPDATE,
    PS_TRAIN_TICKS
};

/** A micro-batch as it is loaded, in memory that copies want, and there. */
struct ps_train_place {
    struct ps_micro here;        /**< without work; its arrays are those below */
    struct ps_buffer x;          /**< only there where samples are pictures, of which it is made */
    struct ps_pictures pictures; /**< nothing where samples are floats */
    struct ps_buffer mix;        /**< float [most / 2]: shares of pairs of inputs that are mixed there */
    struct ps_buffer sample;
    struct ps_buffer target; /**< labels, numbers or shares; nothing where the input is the target */
    int32_t *labels;         /**< of mixed samples, whose target are shares; else NULL; owned */
    int ticks;               /**< of the part that went through it last, that were not read */
};

/** A micro-batch of a step. */
struct ps_train_part {
    int64_t grain; /**< of this rank, from 0 */
    int64_t batch; /**< of the epoch */
    struct ps_range
        at;        /**< samples, as places in the epoch's order; none: only others of its group have some */
    bool add, end; /**< was there one of this grain before; is it the grain's last? */
    bool last;     /**< of the step */
    struct ps_gradients_turn turn;
};

/** Work of the device that was recorded, and what it depends on besides what lies in memory. */
struct ps_train_recording {
    int place;
    bool add, end, last;
    int64_t grain, n, all, micro; /**< n samples; of its group */
    double scale;
    int64_t seen; /**< times that it was wanted */
    void *recorded;
};

struct ps_train_device {
    const struct ps_nn_device *d;
    struct ps_range grains; /**< of this rank */
    struct ps_net_work work;
    struct ps_train_place place[PS_TRAIN_PLACES];
    int next;                   /**< place of a step's first part */
    struct ps_train_part *part; /**< [own grains x accumulate] of a step; owned */
    struct ps_nn_group group;   /**< that this rank's grain is of; no members: none */
    struct ps_gradients_device *gradients;
    struct ps_nn_optimizer *optimizer;
    int64_t *sample; /**< [most samples of a micro-batch] numbers; owned */
    double *loss;    /**< there, [own grains]: sums of this epoch */
    float *carried;  /**< there, this rank's part of t->carried; NULL where no state is carried; owned */
    float *after;    /**< there, [most samples][states]: after a micro-batch; owned */
    float *flags;    /**< here, [2][turns][PS_GRADIENT_EXTRA]: what this rank tells, then what all do */
    struct ps_train_recording *recording; /**< [recordings]; owned */
    int recordings, room;
    double since;   /**< on the run's clock: the step before was done */
    int64_t origin; /**< of the device's times, on the timeline's clock */
    int64_t steps;  /**< of this run */
};

/* train_place.c */

/** Room for up to `most` samples. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_train_place_make(const struct ps_train *t, int64_t most, struct ps_train_place *out);
void ps_train_place_free(struct ps_train_place *p);

/** Load the samples of a part with all threads, and bring them there. Local.
 * @return PS_OK; what the source's load returns */
enum ps_status ps_train_place_load(struct ps_train *t, struct ps_train_place *p, const struct ps_train_sum *u,
                                   const struct ps_train_part *part);

/* train_device_carried.c: only where the source has streams */

/** Room for states. Local. @param most samples of a micro-batch @return PS_OK; PS_ENOMEM */
enum ps_status ps_train_device_carried_make(struct ps_train *t, int64_t most);

/** States of this rank's grains to the device, and back. Local. */
void ps_train_device_carried_put(const struct ps_train *t);
void ps_train_device_carried_get(const struct ps_train *t);

/** Those of one of them, there. Local. */
float *ps_train_device_carried(const struct ps_train *t, int64_t grain);

/** Before a part: state of samples that begin anew becomes zero. Local. */
void ps_train_device_carried_begin(const struct ps_train *t, const struct ps_train_part *part);

/** After it: its grain's next part begins with what is in v->after. Local. */
void ps_train_device_carried_end(const struct ps_train *t, const struct ps_train_part *part);

/* train_device_times.c */

/** In the queue in use, also while it is recorded. Local. */
void ps_train_tick(const struct ps_train *t, int place, enum ps_train_tick tick);

/** The device has nothing to do: where there is a timeline, bring its times and the host's together. Local.
 */
void ps_train_device_times_begin(struct ps_train *t);

/** The device is done with a place: count the seconds of its phases, also for the timeline. Local. */
void ps_train_device_times_read(struct ps_train *t, int place);

/* train_enqueue.c */

/** Enqueue a part's forward and backward pass, and all that comes after the last part of a step. Collective
 * in steps of which several ranks have as many parts; else local. */
void ps_train_enqueue(struct ps_train *t, const struct ps_train_sum *u, const struct ps_train_part *part,
                      int place);

/** Enqueue what a rank does in a step without samples. Local. */
void ps_train_enqueue_nothing(struct ps_train *t, const struct ps_train_sum *u);

/** Forget what was recorded. Local. */
void ps_train_enqueue_free(struct ps_train_device *v);

#endif
