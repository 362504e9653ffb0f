/** Named phases of a run, and their spread over the ranks. */
#ifndef PS_TIMER_H
#define PS_TIMER_H

#include "common/run/run.h"

/** Begin a phase (ends the one before); the name is a literal. NULL: the time until the next one is in
 * none. Local, but ranks must name the same phases in the same order. */
void ps_phase(struct ps_run *run, const char *name);

/** Add a count to the current phase's record (messages, bytes, distances). Local; same names on all ranks. */
void ps_phase_count(struct ps_run *run, const char *name, int64_t count);

/** Seconds since ps_main began, on this rank. Local. */
double ps_elapsed(const struct ps_run *run);

/** End the last phase, reduce min, mean, max, rank of max over the ranks, write `phase` lines and a line
 * `work` to the record and, at log = debug, a table to stderr. `useful` (mean) and `useful_max` are seconds
 * outside of waits for other ranks, `cpu` and `cpu_max` processor seconds in them; `joules` those of the
 * nodes' processors, `gpu_joules` those of their GPUs, where counters may be read. Collective over run->comm;
 * ps_main calls it. */
enum ps_status ps_phases_report(struct ps_run *run);

#endif
