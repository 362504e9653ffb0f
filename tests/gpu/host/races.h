/** What comes before what in a kernel, told to ThreadSanitizer where PS_HOST_RACES is defined: a thread comes
 * after what the host did before the launch, and after what others of its block, or warp, did before they
 * met; not after other blocks. Kernels are compiled for the sanitizer, the parts of the stand-in are not. */
#ifndef PS_RACES_H
#define PS_RACES_H

#include <stddef.h>

struct ps_fiber;

#ifdef PS_HOST_RACES
enum { PS_RACES_SPARE = 61 };

/** Memory that blocks had before is new. */
void ps_races_renew(void *memory, size_t bytes);

/** A block is going to run: what the host did so far comes before its threads, none of which have met. */
void ps_races_begin(void);

/** The thread that runs begins, or has ended. */
void ps_races_thread(void);
void ps_races_thread_end(void);

/** It comes to a meeting of its block (warp -1) or warp; and the thread in a fiber has met those that came.
 */
void ps_races_arrive(int warp);
void ps_races_met(const struct ps_fiber *fiber, int warp);

/** All threads of a launch have ended. */
void ps_races_end(void);
#else
enum { PS_RACES_SPARE = 0 };
static inline void ps_races_renew(void *, size_t) {}
static inline void ps_races_begin(void) {}
static inline void ps_races_thread(void) {}
static inline void ps_races_thread_end(void) {}
static inline void ps_races_arrive(int) {}
static inline void ps_races_met(const struct ps_fiber *, int) {}
static inline void ps_races_end(void) {}
#endif

#endif
