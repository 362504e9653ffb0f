/* Micro-batches on their way to a device. */
#include <omp.h>
#include <stdlib.h>
#include "common/nn/train_device.h"
#include "common/run/err.h"

static int64_t outputs(const struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    return ps_shape_size(net->node[net->nodes - 1].out);
}

/* Pictures, and shares of those that are mixed. */
static enum ps_status make_pictures(const struct ps_train *t, int64_t most, struct ps_train_place *out)
{
    const struct ps_net *net = t->job->net;
    const int64_t pairs = most / 2 * (int64_t)sizeof(float);
    PS_TRY(ps_pictures_make(net, t->job->train, most, t->run->threads, &out->pictures));
    if (t->job->mixup == 0) return PS_OK;
    return ps_buffer_make(net->kernels->device->memory, pairs, true, "the shares of samples", &out->mix);
}

enum ps_status ps_train_place_make(const struct ps_train *t, int64_t most, struct ps_train_place *out)
{
    static const char what[] = "the samples of a micro-batch; lower --batch";
    const struct ps_device_memory *memory = t->job->net->kernels->device->memory;
    const bool labels = t->target == PS_TARGET_LABELS, mixed = labels && t->job->mixup > 0;
    const int64_t numbers = outputs(t) * (int64_t)sizeof(float);
    struct ps_micro *m = &out->here;
    m->input = ps_shape_size(t->job->net->node[0].out);
    const bool pictures = ps_train_draw(t, 0).picture;
    PS_TRY(ps_buffer_make(memory, most * m->input * (int64_t)sizeof *m->x, !pictures, what, &out->x));
    if (pictures) PS_TRY(make_pictures(t, most, out));
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
    ps_pictures_free(&p->pictures);
    ps_buffer_free(&p->mix);
    ps_buffer_free(&p->sample);
    ps_buffer_free(&p->target);
    free(p->labels);
    *p = (struct ps_train_place){.labels = NULL};
}

static enum ps_status load_one(const struct ps_train *t, struct ps_train_place *p, const struct ps_draw *draw,
                               int64_t i)
{
    const struct ps_micro *m = &p->here;
    if (!draw->picture) return ps_micro_load_one(&p->here, t->job->train, draw, i);
    return ps_pictures_load(&p->pictures, omp_get_thread_num(), t->job->train, draw, m->sample[i], i,
                            ps_micro_target(m, i));
}

/* Samples i and n - 1 - i, which are mixed where that is wanted. */
static enum ps_status load_pair(const struct ps_train *t, struct ps_train_place *p,
                                const struct ps_train_sum *u, int64_t n, int64_t i)
{
    const struct ps_draw draw = ps_train_draw(t, u->epoch);
    PS_TRY(load_one(t, p, &draw, i));
    if (n - 1 - i != i) PS_TRY(load_one(t, p, &draw, n - 1 - i));
    if (t->job->mixup == 0) return PS_OK;
    float *shares = p->labels ? p->target.here : NULL;
    const float share = ps_train_mix_pair(t, &p->here, shares, n, i, u->epoch);
    if (p->mix.here && i < n / 2) ((float *)p->mix.here)[i] = share;
    return PS_OK;
}

/* In the queue of copies, after which the others wait. */
static void bring(const struct ps_train *t, const struct ps_train_place *p, int64_t n)
{
    const struct ps_nn_device *d = t->job->net->kernels->device;
    const struct ps_micro *m = &p->here;
    const int64_t bytes = p->labels ? outputs(t) * (int64_t)sizeof(float) : (int64_t)m->target_bytes;
    d->use(PS_NN_COPY);
    if (m->x)
        ps_buffer_put(&p->x, n * m->input * (int64_t)sizeof *m->x);
    else
        ps_pictures_put(&p->pictures, t->job->net, n, p->x.there);
    if (p->mix.here) {
        ps_buffer_put(&p->mix, n / 2 * (int64_t)sizeof(float));
        d->mix(n, m->input, p->mix.there, p->x.there);
    }
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
    ps_pictures_begin(&p->pictures);
#pragma omp parallel for num_threads(t->run->threads) schedule(dynamic) reduction(max : failed)
    for (int64_t i = 0; i < (n + 1) / 2; i++) {
        const int rc = (int)load_pair(t, p, u, n, i);
        if (rc > failed) failed = rc;
    }
    ps_train_end_span(t, 0, PS_SPAN_LOAD);
    if (failed == PS_OK) bring(t, p, n);
    return (enum ps_status)failed;
}
