/* What the device does in a step: recorded once for all that it depends on, and replayed. */
#include <stdlib.h>
#include "common/nn/net_device.h"
#include "common/nn/train_device.h"

/* What the job's loss is to a device. */
static struct ps_nn_loss loss_of(const struct ps_train *t)
{
    static const enum ps_nn_loss_kind kinds[] = {[PS_LOSS_SOFTMAX] = PS_NN_LOSS_SOFTMAX,
                                                 [PS_LOSS_SQUARES] = PS_NN_LOSS_SQUARES,
                                                 [PS_LOSS_ABSOLUTE] = PS_NN_LOSS_ABSOLUTE,
                                                 [PS_LOSS_SIGMOID] = PS_NN_LOSS_SIGMOID};
    const struct ps_net *net = t->job->net;
    const bool shares = t->device->place[0].labels; /* only mixed samples keep them */
    return (struct ps_nn_loss){.kind = shares ? PS_NN_LOSS_SHARES : kinds[t->job->loss],
                               .out = ps_shape_size(net->node[net->nodes - 1].out),
                               .smoothing = t->job->smoothing};
}

/* The last backward pass was enqueued, or there is none: sum, update, prepare.
 * @param place that it went through; below 0: none */
static void end_step(struct ps_train *t, const struct ps_train_sum *u, int place)
{
    const struct ps_train_device *v = t->device;
    const struct ps_net *net = t->job->net;
    float *total = ps_gradients_device_vector(v->gradients, 0);
    ps_gradients_device_end(v->gradients);
    if (place >= 0) ps_train_tick(t, place, PS_TRAIN_TICK_SUM);
    ps_net_buffers_follow_there(net, total, u->micro, t->memory->prepared);
    v->d->optimizer_step(v->optimizer, total, t->memory->prepared);
    ps_net_prepare_there(net, t->memory->prepared);
    if (place >= 0) ps_train_tick(t, place, PS_TRAIN_TICK_UPDATE);
}

static void go_through(struct ps_train *t, const struct ps_train_sum *u, const struct ps_train_part *part,
                       int at)
{
    struct ps_train_device *v = t->device;
    const struct ps_train_place *place = &v->place[at];
    const struct ps_net *net = t->job->net;
    const float *w = t->memory->prepared, *forms = w + ps_net_vector(net);
    float *bad = ps_gradients_device_vector(v->gradients, 0) + net->weights + net->buffers + PS_GRADIENT_BAD;
    const struct ps_nn_loss loss = loss_of(t);
    const struct ps_net_group *group = ps_train_group(t, 0, part->batch);
    const struct ps_net_batch batch = {.n = part->at.hi - part->at.lo,
                                       .x = place->x.there,
                                       .sample = place->sample.there,
                                       .step = u->step,
                                       .training = true,
                                       .state = t->carried ? ps_train_device_carried(t, part->grain) : NULL,
                                       .next = v->after,
                                       .group = group};
    const struct ps_net_gradient gradient = {.dw =
                                                 ps_gradients_device_vector(v->gradients, part->turn.vector),
                                             .add = part->add,
                                             .ready = part->last && !group ? ps_gradients_device_ready : NULL,
                                             .context = v->gradients};
    ps_train_tick(t, at, PS_TRAIN_TICK_BEGIN);
    const void *y = ps_net_forward_there(&v->work, &batch, w, forms);
    v->d->loss(&loss, batch.n, y, place->target.there ? place->target.there : place->x.there, u->scale,
               ps_net_output_gradient(&v->work), v->loss + part->grain, true);
    v->d->check(v->loss + part->grain, bad);
    ps_train_tick(t, at, PS_TRAIN_TICK_FORWARD);
    if (part->last) ps_gradients_device_begin(v->gradients, part->turn);
    ps_net_backward(&v->work, &batch, w, forms, &gradient);
    if (t->carried) ps_train_device_carried_end(t, part);
    if (!part->last && part->end) ps_gradients_device_add(v->gradients, part->turn);
    ps_train_tick(t, at, PS_TRAIN_TICK_BACKWARD);
    if (part->last) end_step(t, u, at);
}

/* Others of the group go through a batch of which this rank has no samples. */
static void stand_by(struct ps_train *t, int64_t batch)
{
    const struct ps_net_group *group = ps_train_group(t, 0, batch);
    if (!group) return;
    ps_net_group_idle(t->job->net, group, false);
    ps_net_group_idle(t->job->net, group, true);
}

static void go_without(struct ps_train *t, const struct ps_train_sum *u, const struct ps_train_part *part)
{
    stand_by(t, part->batch);
    if (!part->last) return;
    if (part->add)
        ps_gradients_device_begin(t->device->gradients, part->turn);
    else
        ps_gradients_device_nothing(t->device->gradients);
    end_step(t, u, -1);
}

/* What was recorded of such a part, or room for it; NULL where there is no room. */
static struct ps_train_recording *find(struct ps_train_device *v, const struct ps_train_recording *key)
{
    enum { FIRST = 16 };
    for (int i = 0; i < v->recordings; i++) {
        struct ps_train_recording *r = &v->recording[i];
        if (r->place == key->place && r->add == key->add && r->end == key->end && r->last == key->last &&
            r->grain == key->grain && r->n == key->n && r->all == key->all && r->micro == key->micro &&
            r->scale == key->scale)
            return r;
    }
    if (v->recordings == v->room) {
        const int room = v->room > 0 ? 2 * v->room : FIRST;
        struct ps_train_recording *more = realloc(v->recording, (size_t)room * sizeof *more);
        if (!more) return NULL;
        v->recording = more;
        v->room = room;
    }
    v->recording[v->recordings] = *key;
    return &v->recording[v->recordings++];
}

/* What ranks send each other is recorded by all of them or by none, and replayed together (NCCL's user guide,
 * "Using NCCL with CUDA Graphs"): where there are several, in steps of whole batches alone, of which all have
 * as many parts. */
static bool may_record(const struct ps_train *t, const struct ps_train_sum *u)
{
    const struct ps_train_params *p = t->params;
    if (t->run->size == 1) return true;
    return u->last - u->first == p->accumulate && u->last * p->batch <= t->job->train->n &&
           p->batch >= t->grains && t->grains % t->run->size == 0;
}

/* What was recorded, if all ranks have. */
static void *agreed(const struct ps_train *t, void *recorded)
{
    int all = recorded != NULL;
    if (t->run->size > 1) MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, t->run->comm);
    if (!all) t->device->d->recorded_free(recorded);
    return all ? recorded : NULL;
}

void ps_train_enqueue(struct ps_train *t, const struct ps_train_sum *u, const struct ps_train_part *part,
                      int place)
{
    struct ps_train_device *v = t->device;
    const struct ps_net_group *group = ps_train_group(t, 0, part->batch);
    const struct ps_train_recording key = {.place = place,
                                           .add = part->add,
                                           .end = part->end,
                                           .last = part->last,
                                           .grain = part->grain,
                                           .n = part->at.hi - part->at.lo,
                                           .all = group ? group->all : 0,
                                           .micro = u->micro,
                                           .scale = u->scale};
    if (key.n == 0) {
        go_without(t, u, part);
        return;
    }
    struct ps_train_recording *r = may_record(t, u) ? find(v, &key) : NULL;
    if (t->carried) ps_train_device_carried_begin(t, part);
    if (r && r->seen++ == 1) { /* the first time, libraries still chose and allocated */
        v->d->record_begin();
        go_through(t, u, part, place);
        r->recorded = agreed(t, v->d->record_end());
    }
    if (r && r->recorded)
        v->d->replay(r->recorded);
    else
        go_through(t, u, part, place);
    v->place[place].ticks = part->last ? PS_TRAIN_TICKS : PS_TRAIN_TICK_SUM;
    v->d->mark(PS_TRAIN_MARK_PLACE + place);
}

void ps_train_enqueue_nothing(struct ps_train *t, const struct ps_train_sum *u)
{
    ps_gradients_device_nothing(t->device->gradients);
    end_step(t, u, -1);
}

void ps_train_enqueue_free(struct ps_train_device *v)
{
    for (int i = 0; i < v->recordings; i++) v->d->recorded_free(v->recording[i].recorded);
    free(v->recording);
}
