/* What training holds on a device, and what comes back from there. */
#include <stdlib.h>
#include <string.h>
#include "common/nn/net_device.h"
#include "common/nn/train_device.h"
#include "common/run/err.h"

/* Room for what the group of this rank shows. Local. */
static enum ps_status make_group(struct ps_train *t)
{
    struct ps_train_device *v = t->device;
    const struct ps_net *net = t->job->net;
    const int each = (int)t->params->norm_group;
    const int64_t most = ps_net_group_most(net) + 1;
    v->group = (struct ps_nn_group){.members = each, .member = t->run->rank % each};
    PS_TRY(ps_net_alloc(net, each * most * (int64_t)sizeof(double), "what a group shows",
                        (void **)&v->group.shown));
    return ps_train_group_join_there(t, &v->group, &t->thread[0].member);
}

/* Room of this rank. Local. */
static enum ps_status make(struct ps_train *t, int64_t most)
{
    struct ps_train_device *v = t->device;
    const struct ps_net *net = t->job->net;
    const int64_t grains = v->grains.hi - v->grains.lo, parts = grains * t->params->accumulate;
    const int64_t flags = 2 * PS_TRAIN_TURNS * PS_GRADIENT_EXTRA * (int64_t)sizeof *v->flags;
    PS_TRY(ps_alloc(&v->part, parts, sizeof *v->part, "the micro-batches of a step"));
    PS_TRY(ps_alloc(&v->sample, most, sizeof *v->sample, "the numbers of samples"));
    PS_TRY(ps_net_work_make(net, most, true, &v->work));
    for (int i = 0; i < PS_TRAIN_PLACES; i++) PS_TRY(ps_train_place_make(t, most, &v->place[i]));
    PS_TRY(ps_net_alloc(net, grains * (int64_t)sizeof *v->loss, "the losses of grains", (void **)&v->loss));
    if (t->carried) PS_TRY(ps_train_device_carried_make(t, most));
    if (t->params->norm_group > 1) PS_TRY(make_group(t));
    v->flags = v->d->memory->alloc_host(flags);
    PS_CHECK(v->flags, PS_ENOMEM, "no memory for copies to the device");
    return PS_OK;
}

enum ps_status ps_train_device_open(struct ps_train *t, int64_t most)
{
    const MPI_Comm comm = t->run->comm;
    const bool exact = strcmp(t->params->reduce, "exact") == 0;
    struct ps_train_device *v;
    enum ps_status rc = ps_zalloc(&t->device, 1, sizeof *t->device, "training");
    v = t->device;
    if (rc == PS_OK) {
        v->d = t->job->net->kernels->device;
        v->grains = ps_train_grains(t);
        rc = make(t, most);
    }
    PS_TRY(ps_agree(comm, rc));
    PS_TRY(ps_gradients_device_open(comm, t->job->net, v->grains.hi - v->grains.lo, exact, &v->gradients));
    return ps_agree(comm, ps_optimizer_there(t->optimizer, &v->optimizer));
}

void ps_train_device_close(struct ps_train *t)
{
    struct ps_train_device *v = t->device;
    if (!v) return;
    v->d->memory->wait();
    ps_train_enqueue_free(v);
    v->d->optimizer_close(v->optimizer);
    ps_gradients_device_close(v->gradients);
    for (int i = 0; i < PS_TRAIN_PLACES; i++) ps_train_place_free(&v->place[i]);
    ps_net_work_free(&v->work);
    ps_net_dealloc(t->job->net, v->loss);
    ps_net_dealloc(t->job->net, v->carried);
    ps_net_dealloc(t->job->net, v->after);
    ps_net_dealloc(t->job->net, v->group.shown);
    v->d->memory->free_host(v->flags);
    free(v->part);
    free(v->sample);
    free(v);
    t->device = NULL;
}

enum ps_status ps_train_device_put(struct ps_train *t)
{
    const struct ps_train_device *v = t->device;
    const int64_t bytes = t->job->net->weights * (int64_t)sizeof(float);
    float *here[2], *there[2];
    const int n = ps_optimizer_state(t->optimizer, here);
    v->d->optimizer_state(v->optimizer, there);
    for (int i = 0; i < n; i++) v->d->memory->put(there[i], here[i], bytes);
    return ps_agree(t->run->comm, ps_net_check(t->job->net));
}

enum ps_status ps_train_device_get(struct ps_train *t)
{
    const struct ps_train_device *v = t->device;
    const int64_t bytes = t->job->net->weights * (int64_t)sizeof(float);
    float *here[2], *there[2];
    const int n = t->memory->team.rank == 0 ? ps_optimizer_state(t->optimizer, here) : 0;
    v->d->optimizer_state(v->optimizer, there);
    for (int i = 0; i < n; i++) v->d->memory->get(here[i], there[i], bytes); /* all ranks have the same */
    return ps_agree(t->run->comm, ps_net_check(t->job->net));
}

struct ps_gradients_count ps_train_device_sent(const struct ps_train *t)
{
    const struct ps_gradients_count one = ps_gradients_device_count(t->device->gradients);
    return (struct ps_gradients_count){one.messages * t->device->steps, one.bytes * t->device->steps};
}
