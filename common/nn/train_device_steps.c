/* Steps of training on a device. The host is always ahead of it: what a step told all ranks is looked at when
 * the next one is under way. */
#include "common/nn/net_device.h"
#include "common/nn/train_device.h"
#include "common/run/err.h"
#include "common/run/timer.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The place of the flags of a step: own ones, then those of all ranks. */
static float *flags_of(const struct ps_train_device *v, bool all, int64_t step)
{
    return v->flags + ((all ? PS_TRAIN_TURNS : 0) + step % PS_TRAIN_TURNS) * PS_GRADIENT_EXTRA;
}

/* The numbers at the end of the vector, there. */
static float *extra(const struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    return ps_gradients_device_vector(t->device->gradients, 0) + net->weights + net->buffers;
}

/* Micro-batches that this rank goes through, in order: those with samples, or of a group all. Only the last
 * batch of an epoch may have fewer samples than grains before it. @return how many */
static int64_t list(struct ps_train *t, const struct ps_train_sum *u)
{
    struct ps_train_device *v = t->device;
    const int64_t grains = v->grains.hi - v->grains.lo;
    int64_t n = 0;
    for (int64_t g = 0; g < grains; g++)
        for (int64_t b = u->first; b < u->last; b++) {
            const struct ps_range at = ps_train_places(t, b, v->grains.lo + g);
            const struct ps_train_part *before = n > 0 ? &v->part[n - 1] : NULL;
            if (at.lo == at.hi && v->group.members == 0) continue;
            v->part[n] =
                (struct ps_train_part){.grain = g,
                                       .batch = b,
                                       .at = at,
                                       .add = before && before->grain == g && before->at.lo < before->at.hi};
            n++;
        }
    for (int64_t i = 0; i < n; i++) {
        struct ps_train_part *part = &v->part[i];
        part->last = i == n - 1;
        part->end = part->last || part[1].grain != part->grain;
    }
    for (int64_t i = 0, first = 0; i < n; i++) {
        if (!v->part[i].end) continue;
        const int64_t next = v->part[i].last ? grains : v->part[i + 1].grain;
        const struct ps_gradients_turn turn = ps_gradients_device_turn(v->gradients, v->part[i].grain, next);
        for (; first <= i; first++) v->part[first].turn = turn;
    }
    return n;
}

/* What this rank tells all, to the device. */
static void put_flags(const struct ps_train *t, const float *own)
{
    t->device->d->memory->put(extra(t), own, PS_GRADIENT_EXTRA * (int64_t)sizeof(float));
}

/* Load a part's samples. That this failed, all ranks shall know. */
static void load(struct ps_train *t, const struct ps_train_sum *u, const struct ps_train_part *part,
                 struct ps_train_place *place)
{
    struct ps_train_device *v = t->device;
    enum ps_status *failed = &t->thread[0].failed;
    float *own = flags_of(v, false, u->step);
    if (*failed == PS_OK && part->at.lo < part->at.hi) *failed = ps_train_place_load(t, place, u, part);
    if (*failed == PS_OK || own[PS_GRADIENT_BAD] > 0) return;
    v->d->memory->wait(); /* for the flags, which change */
    own[PS_GRADIENT_BAD] = 1;
    put_flags(t, own);
}

/* Load and enqueue all micro-batches. One that failed to load goes its way too, with what its place holds:
 * ranks replay together what they recorded, and nothing of the step will be used. */
static void go_through(struct ps_train *t, const struct ps_train_sum *u, int64_t parts)
{
    struct ps_train_device *v = t->device;
    if (t->thread[0].failed == PS_OK) ps_train_look_ahead(t, u, v->grains, v->sample);
    for (int64_t i = 0; i < parts; i++) {
        const int place = (int)((v->next + i) % PS_TRAIN_PLACES);
        ps_train_begin_span(t, 0, PS_SPAN_WAIT);
        v->d->await(PS_TRAIN_MARK_PLACE + place);
        ps_train_end_span(t, 0, PS_SPAN_WAIT);
        ps_train_device_times_read(t, place);
        load(t, u, &v->part[i], &v->place[place]);
        ps_train_enqueue(t, u, &v->part[i], place);
    }
}

/* Enqueue a step. */
static void enqueue(struct ps_train *t, const struct ps_train_sum *u)
{
    struct ps_train_device *v = t->device;
    const int64_t parts = list(t, u), whole = (v->grains.hi - v->grains.lo) * t->params->accumulate;
    float *own = flags_of(v, false, u->step);
    v->d->set_step(&(struct ps_nn_step){u->step, ps_schedule_rate(&t->schedule, u->step)});
    ps_train_tell_all(t, 0, t->thread[0].failed != PS_OK, own);
    put_flags(t, own);
    if (parts > 0)
        go_through(t, u, parts);
    else
        ps_train_enqueue_nothing(t, u);
    v->next = (int)((v->next + whole) % PS_TRAIN_PLACES); /* on all ranks alike, whatever they had */
    v->d->memory->get(flags_of(v, true, u->step), extra(t), PS_GRADIENT_EXTRA * (int64_t)sizeof(float));
    v->d->mark(PS_TRAIN_MARK_TOLD + (int)(u->step % PS_TRAIN_TURNS));
    v->steps++;
}

/* Wait until a step is done; what was told in it is added. */
static void look(struct ps_train *t, int64_t step, struct ps_train_pause *pause)
{
    struct ps_train_device *v = t->device;
    const float *told = flags_of(v, true, step);
    ps_train_begin_span(t, 0, PS_SPAN_WAIT);
    v->d->await(PS_TRAIN_MARK_TOLD + (int)(step % PS_TRAIN_TURNS));
    ps_train_end_span(t, 0, PS_SPAN_WAIT);
    const double now = ps_elapsed(t->run);
    ps_train_count_step(t, now - v->since);
    v->since = now;
    pause->stop |= told[PS_GRADIENT_STOP] > 0;
    pause->save |= told[PS_GRADIENT_SAVE] > 0;
    pause->bad |= told[PS_GRADIENT_BAD] > 0;
}

/* Has the device failed? Then others wait for it in a sum, and a message would not reach them. @return yes */
static bool has_failed(struct ps_train *t)
{
    if (!t->device->d->memory->error()[0]) return false;
    t->thread[0].failed = ps_net_check(t->job->net);
    if (t->run->size > 1) ps_run_abandon(t->run, t->thread[0].failed);
    return true;
}

/* Losses, carried states and the weights of the node, to the host. Collective. */
static void bring_back(struct ps_train *t)
{
    const struct ps_train_device *v = t->device;
    const struct ps_net *net = t->job->net;
    const int64_t grains = v->grains.hi - v->grains.lo;
    v->d->memory->get(t->at.loss + v->grains.lo, v->loss, grains * (int64_t)sizeof *v->loss);
    if (t->carried) ps_train_device_carried_get(t);
    if (t->memory->team.rank == 0)
        v->d->memory->get(t->memory->w, t->memory->prepared,
                          (net->weights + net->buffers) * (int64_t)sizeof(float));
    v->d->memory->wait();
    for (int i = 0; i < PS_TRAIN_PLACES; i++) /* the older one first, if all had their parts */
        ps_train_device_times_read(t, (v->next + i) % PS_TRAIN_PLACES);
    if (!has_failed(t)) MPI_Barrier(t->memory->team.node);
}

int64_t ps_train_device_steps(struct ps_train *t, struct ps_progress *progress, struct ps_train_pause *pause)
{
    struct ps_train_device *v = t->device;
    const int64_t every = t->params->every, k = t->params->accumulate, from = t->at.update;
    const int64_t before = t->at.epoch * t->updates;
    int64_t i = from, looked = from;
    ps_train_device_times_begin(t);
    v->d->memory->put(v->loss, t->at.loss + v->grains.lo,
                      (v->grains.hi - v->grains.lo) * (int64_t)sizeof *v->loss);
    if (t->carried) ps_train_device_carried_put(t);
    v->since = ps_elapsed(t->run);
    *pause = (struct ps_train_pause){false, false, false};
    while (i < t->updates && !pause->stop && !pause->save && !pause->bad && !has_failed(t)) {
        struct ps_train_sum u = ps_train_sum_of(t, i * k, least((i + 1) * k, t->batches));
        u.epoch = t->at.epoch;
        u.step = before + i++;
        enqueue(t, &u);
        if (i - looked > 1) look(t, before + looked++, pause);
        if (every > 0 && (u.step + 1) % every == 0) pause->save = true;
        ps_progress_at(progress, (looked - from) * k * t->params->batch);
    }
    while (looked < i && !pause->bad && !has_failed(t)) look(t, before + looked++, pause);
    bring_back(t);
    return pause->bad ? looked : i;
}
