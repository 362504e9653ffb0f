/** Figures of a net over a data set: every sample counts exactly once, on any number of ranks. */
#ifndef PS_EVALUATE_H
#define PS_EVALUATE_H

#include "common/nn/net.h"
#include "common/nn/source.h"
#include "common/par/block.h"
#include "common/run/run.h"

enum {
    PS_SUMS_MAX = 1024,
    PS_EVALUATE_CHUNK = 128 /**< samples; fits where there is no reason for another */
};

/** What is added up over samples. */
struct ps_score {
    int sums; /**< numbers, at most PS_SUMS_MAX */
    /** Add what this micro-batch gives, in double precision. Local; several threads call it at once.
     * @param work of the forward pass: ps_net_output reads it
     * @param batch with the samples' numbers, and their inputs where those were loaded as such
     * @param target [n] int32_t labels or [n][output] float @param sum [sums] zero before */
    void (*add)(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                const void *target, double *sum);
    void *context; /**< borrowed */
};

/** Run samples [0, source->n) through the net, without training. Collective over run->comm.
 * The set is cut into chunks of `chunk` samples; sums of chunks are added without rounding, so that the
 * result does not depend on ranks and threads. Rank r goes through the samples of ps_evaluate_mine, its
 * threads through contiguous parts of them in order. Where the source has a run-up, recurrent layers go
 * through the pieces before each sample first, so that its state does not depend on the cut either.
 * @param target what samples come with @param w [weights + buffers] @param prepared as ps_net_prepare left it
 * @param sum out [score->sums] on every rank; not a number where that of a chunk is not finite
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; what the source's load returns */
enum ps_status ps_evaluate(struct ps_run *run, const struct ps_net *net, const struct ps_source *source,
                           int64_t chunk, enum ps_target target, const float *w, const float *prepared,
                           const struct ps_score *score, double *sum);

/** Samples that a rank goes through. Local. */
struct ps_range ps_evaluate_mine(const struct ps_run *run, int64_t n, int64_t chunk);

#endif
