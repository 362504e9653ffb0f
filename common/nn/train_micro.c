/* Micro-batches of training: a thread's grains forward and backward, and what threads tell each other with
 * the sum of gradients. */
#include <math.h>
#include <string.h>
#include "common/nn/order.h"
#include "common/nn/train_parts.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct ps_range ps_train_places(const struct ps_train *t, int64_t batch, int64_t grain)
{
    const int64_t lo = batch * t->params->batch, n = least(t->params->batch, t->job->train->n - lo);
    const struct ps_range r = ps_block(n, t->grains, grain);
    return (struct ps_range){lo + r.lo, lo + r.hi};
}

/* Numbers that the loss of a sample is a mean of. */
static double terms(const struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    return t->job->loss == PS_LOSS_SOFTMAX ? 1 : (double)ps_shape_size(net->node[net->nodes - 1].out);
}

struct ps_train_sum ps_train_sum_of(const struct ps_train *t, int64_t first, int64_t last)
{
    const int64_t batch = t->params->batch, n = t->job->train->n;
    struct ps_train_sum u = {.first = first, .last = last};
    for (int64_t b = first; b < last; b++) u.micro += least(t->grains, least(batch, n - b * batch));
    u.scale = 1 / ((double)(least(last * batch, n) - first * batch) * terms(t));
    return u;
}

/* Sum over the n samples that went forward; its gradient times `scale` is written. */
static double loss_of(const struct ps_train *t, const struct ps_train_thread *me, int64_t n, double scale,
                      void *dy)
{
    const struct ps_micro *m = &me->micro;
    const struct ps_net *net = t->job->net;
    const int64_t output = ps_shape_size(net->node[net->nodes - 1].out);
    const void *y = ps_net_output(&m->work, net->nodes - 1);
    if (t->job->loss == PS_LOSS_SQUARES)
        return net->kernels->square_loss(n * output, y, m->target, scale, dy);
    if (t->job->loss == PS_LOSS_ABSOLUTE)
        return net->kernels->absolute_loss(n * output, y, m->target, scale, dy);
    if (t->job->loss == PS_LOSS_SIGMOID)
        return net->kernels->sigmoid_loss(n * output, y, m->target, scale, dy);
    const struct ps_nn_softmax softmax = {.classes = output, .smoothing = t->job->smoothing};
    if (me->shares) return net->kernels->shares_loss(&softmax, n, y, me->shares, scale, dy);
    return net->kernels->softmax_loss(&softmax, n, y, m->target, scale, dy);
}

void ps_train_tell_all(const struct ps_train *t, int thread, bool bad, float extra[PS_GRADIENT_EXTRA])
{
    const struct ps_train_params *p = t->params;
    const bool file = thread == 0 && t->run->common->checkpoint[0];
    const bool clock = file && t->run->rank == 0 && p->minutes > 0;
    extra[PS_GRADIENT_STOP] = file && ps_stop_seen();
    extra[PS_GRADIENT_SAVE] = clock && ps_elapsed(t->run) - t->saved > 60 * p->minutes;
    extra[PS_GRADIENT_BAD] = bad;
}

void ps_train_number(const struct ps_train *t, int64_t epoch, struct ps_range at, int64_t *sample)
{
    if (t->job->train->streams == 0)
        ps_order_range(t->job->train->n, (uint64_t)t->run->common->seed, epoch, at.lo, at.hi, sample);
    else /* streams go on in order */
        for (int64_t i = at.lo; i < at.hi; i++) sample[i - at.lo] = i;
}

/* Load the samples of a grain. @return did all come? */
static bool load(struct ps_train *t, int thread, const struct ps_train_sum *u, struct ps_range at)
{
    struct ps_train_thread *me = &t->thread[thread];
    const struct ps_draw draw = ps_train_draw(t, u->epoch);
    ps_train_begin_span(t, thread, PS_SPAN_LOAD);
    ps_train_number(t, u->epoch, at, me->micro.sample);
    const enum ps_status rc = ps_micro_load(&me->micro, t->job->train, &draw, at.hi - at.lo);
    ps_train_end_span(t, thread, PS_SPAN_LOAD);
    if (rc != PS_OK) me->failed = rc;
    return rc == PS_OK;
}

/* Go forward with the samples; the gradient of the output is written. @return is the loss a number? */
static bool forward(struct ps_train *t, int thread, const struct ps_train_sum *u,
                    const struct ps_net_batch *batch, double *loss)
{
    struct ps_train_thread *me = &t->thread[thread];
    ps_train_begin_span(t, thread, PS_SPAN_FORWARD);
    if (t->job->mixup > 0) ps_train_mix(t, me, batch->n, u->epoch);
    ps_net_forward(&me->micro.work, batch, t->memory->w, t->memory->prepared);
    const double here = loss_of(t, me, batch->n, u->scale, ps_net_output_gradient(&me->micro.work));
    ps_train_end_span(t, thread, PS_SPAN_FORWARD);
    *loss += here;
    return isfinite(here);
}

/** Who says that gradients are ready. */
struct speaker {
    struct ps_gradients *gradients;
    int thread;
    struct ps_overlap *overlap; /* NULL: nobody asks when */
    double since;               /* the backward pass began */
};

static void ready(void *context, int64_t lo, int64_t hi)
{
    const struct speaker *s = context;
    if (s->overlap) ps_overlap_add(s->overlap, lo, MPI_Wtime() - s->since);
    ps_gradients_ready(s->gradients, s->thread, lo, hi);
}

/* Grain g's samples of a batch, forward and backward. Where it fails, others of its group still go on as if
 * it were there. @return are all samples there, and is the loss a number? */
static bool go_through(struct ps_train *t, int thread, const struct ps_train_sum *u, int64_t g,
                       struct ps_range at, const struct ps_net_group *group, bool last)
{
    struct ps_micro *micro = &t->thread[thread].micro;
    struct speaker speaker = {t->gradients, thread, thread == 0 ? &t->times.overlap : NULL, 0};
    const struct ps_net_batch batch = {.n = at.hi - at.lo,
                                       .x = micro->x,
                                       .sample = micro->sample,
                                       .step = u->step,
                                       .training = true,
                                       .state = t->carried ? ps_train_carried(t, g) : NULL,
                                       .next = t->thread[thread].next,
                                       .group = group};
    const int64_t n = t->job->net->weights + t->job->net->buffers;
    bool first;
    float *slot = ps_gradients_slot(t->gradients, thread, g, &first);
    const struct ps_net_gradient gradient = {
        .dw = slot, .add = !first, .ready = last ? ready : NULL, .context = &speaker};
    if (t->carried) ps_train_carried_begin(t, g, at);
    const bool loaded = load(t, thread, u, at);
    if (!loaded && group) ps_net_group_idle(t->job->net, group, false);
    const bool good = loaded && forward(t, thread, u, &batch, &t->at.loss[g]);
    ps_train_tell_all(t, thread, !good, slot + n);
    if (!good && group) ps_net_group_idle(t->job->net, group, true);
    if (!good) return false;
    ps_train_begin_span(t, thread, PS_SPAN_BACKWARD);
    speaker.since = MPI_Wtime();
    if (last && thread == 0) ps_overlap_begin(&t->times.overlap, n + PS_GRADIENT_EXTRA);
    if (last) ready(&speaker, n, n + PS_GRADIENT_EXTRA);
    ps_net_backward(&micro->work, &batch, t->memory->w, t->memory->prepared, &gradient);
    if (t->carried)
        memcpy(ps_train_carried(t, g), batch.next, (size_t)(batch.n * t->job->net->states) * sizeof(float));
    ps_train_end_span(t, thread, PS_SPAN_BACKWARD);
    return true;
}

void ps_train_look_ahead(const struct ps_train *t, const struct ps_train_sum *u, struct ps_range grains,
                         int64_t *sample)
{
    const struct ps_source *source = t->job->train;
    if (!source->ahead) return;
    for (int64_t b = u->first; b < u->last + source->batches; b++) {
        const struct ps_draw draw = ps_train_draw(t, u->epoch + b / t->batches);
        if (draw.epoch >= t->params->epochs) return;
        for (int64_t g = grains.lo; g < grains.hi; g++) {
            const struct ps_range at = ps_train_places(t, b % t->batches, g);
            ps_train_number(t, draw.epoch, at, sample);
            source->ahead(source, sample, at.hi - at.lo, &draw);
        }
    }
}

void ps_train_go_through(struct ps_train *t, int thread, const struct ps_train_sum *u)
{
    const struct ps_range grains = ps_gradients_grains(t->gradients, thread);
    bool any = false, good = true;
    ps_train_look_ahead(t, u, grains, t->thread[thread].micro.sample);
    for (int64_t g = grains.lo; g < grains.hi; g++)
        for (int64_t b = u->first; b < u->last; b++) {
            const struct ps_range at = ps_train_places(t, b, g);
            const struct ps_net_group *group = ps_train_group(t, thread, b);
            const bool last = g == grains.hi - 1 && b == u->last - 1;
            /* after a failure nothing of the step will be used */
            if (good && at.lo < at.hi) {
                any = true;
                good = go_through(t, thread, u, g, at, group, last);
            } else if (group) {
                ps_net_group_idle(t->job->net, group, false);
                ps_net_group_idle(t->job->net, group, true);
            }
        }
    const int64_t n = t->job->net->weights + t->job->net->buffers;
    if (!any) ps_train_tell_all(t, thread, false, ps_gradients_clear(t->gradients, thread) + n);
}

bool ps_train_add(struct ps_train *t, int thread)
{
    ps_train_begin_span(t, thread, PS_SPAN_SUM);
    const enum ps_status rc = ps_gradients_sum(t->gradients, thread);
    ps_train_end_span(t, thread, PS_SPAN_SUM);
    if (rc != PS_OK) t->thread[thread].failed = rc;
    return rc == PS_OK;
}

struct ps_train_pause ps_train_told(const struct ps_train *t)
{
    const float *extra = ps_gradients_total(t->gradients) + t->job->net->weights + t->job->net->buffers;
    return (struct ps_train_pause){extra[PS_GRADIENT_STOP] > 0, extra[PS_GRADIENT_SAVE] > 0,
                                   extra[PS_GRADIENT_BAD] > 0};
}

struct ps_range ps_train_grains(const struct ps_train *t)
{
    if (t->device) return ps_block(t->grains, t->run->size, t->run->rank);
    return (struct ps_range){ps_gradients_grains(t->gradients, 0).lo,
                             ps_gradients_grains(t->gradients, t->run->threads - 1).hi};
}

enum ps_status ps_train_share_loss(struct ps_train *t)
{
    const int threads = t->run->threads;
    const struct ps_range mine = ps_train_grains(t);
    enum ps_status rc = PS_OK;
    for (int i = threads - 1; i >= 0; i--)
        if (t->thread[i].failed != PS_OK) rc = t->thread[i].failed;
    PS_TRY(ps_agree(t->run->comm, rc));
    for (int64_t g = 0; g < t->grains; g++)
        if (g < mine.lo || g >= mine.hi) t->at.loss[g] = 0;
    MPI_Allreduce(MPI_IN_PLACE, t->at.loss, (int)t->grains, MPI_DOUBLE, MPI_SUM, t->run->comm);
    return PS_OK;
}

double ps_train_mean_loss(struct ps_train *t)
{
    double *v = t->at.loss;
    for (int64_t half = 1; half < t->grains; half *= 2)
        for (int64_t left = 0; left + half < t->grains; left += 2 * half) v[left] += v[left + half];
    const double mean = v[0] / ((double)t->job->train->n * terms(t));
    memset(v, 0, (size_t)t->grains * sizeof *v);
    return mean;
}
