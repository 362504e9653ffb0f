/* Where the seconds of steps go. */
#include <stdio.h>
#include "common/nn/train_parts.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* Steps of a run whose seconds are kept one by one. */
enum { STEPS_MAX = 1 << 20 };

static const char *const names[] = {
    [PS_SPAN_LOAD] = "load", [PS_SPAN_FORWARD] = "forward", [PS_SPAN_BACKWARD] = "backward",
    [PS_SPAN_SUM] = "sum",   [PS_SPAN_UPDATE] = "update",   [PS_SPAN_PREPARE] = "prepare",
    [PS_SPAN_WAIT] = "wait"};

enum ps_status ps_train_times_open(struct ps_train *t)
{
    const int64_t all =
        t->params->epochs < STEPS_MAX / t->updates ? t->params->epochs * t->updates : STEPS_MAX;
    return ps_alloc(&t->times.step, all, sizeof *t->times.step, "the seconds of steps");
}

void ps_train_begin_span(struct ps_train *t, int thread, enum ps_train_span span)
{
    ps_trace_begin(t->trace, thread, names[span]);
    t->thread[thread].since = ps_elapsed(t->run);
}

void ps_train_end_span(struct ps_train *t, int thread, enum ps_train_span span)
{
    struct ps_train_thread *me = &t->thread[thread];
    me->span[span] += ps_elapsed(t->run) - me->since;
    ps_trace_end(t->trace, thread);
}

void ps_train_add_span(struct ps_train *t, enum ps_train_span span, double seconds, int64_t begin,
                       int64_t end)
{
    t->thread[0].span[span] += seconds;
    ps_trace_add(t->trace, names[span], begin, end);
}

void ps_train_count_step(struct ps_train *t, double seconds)
{
    if (t->times.steps == 0) t->times.first = ps_elapsed(t->run);
    if (t->times.steps < STEPS_MAX) t->times.step[t->times.steps++] = seconds;
}

void ps_train_times_share(struct ps_train *t)
{
    double *span = t->times.span;
    t->times.device = t->device;
    const int64_t threads = t->device ? t->run->size : t->memory->team.all;
    for (int i = 0; i < t->run->threads; i++)
        for (int s = 0; s < PS_SPANS; s++) span[s] += t->thread[i].span[s] / (double)threads;
    MPI_Allreduce(MPI_IN_PLACE, span, PS_SPANS, MPI_DOUBLE, MPI_SUM, t->run->comm);
}

void ps_train_times_tell(const struct ps_train *t)
{
    char field[32];
    if (t->times.steps > 0) ps_record_num(t->run, "time_to_first_step", t->times.first);
    for (int i = 0; i < PS_SPANS; i++) {
        if (t->times.span[i] <= 0) continue;
        snprintf(field, sizeof field, "%s_seconds", names[i]);
        ps_record_num(t->run, field, t->times.span[i]);
    }
}
