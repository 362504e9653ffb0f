/** The JSON-lines record in which a run explains itself. Rank 0 writes; calls on other ranks do nothing. */
#ifndef PS_RECORD_H
#define PS_RECORD_H

#include "common/run/run.h"

/** One line `{"event": event, "time": seconds, ...}`: begin, add fields, end (which appends and flushes).
 * Local. */
void ps_record_begin(struct ps_run *run, const char *event);
void ps_record_int(struct ps_run *run, const char *name, int64_t value);
void ps_record_num(struct ps_run *run, const char *name, double value);
void ps_record_str(struct ps_run *run, const char *name, const char *value);
void ps_record_nums(struct ps_run *run, const char *name, const double *values, int n);
void ps_record_end(struct ps_run *run);

#endif
