/* What training tells people and the record. */
#include <stdio.h>
#include "common/nn/train_parts.h"
#include "common/run/log.h"
#include "common/run/record.h"

/* Words of the record are those of the line. */
static void add_figures(struct ps_train *t, const double *figure)
{
    for (int i = 0; i < t->job->n_figures; i++) ps_record_num(t->run, t->job->figure_name[i], figure[i]);
}

static void print_figures(struct ps_train *t, const double *figure)
{
    for (int i = 0; i < t->job->n_figures; i++)
        ps_print(t->run, "  %s %#.4g", t->job->figure_name[i], figure[i]);
}

void ps_train_tell(struct ps_train *t, const struct ps_train_epoch *e)
{
    struct ps_run *run = t->run;
    const double speed = e->seconds > 0 ? (double)e->samples / e->seconds : 0;
    const int width = snprintf(NULL, 0, "%lld", (long long)t->params->epochs);
    ps_print(run, "epoch %*lld/%lld  loss %#.4g", width, (long long)t->at.epoch, (long long)t->params->epochs,
             t->at.mean_loss);
    if (e->validated) print_figures(t, t->at.figure);
    ps_print(run, "  %.2f s  %.0f samples/s\n", e->seconds + e->validation, speed);
    if (run->rank == 0) fflush(stdout);

    ps_record_begin(run, "epoch");
    ps_record_int(run, "epoch", t->at.epoch);
    ps_record_int(run, "steps", ps_train_done(t));
    ps_record_num(run, "loss", t->at.mean_loss);
    if (e->validated) add_figures(t, t->at.figure);
    ps_record_num(run, "rate", ps_schedule_rate(&t->schedule, ps_train_done(t) - 1));
    ps_record_num(run, "seconds", e->seconds);
    ps_record_num(run, "validation_seconds", e->validation);
    ps_record_num(run, "samples_per_second", speed);
    if (t->job->record_steps)
        ps_record_nums(run, "step_seconds", t->times.step + t->timed, (int)(t->times.steps - t->timed));
    t->timed = t->times.steps;
    ps_record_end(run);
}

void ps_train_tell_figures(struct ps_train *t)
{
    ps_print(t->run, "%s:", t->job->valid->name);
    print_figures(t, t->at.figure);
    ps_print(t->run, "\n");
    ps_record_begin(t->run, "evaluation");
    ps_record_int(t->run, "samples", t->job->valid->n);
    add_figures(t, t->at.figure);
    ps_record_end(t->run);
}

/* Is the best epoch one by which something was chosen, or may be? */
static bool tells_best(const struct ps_train *t)
{
    const bool asked = t->params->best[0] || t->params->patience > 0;
    return t->at.best_epoch > 0 && (asked || !t->job->valid_is_test);
}

void ps_train_tell_end(struct ps_train *t, double seconds)
{
    if (tells_best(t))
        ps_print(t->run, "best epoch: %lld, %s %#.4g\n", (long long)t->at.best_epoch,
                 t->job->figure_name[t->job->follow], t->at.best);
    ps_record_begin(t->run, "trained");
    ps_record_int(t->run, "epochs", t->at.epoch);
    ps_record_int(t->run, "steps", ps_train_done(t));
    ps_record_int(t->run, "grains", t->grains);
    if (tells_best(t)) {
        ps_record_int(t->run, "best_epoch", t->at.best_epoch);
        add_figures(t, t->at.best_figure);
    }
    ps_record_num(t->run, "seconds", seconds);
    ps_train_times_tell(t);
    ps_record_end(t->run);
}
