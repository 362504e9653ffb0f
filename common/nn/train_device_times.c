/* Seconds that the device itself spends. Each place has ticks of its own, which are read when the device is
 * done with it anyway, before it is used again: nobody waits for them. */
#include "common/nn/train_device.h"

/* A phase ends with its tick, and begins with the one before. */
static const enum ps_train_span span_of[PS_TRAIN_TICKS] = {[PS_TRAIN_TICK_FORWARD] = PS_SPAN_FORWARD,
                                                           [PS_TRAIN_TICK_BACKWARD] = PS_SPAN_BACKWARD,
                                                           [PS_TRAIN_TICK_SUM] = PS_SPAN_SUM,
                                                           [PS_TRAIN_TICK_UPDATE] = PS_SPAN_UPDATE};

enum { ORIGIN = PS_TRAIN_PLACES * PS_TRAIN_TICKS };
_Static_assert(ORIGIN < (int)PS_NN_TICKS, "ticks of all places");

void ps_train_tick(const struct ps_train *t, int place, enum ps_train_tick tick)
{
    t->device->d->tick(place * PS_TRAIN_TICKS + (int)tick);
}

void ps_train_device_times_begin(struct ps_train *t)
{
    const struct ps_nn_device *d = t->device->d;
    if (!t->trace) return;
    d->tick(ORIGIN);
    d->memory->wait();
    t->device->origin = ps_trace_now();
}

void ps_train_device_times_read(struct ps_train *t, int place)
{
    struct ps_train_device *v = t->device;
    const int first = place * PS_TRAIN_TICKS, ticks = v->place[place].ticks;
    int64_t at = 0;
    if (t->trace && ticks > 0) at = v->origin + (int64_t)(1e9 * v->d->seconds(ORIGIN, first));
    for (int i = 1; i < ticks; i++) {
        const double seconds = v->d->seconds(first + i - 1, first + i);
        const int64_t end = at + (int64_t)(1e9 * seconds);
        ps_train_add_span(t, span_of[i], seconds, at, end);
        at = end;
    }
    v->place[place].ticks = 0;
}
