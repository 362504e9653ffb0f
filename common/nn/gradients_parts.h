/** What the files of gradients share with each other only. */
#ifndef PS_GRADIENTS_PARTS_H
#define PS_GRADIENTS_PARTS_H

#include "common/nn/gradients.h"
#include "common/nn/gradients_tree.h"

enum { PS_GRADIENT_LINE = 16 }; /**< elements of a cache line: no two threads write to one */

/** A thread of this rank. It is a leaf of its node's sum (`fast`), or its grains are leaves of the run's.
 * Its vectors are a stack of sums of neighbouring leaves, which ends as the parts of its leaves. */
struct ps_gradients_thread {
    _Alignas(64) struct ps_range grains;
    struct ps_range leaves;
    float *stack; /**< its vectors, `stride` elements from one to the next */
    int parts;
    int64_t part[PS_TREE_PARTS]; /**< first leaf of each */

    /* in this step */
    int top;                         /**< vectors on the stack */
    int64_t leaf[2 * PS_TREE_PARTS]; /**< one of each of them */
    int64_t last;                    /**< leaf; -1: none */
    int kept;                        /**< vectors that stay when all leaves have come; -1: unknown */
    int64_t from;                    /**< elements from here on are final */
    int64_t told, added;             /**< buckets that are final, whose share this thread has added */
    int64_t step;
};

struct ps_gradients {
    struct ps_team *team;
    bool exact;
    int64_t n, stride;                  /**< elements; from vector to vector */
    int64_t compressed;                 /**< in whole lines, or n */
    int64_t grains;                     /**< of the whole run */
    int64_t count;                      /**< leaves of the tree */
    struct ps_range leaves;             /**< of this node */
    struct ps_gradients_thread *thread; /**< [own threads]; owned */
    struct ps_shared memory;            /**< vectors of all threads of the node */
    float **vector;                     /**< [vectors] parts of all threads of the node; owned */
    int vectors;
    struct ps_tree_add *add; /**< [adds] that make the node's sums of them; owned */
    int adds;
    float *sum[PS_TREE_PARTS]; /**< [sums] the vectors that hold these: one, or `exact` the node's parts */
    int sums;
    struct ps_gradients_nodes *nodes; /**< NULL: there is one node */
};

/** to += from. */
static inline void ps_gradients_plus(int64_t n, const float *restrict from, float *restrict to)
{
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

/** Leaves of a thread of the whole run. Local. */
struct ps_range ps_gradients_leaves(const struct ps_gradients *g, int64_t thread);

/** Elements [lo, hi) of a thread's parts are all there. Local. */
void ps_gradients_final(struct ps_gradients *g, int thread, int64_t lo, int64_t hi);

/** Elements [lo, hi) of the node's sums, of threads' parts that are all there. Local. */
void ps_gradients_node(struct ps_gradients *g, int64_t lo, int64_t hi);

/* gradients_nodes.c */

/** Collective over the communicator of the team. @param bucket bytes
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_gradients_nodes_open(struct ps_gradients *g, int64_t bucket);
void ps_gradients_nodes_close(struct ps_gradients *g); /**< Collective. */

/** Go on with the sum over nodes without waiting. @return has this thread added its shares of all buckets? */
bool ps_gradients_nodes_go(struct ps_gradients *g, int thread);

/** Bring it to its end. As ps_gradients_sum. */
enum ps_status ps_gradients_nodes_end(struct ps_gradients *g, int thread);

void ps_gradients_nodes_slow_down(struct ps_gradients *g, const struct ps_network *network, int64_t nodes);

struct ps_gradients_count ps_gradients_nodes_sent(const struct ps_gradients *g);

#endif
