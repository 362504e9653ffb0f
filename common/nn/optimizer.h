/** Updates of all weights by the threads of a node, each of its part; every node does the same. */
#ifndef PS_OPTIMIZER_H
#define PS_OPTIMIZER_H

#include "common/nn/net.h"
#include "common/par/team.h"
#include "kernels/nn/nn_device.h"

struct ps_optimizer_plan {
    struct ps_nn_update update; /**< rule and its numbers; rate, scale, step and trust are set by each step */
    double clip;                /**< largest norm of the whole gradient (Pascanu et al. 2013); 0: any */
    double trust;               /**< LARS: trust coefficient */
    bool spare;                 /**< weights of one dimension are not decayed */
};

/** All zero: nothing was opened. State lies in memory that the ranks of a node share. */
struct ps_optimizer;

/** @param net of float, team: borrowed. Collective over the team's communicator.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_optimizer_open(struct ps_team *team, const struct ps_net *net,
                                 const struct ps_optimizer_plan *plan, struct ps_optimizer **out);
void ps_optimizer_close(struct ps_optimizer *o); /**< Collective; NULL is fine. */

/** One step. Called by every thread of the node; each updates `part` of the weights (ps_gradients_part),
 * whose gradients are final. Where norms are asked for (clipping, LARS, LAMB) it waits for the others; they
 * are sums over fixed blocks in a fixed order: equal bits on any number of threads. Weights of one dimension,
 * which are biases and those of norms, are neither decayed nor given rates of their own by LARS and LAMB;
 * others do not decay them either where the plan says so.
 * Frozen weights of the net stay.
 * @param g [weights] sums of gradients, destroyed @param step from 1 @param w [weights] shared by the node */
void ps_optimizer_step(struct ps_optimizer *o, int thread, struct ps_range part, int64_t step, double rate,
                       float *g, float *w);

/** State vectors, [weights] each, for checkpoints. @param state out [2] @return how many, 0 to 2 */
int ps_optimizer_state(struct ps_optimizer *o, float **state);

/** The same on the net's device, where state begins as zero; this one's vectors are then only what
 * checkpoints hold. Local. @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_optimizer_there(const struct ps_optimizer *o, struct ps_nn_optimizer **out);

/** Norm of the last gradient before it was clipped; 0 where nobody asked for it. Local. */
double ps_optimizer_norm(const struct ps_optimizer *o);

#endif
