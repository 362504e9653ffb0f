/** Sums of gradients over all grains of a step, by all threads of all ranks.
 *
 * A vector is [n]: gradients of the weights, what micro-batches say of running means, and at the end
 * PS_GRADIENT_EXTRA numbers of the step itself. The vectors of a node lie in memory that its ranks share.
 *
 * `exact`: vectors of grains are added along the tree of common/par/grain, also over nodes, so that the bits
 * depend on the number of grains alone. A thread with many grains adds whole subtrees as it goes, and holds
 * about log2(grains) vectors. `fast`: each thread adds its grains up, then the threads of a node, then nodes.
 *
 * Over nodes the vector travels in buckets of neighbouring elements, which start while earlier layers are
 * still on their way backwards (Li et al. 2020, "PyTorch Distributed"). `fast`: MPI_Iallreduce. `exact`: each
 * node gets the sums of whole subtrees for its share of a bucket, adds them along the tree, and sends the sum
 * to all (Thakur, Rabenseifner, Gropp 2005, with the tree's order of addition). Compressed ones go the same
 * way, but are added in single precision to the node's own: what comes from other nodes and the sum are
 * rounded to bf16 (to nearest, ties to even), nothing else is. The ranks of a node take turns with buckets.
 */
#ifndef PS_GRADIENTS_H
#define PS_GRADIENTS_H

#include "common/par/network.h"
#include "common/par/team.h"

/** At the end of a vector: sums over threads and grains of small counts that each of them wrote there. */
enum { PS_GRADIENT_STOP, PS_GRADIENT_SAVE, PS_GRADIENT_BAD, PS_GRADIENT_EXTRA };

enum { PS_GRADIENT_BUCKET = 8 << 20 };

enum ps_reduce { PS_REDUCE_FAST, PS_REDUCE_EXACT };

struct ps_gradients_plan {
    int64_t n;      /**< elements, those at the end included */
    int64_t grains; /**< of the whole run; 0: one for each of its threads */
    enum ps_reduce reduce;
    int64_t compressed; /**< that many first elements travel between nodes as bf16; `fast` only */
    int64_t bucket;     /**< bytes, about, at most 32 MiB; 0: PS_GRADIENT_BUCKET */
};

/** All zero: nothing was opened. */
struct ps_gradients;

/** Collective over the communicator of the team. @param team borrowed
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_gradients_open(struct ps_team *team, const struct ps_gradients_plan *plan,
                                 struct ps_gradients **out);
void ps_gradients_close(struct ps_gradients *g); /**< Collective; NULL is fine. */

/** From the next step on a bucket is under way at least as long as a sum over `nodes` in a ring of this
 * network takes, one bucket after the other: what it would be on another machine. Nothing where there is one
 * node. Local; the same on all ranks. */
void ps_gradients_slow_down(struct ps_gradients *g, const struct ps_network *network, int64_t nodes);

/** Grains of a thread of this rank: they are its own in every step. Local. */
struct ps_range ps_gradients_grains(const struct ps_gradients *g, int thread);

/** Where a thread adds the gradients of one of its grains. Grains come in ascending order; the same one may
 * be asked for again until the next one is (micro-batches whose gradients are accumulated). One that is not
 * asked for in a step adds nothing. Local.
 * @param first out: nothing was written there in this step: write, do not add @return [n] */
float *ps_gradients_slot(struct ps_gradients *g, int thread, int64_t grain, bool *first);

/** Forget what this thread wrote in this step: its sum is zero. Before its grains, or for a thread without
 * any in this step. Local. @return [n], where the numbers at the end may be written */
float *ps_gradients_clear(struct ps_gradients *g, int thread);

/** Elements [lo, hi) of all grains of this thread are final in this step. Called in its last grain, from the
 * end of the vector to its beginning, when the numbers at the end are written; starts the sum over nodes.
 * What is not told here is final in ps_gradients_sum. On thread 0 it calls MPI. */
void ps_gradients_ready(struct ps_gradients *g, int thread, int64_t lo, int64_t hi);

/** Sum. Called by every thread of every rank; thread 0 of each rank calls MPI.
 * On return ps_gradients_part's elements of ps_gradients_total are final for the caller, those of others
 * after ps_team_wait; slots may be written again when all have read the sums, as some of them hold these.
 * @return PS_OK; PS_EMPI, on every thread */
enum ps_status ps_gradients_sum(struct ps_gradients *g, int thread);

/** [n], shared by the node: the sums. Local. */
float *ps_gradients_total(struct ps_gradients *g);

/** Elements whose sum and update are a thread's of this rank, at multiples of 16. Local. */
struct ps_range ps_gradients_part(const struct ps_gradients *g, int thread);

/** What this rank has sent to other nodes so far, for the record. An allreduce of b bytes over k nodes counts
 * as 2 (k - 1) messages of b / k bytes, which no algorithm can do without. Local. */
struct ps_gradients_count {
    int64_t messages, bytes;
};
struct ps_gradients_count ps_gradients_sent(const struct ps_gradients *g);

#endif
