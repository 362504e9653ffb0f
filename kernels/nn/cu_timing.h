/** Time that calls take on the device, to choose among algorithms. Waits for the queue in use, so not while
 * calls are recorded. */
#ifndef PS_NN_CU_TIMING_H
#define PS_NN_CU_TIMING_H

#include "kernels/cuda.h"

struct ps_timing {
    cudaEvent_t from, to;
};

struct ps_timing ps_timing_begin(void);
/** Milliseconds since it began. */
float ps_timing_end(struct ps_timing *t);

/** Memory of zeros for a trial; NULL: there is not as much, which is no failure. */
void *ps_trial_memory(int64_t bytes);
void ps_trial_free(void *memory);

#endif
