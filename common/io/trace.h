/** A timeline of a run over all ranks and threads, in Chrome's trace event format, which chrome://tracing and
 * Perfetto show.
 *
 * File: {"traceEvents": [...]}, one event a line. Each span is a complete event: ph "X", its name, pid =
 * rank, tid = thread, ts and dur in microseconds since the trace was opened, on rank 0's clock. Events with
 * ph "M" name ranks with their hosts, and threads; the label of a rank tells how many spans had no room.
 * Source: Google, "Trace Event Format". */
#ifndef PS_TRACE_H
#define PS_TRACE_H

#include "common/run/run.h"

/** NULL: nothing is traced, at the cost of a comparison. */
struct ps_trace;

/** Start a trace, with room for all that will be kept. Collective over run->comm.
 * @param path   "" gives NULL
 * @param events spans per thread that are kept, 24 bytes each; later ones are counted, and the file says so
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status ps_trace_open(struct ps_run *run, const char *path, int64_t events, struct ps_trace **out);

/** Begin and end a span of thread 0 <= thread < run->threads; spans of a thread nest. Local; threads need not
 * wait for each other. @param name a literal without quotes and backslashes */
void ps_trace_begin(struct ps_trace *t, int thread, const char *name);
void ps_trace_end(struct ps_trace *t, int thread);

/** A span of the device that computes for this rank, which is known when it is over: it gets a line of its
 * own below those of threads. Local; one thread. @param name as above @param begin, end as ps_trace_now has
 * them */
void ps_trace_add(struct ps_trace *t, const char *name, int64_t begin, int64_t end);

/** Nanoseconds of this node's clock. Local. */
int64_t ps_trace_now(void);

/** Write what all ranks have, clocks brought together, and free. Collective; NULL is fine.
 * After a failure of the run, on which the ranks have agreed, it does the same: spans that were not ended end
 * now, and the message of that failure stays.
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status ps_trace_close(struct ps_trace *t);

#endif
