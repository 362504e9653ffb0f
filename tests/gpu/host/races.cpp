#include "races.h"
#include <sanitizer/tsan_interface.h>
#include "fiber.h"

extern "C" {
/* for virtual machines that reuse memory as they like */
void __tsan_java_init(unsigned long heap, unsigned long bytes);
void __tsan_java_alloc(unsigned long at, unsigned long bytes);
void __tsan_java_free(unsigned long at, unsigned long bytes);
}

enum { WARPS = 32, PLACE = 8 };
alignas(PLACE) static char begun[PLACE], ended[PLACE], met[PLACE * (WARPS + 1)];

void ps_races_renew(void *memory, size_t bytes)
{
    static bool ready;
    const unsigned long lo = ((unsigned long)memory + PLACE - 1) / PLACE * PLACE,
                        hi = ((unsigned long)memory + bytes) / PLACE * PLACE;
    if (!ready) __tsan_java_init((unsigned long)met, sizeof met); /* reports search all of the heap */
    ready = true;
    if (hi <= lo) return;
    __tsan_java_free(lo, hi - lo);
    __tsan_java_alloc(lo, hi - lo);
}

void ps_races_begin(void)
{
    ps_races_renew(met, sizeof met);
    __tsan_release(begun);
}

void ps_races_thread(void)
{
    __tsan_acquire(begun);
}

void ps_races_thread_end(void)
{
    __tsan_release(ended);
}

void ps_races_arrive(int warp)
{
    __tsan_release(met + PLACE * (warp + 1));
}

void ps_races_met(const struct ps_fiber *fiber, int warp)
{
    void *const now = __tsan_get_current_fiber(), *const context = ps_fiber_context(fiber);
    if (context != now) __tsan_switch_to_fiber(context, __tsan_switch_to_fiber_no_sync);
    __tsan_acquire(met + PLACE * (warp + 1));
    if (context != now) __tsan_switch_to_fiber(now, __tsan_switch_to_fiber_no_sync);
}

void ps_races_end(void)
{
    __tsan_acquire(ended);
}
