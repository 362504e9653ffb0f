/** Sums of gradients over the grains of a step where nets are computed on devices, one for each rank.
 *
 * A rank's grains come one after the other. Vectors, of n elements as in common/nn/gradients, lie on the
 * device as a stack of sums of neighbouring grains, which are added along the tree of common/par/grain as
 * soon as they can be. In the last grain the sum over ranks begins, in buckets from the end of the vector to
 * its beginning, while earlier layers are still on their way backwards. `exact`: ranks are added along the
 * tree too, of which the grains of each rank must be a whole part. */
#ifndef PS_GRADIENTS_DEVICE_H
#define PS_GRADIENTS_DEVICE_H

#include "common/nn/gradients.h"
#include "common/nn/net.h"

struct ps_gradients_device;

/** What becomes of the gradients of a grain: the vector of the stack to which they go, and how many vectors
 * below take in the one above them when the grain is done. */
struct ps_gradients_turn {
    int vector, adds;
};

/** @param net of a device @param grains of this rank @param exact with the same bits on any number of ranks
 * Collective over comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_gradients_device_open(MPI_Comm comm, const struct ps_net *net, int64_t grains, bool exact,
                                        struct ps_gradients_device **out);
void ps_gradients_device_close(struct ps_gradients_device *g); /**< Local; NULL is fine. */

/** The turn of a grain in this step. Grains, counted from 0 on each rank, come in ascending order; those
 * without samples do not. Local; on the device nothing happens.
 * @param next the one that comes after it; the rank's grains: it is the last */
struct ps_gradients_turn ps_gradients_device_turn(struct ps_gradients_device *g, int64_t grain, int64_t next);

/** [n], there. */
float *ps_gradients_device_vector(struct ps_gradients_device *g, int vector);

/* All that follows is work for the device. */

/** A grain that is not the last is done: add what can be added. */
void ps_gradients_device_add(struct ps_gradients_device *g, struct ps_gradients_turn turn);

/** The last grain's backward pass begins: the numbers at the end of vector 0 are there. */
void ps_gradients_device_begin(struct ps_gradients_device *g, struct ps_gradients_turn turn);

/** Elements [lo, hi) of the last grain are final, as struct ps_net_gradient tells it. */
void ps_gradients_device_ready(void *gradients, int64_t lo, int64_t hi);

/** All elements are: what the compute queue does from here on comes after the sum. */
void ps_gradients_device_end(struct ps_gradients_device *g);

/** In place of all grains of a step, of which this rank has none: begin with a vector that adds nothing. The
 * numbers at its end stay. */
void ps_gradients_device_nothing(struct ps_gradients_device *g);

/** What a sum sends to other ranks, as ps_gradients_sent counts it. Local. */
struct ps_gradients_count ps_gradients_device_count(const struct ps_gradients_device *g);

#endif
