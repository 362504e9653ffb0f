/** Samples that threads of their own prepare before they are wanted. */
#ifndef PS_AHEAD_H
#define PS_AHEAD_H

#include <stddef.h>
#include "common/nn/source.h"

struct ps_ahead;

/** How often and how long those who load had to wait. */
struct ps_ahead_count {
    int64_t ready, late,
        own;        /**< samples that were there; that were waited for; that the caller made itself */
    double seconds; /**< of late and own ones, added over callers */
};

/** Start threads that load samples of `inner` which were told to `outer->ahead`. Loading from `outer` gives
 * the same samples. Local.
 * @param inner   borrowed until ps_ahead_close
 * @param input, target_bytes floats and bytes of a sample's input and target
 * @param threads 0: none, `outer` is a copy of `inner` whose loading is timed
 * @param room    samples that are held at most
 * @param outer   out: n, name, batches as inner's
 * @return PS_OK; PS_ENOMEM (also where threads cannot be started) */
enum ps_status ps_ahead_open(const struct ps_source *inner, int64_t input, size_t target_bytes, int threads,
                             int64_t room, struct ps_ahead **out, struct ps_source *outer);

/** Counts since the last call. Local; from one thread, while others may load. */
struct ps_ahead_count ps_ahead_take(struct ps_ahead *a);

void ps_ahead_close(struct ps_ahead *a); /**< Ends the threads. Local; NULL is fine. */

#endif
