/* Epochs of training, and what happens between them. */
#include "common/nn/train.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/train_parts.h"
#include "common/nn/weights.h"
#include "common/run/log.h"
#include "common/run/timer.h"

/* Figures of the present weights. Collective. */
static enum ps_status validate(struct ps_train *t)
{
    const struct ps_train_job *job = t->job;
    double sum[PS_SUMS_MAX];
    ps_phase(t->run, "validate");
    ps_trace_begin(t->trace, 0, "validate");
    const enum ps_status rc = ps_evaluate(t->run, job->net, job->valid, PS_EVALUATE_CHUNK, t->target,
                                          t->memory->w, t->memory->prepared, &job->score, sum);
    ps_trace_end(t->trace, 0);
    if (rc == PS_OK) job->figures(sum, job->valid->n, t->at.figure);
    return rc;
}

/* Is the last validation the best one? Its weights are kept, and written. Collective. */
static enum ps_status compare(struct ps_train *t)
{
    const struct ps_train_job *job = t->job;
    struct ps_train_at *at = &t->at;
    const double now = at->figure[job->follow], gain = job->larger ? now - at->best : at->best - now;
    const bool better = at->best_epoch == 0 ? !isnan(now) : gain > t->params->min_delta;
    if (!better) {
        at->worse++;
        return PS_OK;
    }
    at->worse = 0;
    at->best = now;
    at->best_epoch = at->epoch;
    memcpy(at->best_figure, at->figure, sizeof at->figure);
    if (!t->memory->best) return PS_OK;
    ps_train_copy(t, t->memory->w, t->memory->best);
    return ps_weights_write(t->run, t->params->best, job->net, t->memory->best);
}

/* The schedule is that of all epochs: a pause is seen here alone. */
static bool pauses(const struct ps_train *t)
{
    return t->params->pause_epoch > 0 && t->at.epoch >= t->params->pause_epoch &&
           t->at.epoch < t->params->epochs;
}

bool ps_train_enough(const struct ps_train *t)
{
    return t->at.epoch >= t->params->epochs || pauses(t) ||
           (t->params->patience > 0 && t->at.worse >= t->params->patience);
}

enum ps_status ps_train_end_epoch(struct ps_train *t, struct ps_train_epoch *e)
{
    const double start = ps_elapsed(t->run);
    t->at.epoch++;
    t->at.update = 0;
    e->validated = ps_train_validates(t) &&
                   (t->at.epoch % t->params->validate_every == 0 || t->at.epoch == t->params->epochs);
    if (e->validated) {
        PS_TRY(validate(t));
        PS_TRY(compare(t));
    }
    e->validation = ps_elapsed(t->run) - start;
    ps_train_tell(t, e);
    *e = (struct ps_train_epoch){.samples = 0};
    if (t->params->patience > 0 && t->at.worse >= t->params->patience)
        ps_print(t->run, "no gain in %lld validations: training ends\n", (long long)t->at.worse);
    return PS_OK;
}

enum ps_status ps_train_checkpoint(struct ps_train *t, const struct ps_train_pause *pause)
{
    if (pause->stop || pause->save) PS_TRY(ps_train_save(t));
    PS_CHECK(!pause->stop, PS_STOPPED, "stopped after step %lld, in epoch %lld; --resume goes on",
             (long long)ps_train_done(t), (long long)t->at.epoch + 1);
    return PS_OK;
}

enum ps_status ps_train_checkpoint_last(struct ps_train *t)
{
    const bool there = t->saved_steps == ps_train_done(t);
    return t->run->common->checkpoint[0] && !there ? ps_train_save(t) : PS_OK;
}

/* Samples of the epoch that `updates` of its updates went through. */
static int64_t samples(const struct ps_train *t, int64_t updates)
{
    const int64_t n = updates * t->params->accumulate * t->params->batch;
    return n < t->job->train->n ? n : t->job->train->n;
}

static enum ps_status epochs(struct ps_train *t)
{
    struct ps_train_epoch e = {.samples = 0};
    while (!ps_train_enough(t)) {
        struct ps_train_pause pause;
        const double start = ps_elapsed(t->run);
        const int64_t before = samples(t, t->at.update);
        ps_phase(t->run, "train");
        PS_TRY(ps_train_steps(t, &pause));
        e.seconds += ps_elapsed(t->run) - start;
        const int64_t done = samples(t, t->at.update) - before;
        e.samples += done;
        t->times.samples += done;
        PS_TRY(ps_train_checkpoint(t, &pause));
        if (t->at.update < t->updates) continue;
        t->at.mean_loss = ps_train_mean_loss(t);
        PS_TRY(ps_train_end_epoch(t, &e));
    }
    return ps_train_checkpoint_last(t);
}

/* Train, and leave the weights that are wanted. Collective. */
static enum ps_status train(struct ps_train *t)
{
    const double start = ps_elapsed(t->run);
    t->saved = start;
    t->saved_steps = -1;
    PS_TRY(ps_train_resume(t));
    ps_train_prepare(t);
    PS_TRY(t->lbfgs ? ps_train_full(t) : epochs(t));
    ps_train_times_share(t);
    const struct ps_gradients_count sent =
        t->device ? ps_train_device_sent(t) : ps_gradients_sent(t->gradients);
    ps_phase(t->run, "train");
    ps_phase_count(t->run, "messages", sent.messages);
    ps_phase_count(t->run, "bytes", sent.bytes);
    ps_train_tell_end(t, ps_elapsed(t->run) - start);
    PS_TRY(ps_train_roofline(t));
    if (pauses(t))
        ps_info(t->run, "paused after epoch %lld of %lld; --resume goes on\n", (long long)t->at.epoch,
                (long long)t->params->epochs);
    if (t->params->save[0]) PS_TRY(ps_weights_write(t->run, t->params->save, t->job->net, t->memory->w));
    if (!t->memory->best || t->at.best_epoch == 0) return PS_OK;
    ps_train_copy(t, t->memory->best, t->memory->w);
    ps_train_prepare(t);
    memcpy(t->at.figure, t->at.best_figure, sizeof t->at.figure);
    return PS_OK;
}

static enum ps_status only_evaluate(struct ps_train *t)
{
    ps_train_prepare(t);
    if (!ps_train_validates(t)) return PS_OK;
    PS_TRY(validate(t));
    ps_train_tell_figures(t);
    return PS_OK;
}

enum ps_status ps_train(struct ps_run *run, const struct ps_train_job *job, struct ps_trained *out)
{
    struct ps_train t = {.run = run, .job = job, .params = job->params};
    t.target = job->same                      ? PS_TARGET_INPUT
               : job->loss == PS_LOSS_SOFTMAX ? PS_TARGET_LABELS
                                              : PS_TARGET_VALUES;
    *out = (struct ps_trained){.memory = NULL};
    PS_CHECK(t.params->pause_epoch == 0 || run->common->checkpoint[0], PS_EUSAGE,
             "--pause-epoch needs --checkpoint FILE");
    enum ps_status rc = ps_train_open(&t);
    if (rc == PS_OK) rc = ps_train_begin(&t);
    if (run->rank == 0) fflush(stdout); /* the net, before an epoch that may take hours */
    if (rc == PS_OK) rc = t.params->eval_only ? only_evaluate(&t) : train(&t);
    out->memory = t.memory;
    if (rc == PS_OK) {
        out->w = t.memory->w;
        out->prepared = t.memory->prepared;
        out->steps = ps_train_done(&t);
        out->epochs = t.at.epoch;
        out->loss = t.at.mean_loss;
        memcpy(out->figure, t.at.figure, sizeof out->figure);
        out->times = t.times;
        t.times.step = NULL;
        t.times.overlap = (struct ps_overlap){.point = NULL};
    }
    const enum ps_status closed = ps_train_close(&t);
    if (rc == PS_OK) rc = closed;
    if (rc != PS_OK) ps_train_free(out);
    return rc;
}
