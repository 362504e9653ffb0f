/** Fibers: stacks between which one thread of the process changes. */
#ifndef PS_FIBER_H
#define PS_FIBER_H

#include <stddef.h>

struct ps_fiber;

/** A fiber that calls `run`, which never returns, when it is first entered. */
struct ps_fiber *ps_fiber_make(void (*run)(void));

/** Go to a fiber; returns when it calls ps_fiber_leave. Not from within a fiber. */
void ps_fiber_enter(struct ps_fiber *fiber);

/** Leave the fiber that runs, to be entered again. */
void ps_fiber_leave(void);

/** What the sanitizer that looks for races takes for its thread; NULL: there is none. */
void *ps_fiber_context(const struct ps_fiber *fiber);

#endif
