/* State that is carried from batch to batch, on a device. Which samples begin anew changes from step to step:
 * their state is cleared outside of what was recorded. */
#include "common/nn/net_device.h"
#include "common/nn/train_device.h"

/* Bytes of the states of n samples. */
static int64_t bytes_of(const struct ps_train *t, int64_t n)
{
    return n * t->job->net->states * (int64_t)sizeof(float);
}

/* Samples of this rank's grains. */
static int64_t own(const struct ps_train *t)
{
    const struct ps_range grains = t->device->grains;
    return ps_train_carried_first(t, grains.hi) - ps_train_carried_first(t, grains.lo);
}

enum ps_status ps_train_device_carried_make(struct ps_train *t, int64_t most)
{
    struct ps_train_device *v = t->device;
    PS_TRY(ps_net_alloc(t->job->net, bytes_of(t, own(t)), "carried states", (void **)&v->carried));
    return ps_net_alloc(t->job->net, bytes_of(t, most), "carried states", (void **)&v->after);
}

float *ps_train_device_carried(const struct ps_train *t, int64_t grain)
{
    const struct ps_train_device *v = t->device;
    const int64_t first = ps_train_carried_first(t, v->grains.lo);
    return v->carried + (ps_train_carried_first(t, v->grains.lo + grain) - first) * t->job->net->states;
}

void ps_train_device_carried_put(const struct ps_train *t)
{
    const struct ps_train_device *v = t->device;
    v->d->memory->put(v->carried, ps_train_carried(t, v->grains.lo), bytes_of(t, own(t)));
}

void ps_train_device_carried_get(const struct ps_train *t)
{
    const struct ps_train_device *v = t->device;
    v->d->memory->get(ps_train_carried(t, v->grains.lo), v->carried, bytes_of(t, own(t)));
}

void ps_train_device_carried_begin(const struct ps_train *t, const struct ps_train_part *part)
{
    const struct ps_range at = part->at;
    float *state = ps_train_device_carried(t, part->grain);
    for (int64_t i = at.lo, end; i < at.hi; i = end + 1) { /* neighbours that begin anew go together */
        for (end = i; end < at.hi && !ps_train_carried_goes_on(t, end);) end++;
        if (i < end)
            ps_net_forget_there(t->job->net, at.hi - at.lo, (struct ps_range){i - at.lo, end - at.lo}, state);
    }
}

void ps_train_device_carried_end(const struct ps_train *t, const struct ps_train_part *part)
{
    t->job->net->kernels->copy(bytes_of(t, part->at.hi - part->at.lo), t->device->after,
                               ps_train_device_carried(t, part->grain));
}
