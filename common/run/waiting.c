#include "common/run/waiting.h"
#include <time.h>

/* The main thread's own: other threads see `counts` false. */
static _Thread_local bool counts;
static int depth;
static double since, cpu_since, seconds, cpu_waited, cpu_start;

static double now_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void ps_wait_watch(bool on)
{
    counts = on;
    depth = 0;
    seconds = cpu_waited = 0;
    cpu_start = now_of(CLOCK_PROCESS_CPUTIME_ID);
}

void ps_wait_begin(void)
{
    if (!counts || depth++ > 0) return;
    since = now_of(CLOCK_MONOTONIC);
    cpu_since = now_of(CLOCK_PROCESS_CPUTIME_ID);
}

void ps_wait_end(void)
{
    if (!counts || --depth > 0) return;
    seconds += now_of(CLOCK_MONOTONIC) - since;
    cpu_waited += now_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_since;
}

struct ps_waited ps_waited(void)
{
    if (!counts) return (struct ps_waited){0, 0};
    return (struct ps_waited){seconds, now_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start - cpu_waited};
}
