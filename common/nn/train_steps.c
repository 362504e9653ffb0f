/* Steps of training: all threads of all ranks go through many of them in one parallel region, and meet only
 * where gradients are added, weights updated and prepared. */
#include <stdio.h>
#include "common/nn/train_parts.h"
#include "common/run/log.h"
#include "common/run/timer.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sum the gradients, update the weights and prepare them: each thread of the node its part. */
static struct ps_train_pause update(struct ps_train *t, int thread, const struct ps_train_sum *u)
{
    struct ps_team *team = &t->memory->team;
    const struct ps_net *net = t->job->net;
    const struct ps_range part = ps_gradients_part(t->gradients, thread);
    const struct ps_range mine = {least(part.lo, net->weights), least(part.hi, net->weights)};
    float *total = ps_gradients_total(t->gradients);

    if (!ps_train_add(t, thread)) return (struct ps_train_pause){.bad = true};

    ps_train_begin_span(t, thread, PS_SPAN_UPDATE);
    ps_optimizer_step(t->optimizer, thread, mine, u->step + 1, ps_schedule_rate(&t->schedule, u->step), total,
                      t->memory->w);
    ps_train_end_span(t, thread, PS_SPAN_UPDATE);

    ps_train_begin_span(t, thread, PS_SPAN_WAIT);
    ps_team_wait(team);
    ps_train_end_span(t, thread, PS_SPAN_WAIT);
    const struct ps_train_pause pause = ps_train_told(t);

    ps_train_begin_span(t, thread, PS_SPAN_PREPARE);
    if (team->first + thread == 0) ps_net_buffers_follow(net, total, u->micro, t->memory->w);
    ps_net_prepare(net, t->memory->w, t->memory->prepared, team->first + thread, team->threads);
    ps_train_end_span(t, thread, PS_SPAN_PREPARE);
    ps_train_begin_span(t, thread, PS_SPAN_WAIT);
    ps_team_wait(team);
    ps_train_end_span(t, thread, PS_SPAN_WAIT);
    return pause;
}

/* Steps of this epoch from t->at.update on, as one thread of many goes through them. @return updates done */
static int64_t go_on(struct ps_train *t, int thread, struct ps_progress *progress,
                     struct ps_train_pause *pause)
{
    const int64_t every = t->params->every, k = t->params->accumulate, from = t->at.update;
    int64_t i = from;
    *pause = (struct ps_train_pause){false, false, false};
    while (i < t->updates && !pause->stop && !pause->save && !pause->bad) {
        struct ps_train_sum u = ps_train_sum_of(t, i * k, least((i + 1) * k, t->batches));
        u.epoch = t->at.epoch;
        u.step = t->at.epoch * t->updates + i++;
        const double start = ps_elapsed(t->run);
        ps_train_go_through(t, thread, &u);
        *pause = update(t, thread, &u);
        if (thread == 0) ps_train_count_step(t, ps_elapsed(t->run) - start);
        if (every > 0 && (u.step + 1) % every == 0) pause->save = true;
        if (thread == 0) ps_progress_at(progress, (i - from) * k * t->params->batch);
    }
    return i;
}

enum ps_status ps_train_steps(struct ps_train *t, struct ps_train_pause *out)
{
    const int threads = t->run->threads;
    struct ps_train_pause pause = {false, false, false};
    struct ps_progress progress;
    char what[64];
    int64_t done = 0;
    snprintf(what, sizeof what, "epoch %lld/%lld", (long long)t->at.epoch + 1, (long long)t->params->epochs);
    ps_progress_begin(&progress, t->run, what, "samples",
                      t->job->train->n - t->at.update * t->params->batch * t->params->accumulate);
    if (t->device) {
        done = ps_train_device_steps(t, &progress, &pause);
    } else {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int thread = 0; thread < threads; thread++) {
            struct ps_train_pause p;
            const int64_t i = go_on(t, thread, &progress, &p);
            if (thread == 0) pause = p, done = i;
        }
    }
    ps_progress_end(&progress);
    PS_TRY(ps_train_share_loss(t));
    PS_CHECK(
        !pause.bad, PS_EINPUT,
        "the loss is not a number in epoch %lld, step %lld: lower --rate or set --clip; in the first step, "
        "look for such values in the data",
        (long long)t->at.epoch + 1, (long long)(t->at.epoch * t->updates + done));
    t->at.update = done;
    *out = pause;
    return PS_OK;
}
