/* Micro-batches on their way to a device. */
#include "common/nn/net_device.h"
#include "common/nn/train_device.h"
#include "common/run/err.h"

static int64_t outputs(const struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    return ps_shape_size(net->node[net->nodes - 1].out);
}

/* Memory here and there. */
static enum ps_status make(const struct ps_train *t, int64_t bytes, void *here, void **there)
{
    void **out = here;
    *out = t->job->net->kernels->device->memory->alloc_host(bytes);
    PS_CHECK(*out, PS_ENOMEM, "no memory for copies to the device (%lld MiB)", (long long)(bytes >> 20));
    return there ? ps_net_alloc(t->job->net, bytes, "the samples of a micro-batch", there) : PS_OK;
}

enum ps_status ps_train_place_make(const struct ps_train *t, int64_t most, struct ps_train_place *out)
{
    const bool labels = t->target == PS_TARGET_LABELS, mixed = labels && t->job->mixup > 0;
    const int64_t shares = most * outputs(t) * (int64_t)sizeof(float);
    struct ps_micro *m = &out->here;
    m->input = ps_shape_size(t->job->net->node[0].out);
    PS_TRY(make(t, most * m->input * (int64_t)sizeof(float), &m->x, &out->x));
    PS_TRY(make(t, most * (int64_t)sizeof *m->sample, &m->sample, &out->sample));
    m->target = m->x;
    if (t->target == PS_TARGET_INPUT) return PS_OK;
    m->target_bytes = labels ? sizeof(int32_t) : (size_t)outputs(t) * sizeof(float);
    PS_TRY(make(t, most * (int64_t)m->target_bytes, &m->target, mixed ? NULL : &out->target));
    return mixed ? make(t, shares, &out->shares, &out->target) : PS_OK;
}

void ps_train_place_free(const struct ps_train *t, struct ps_train_place *p)
{
    const struct ps_nn_device *d = t->job->net->kernels->device;
    void *const there[] = {p->x, p->target, p->sample};
    if (p->here.target != p->here.x) d->memory->free_host(p->here.target);
    d->memory->free_host(p->here.x);
    d->memory->free_host(p->here.sample);
    d->memory->free_host(p->shares);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) ps_net_dealloc(t->job->net, there[i]);
    *p = (struct ps_train_place){.x = NULL};
}

/* Samples i and n - 1 - i, which are mixed where that is wanted. */
static enum ps_status load_pair(const struct ps_train *t, struct ps_train_place *p,
                                const struct ps_train_sum *u, int64_t n, int64_t i)
{
    const struct ps_draw draw = {.seed = (uint64_t)t->run->common->seed, .epoch = u->epoch, .training = true};
    PS_TRY(ps_micro_load_one(&p->here, t->job->train, &draw, i));
    if (n - 1 - i != i) PS_TRY(ps_micro_load_one(&p->here, t->job->train, &draw, n - 1 - i));
    if (t->job->mixup > 0) ps_train_mix_pair(t, &p->here, p->shares, n, i, u->epoch);
    return PS_OK;
}

/* In the queue of copies, after which the others wait. */
static void bring(const struct ps_train *t, const struct ps_train_place *p, int64_t n)
{
    const struct ps_nn_device *d = t->job->net->kernels->device;
    const struct ps_micro *m = &p->here;
    d->use(PS_NN_COPY);
    d->memory->put(p->x, m->x, n * m->input * (int64_t)sizeof *m->x);
    d->memory->put(p->sample, m->sample, n * (int64_t)sizeof *m->sample);
    if (p->shares)
        d->memory->put(p->target, p->shares, n * outputs(t) * (int64_t)sizeof *p->shares);
    else if (p->target)
        d->memory->put(p->target, m->target, n * (int64_t)m->target_bytes);
    d->use(PS_NN_COMPUTE);
    d->after(PS_NN_COMPUTE, PS_NN_COPY);
}

enum ps_status ps_train_place_load(const struct ps_train *t, struct ps_train_place *p,
                                   const struct ps_train_sum *u, const struct ps_train_part *part)
{
    const int64_t n = part->at.hi - part->at.lo;
    int failed = PS_OK;
    ps_trace_begin(t->trace, 0, "load");
    ps_train_number(t, u->epoch, part->at, p->here.sample);
#pragma omp parallel for num_threads(t->run->threads) schedule(dynamic) reduction(max : failed)
    for (int64_t i = 0; i < (n + 1) / 2; i++) {
        const int rc = (int)load_pair(t, p, u, n, i);
        if (rc > failed) failed = rc;
    }
    ps_trace_end(t->trace, 0);
    if (failed == PS_OK) bring(t, p, n);
    return (enum ps_status)failed;
}
