/* Micro-batches on their way to a device. */
#include <stdlib.h>
#include "common/nn/train_device.h"
#include "common/run/err.h"

static int64_t outputs(const struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    return ps_shape_size(net->node[net->nodes - 1].out);
}

enum ps_status ps_train_place_make(const struct ps_train *t, int64_t most, struct ps_train_place *out)
{
    static const char what[] = "the samples of a micro-batch; lower --batch";
    const struct ps_device_memory *memory = t->job->net->kernels->device->memory;
    const bool labels = t->target == PS_TARGET_LABELS, mixed = labels && t->job->mixup > 0;
    const int64_t numbers = outputs(t) * (int64_t)sizeof(float);
    struct ps_micro *m = &out->here;
    m->input = ps_shape_size(t->job->net->node[0].out);
    PS_TRY(ps_buffer_make(memory, most * m->input * (int64_t)sizeof *m->x, true, what, &out->x));
    PS_TRY(ps_buffer_make(memory, most * (int64_t)sizeof *m->sample, true, what, &out->sample));
    m->x = out->x.here;
    m->sample = out->sample.here;
    m->target = m->x;
    if (t->target == PS_TARGET_INPUT) return PS_OK;
    m->target_bytes = labels ? sizeof *out->labels : (size_t)numbers;
    const int64_t bytes = mixed ? numbers : (int64_t)m->target_bytes;
    PS_TRY(ps_buffer_make(memory, most * bytes, true, what, &out->target));
    if (mixed) PS_TRY(ps_alloc(&out->labels, most, sizeof *out->labels, "the labels of a micro-batch"));
    m->target = mixed ? (void *)out->labels : out->target.here;
    return PS_OK;
}

void ps_train_place_free(struct ps_train_place *p)
{
    ps_buffer_free(&p->x);
    ps_buffer_free(&p->sample);
    ps_buffer_free(&p->target);
    free(p->labels);
    *p = (struct ps_train_place){.labels = NULL};
}

/* Samples i and n - 1 - i, which are mixed where that is wanted. */
static enum ps_status load_pair(const struct ps_train *t, struct ps_train_place *p,
                                const struct ps_train_sum *u, int64_t n, int64_t i)
{
    const struct ps_draw draw = {.seed = (uint64_t)t->run->common->seed, .epoch = u->epoch, .training = true};
    PS_TRY(ps_micro_load_one(&p->here, t->job->train, &draw, i));
    if (n - 1 - i != i) PS_TRY(ps_micro_load_one(&p->here, t->job->train, &draw, n - 1 - i));
    if (t->job->mixup > 0) ps_train_mix_pair(t, &p->here, p->target.here, n, i, u->epoch);
    return PS_OK;
}

/* In the queue of copies, after which the others wait. */
static void bring(const struct ps_train *t, const struct ps_train_place *p, int64_t n)
{
    const struct ps_nn_device *d = t->job->net->kernels->device;
    const struct ps_micro *m = &p->here;
    const int64_t bytes = p->labels ? outputs(t) * (int64_t)sizeof(float) : (int64_t)m->target_bytes;
    d->use(PS_NN_COPY);
    ps_buffer_put(&p->x, n * m->input * (int64_t)sizeof *m->x);
    ps_buffer_put(&p->sample, n * (int64_t)sizeof *m->sample);
    if (p->target.there) ps_buffer_put(&p->target, n * bytes);
    d->use(PS_NN_COMPUTE);
    d->after(PS_NN_COMPUTE, PS_NN_COPY);
}

enum ps_status ps_train_place_load(struct ps_train *t, struct ps_train_place *p, const struct ps_train_sum *u,
                                   const struct ps_train_part *part)
{
    const int64_t n = part->at.hi - part->at.lo;
    int failed = PS_OK;
    ps_train_begin_span(t, 0, PS_SPAN_LOAD);
    ps_train_number(t, u->epoch, part->at, p->here.sample);
#pragma omp parallel for num_threads(t->run->threads) schedule(dynamic) reduction(max : failed)
    for (int64_t i = 0; i < (n + 1) / 2; i++) {
        const int rc = (int)load_pair(t, p, u, n, i);
        if (rc > failed) failed = rc;
    }
    ps_train_end_span(t, 0, PS_SPAN_LOAD);
    if (failed == PS_OK) bring(t, p, n);
    return (enum ps_status)failed;
}
