/** Micro-batches of a thread: samples as they are loaded, and what a net makes of them. */
#ifndef PS_MICRO_H
#define PS_MICRO_H

#include "common/nn/net.h"
#include "common/nn/source.h"

/** All zero: nothing was made. */
struct ps_micro {
    struct ps_net_work work;
    float *x;                              /**< [most][input]; owned */
    const struct ps_device_memory *memory; /**< whose copies are of x and sample; NULL: nobody's */
    void *target;        /**< [most] int32_t labels or [most][output] float, or x; owned unless it is x */
    int64_t *sample;     /**< [most] numbers; owned */
    int64_t input;       /**< elements of a sample */
    size_t target_bytes; /**< of a sample; 0 where x is the target */
};

/** Where the target of sample i goes; NULL where that is the input. */
static inline void *ps_micro_target(const struct ps_micro *m, int64_t i)
{
    return m->target == m->x ? NULL : (char *)m->target + (size_t)i * m->target_bytes;
}

/** Room for up to `most` samples, for one thread, which should make it itself: memory is near to whom it
 * touches first. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_micro_make(const struct ps_net *net, int64_t most, enum ps_target target, bool training,
                             struct ps_micro *out);
/** Samples alone: work stays as nothing. @param inputs whether there is room for x */
enum ps_status ps_micro_make_samples(const struct ps_net *net, int64_t most, enum ps_target target,
                                     bool inputs, struct ps_micro *out);
void ps_micro_free(struct ps_micro *m);

/** Load the n samples whose numbers are in m->sample. Local.
 * @return PS_OK; what the source's load returns */
enum ps_status ps_micro_load(struct ps_micro *m, const struct ps_source *source, const struct ps_draw *draw,
                             int64_t n);

/** One of them, sample i of the micro-batch; several threads may load at once. Local. @return as above */
enum ps_status ps_micro_load_one(struct ps_micro *m, const struct ps_source *source,
                                 const struct ps_draw *draw, int64_t i);

#endif
