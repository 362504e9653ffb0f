/** What a machine can do at most, and what training reached of it: the roofline of Williams, Waterman and
 * Patterson (2009). */
#ifndef PS_ROOFLINE_H
#define PS_ROOFLINE_H

#include <stdbool.h>
#include "common/run/run.h"

/** FLOP/s that all threads of all ranks reach at once in a loop of multiply-adds. Collective over run->comm.
 * @param half in bf16 */
double ps_roofline_flops(const struct ps_run *run, bool half);

/** Bytes a second that all threads of all ranks move to and from memory at once: STREAM's triad on arrays
 * that no cache holds, the best of some passes of milliseconds. Collective over run->comm.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status ps_roofline_bytes(const struct ps_run *run, double *out);

#endif
