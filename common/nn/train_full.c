/* Training by L-BFGS. */
#include <math.h>
#include <stdio.h>
#include "common/nn/train_parts.h"
#include "common/run/log.h"
#include "common/run/timer.h"

/* Loss of all samples, and its gradient in ps_gradients_total, at the present weights, which are prepared.
 * What is random about samples and layers is the same each time: L-BFGS wants a function. */
static enum ps_status evaluate(struct ps_train *t, double *loss, struct ps_train_pause *told)
{
    const struct ps_train_sum u = ps_train_sum_of(t, 0, t->batches);
    const int threads = t->run->threads;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) {
        ps_train_go_through(t, i, &u);
        if (ps_train_add(t, i)) ps_team_wait(&t->memory->team);
    }
    PS_TRY(ps_train_share_loss(t));
    *loss = ps_train_mean_loss(t);
    *told = ps_train_told(t);
    return PS_OK;
}

/* All threads hear of the loss; those of a node work on the same vectors. */
static enum ps_lbfgs_next tell(struct ps_train *t, double loss)
{
    const int threads = t->run->threads;
    enum ps_lbfgs_next next = PS_LBFGS_STUCK;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) {
        const enum ps_lbfgs_next here =
            ps_lbfgs_tell(t->lbfgs, i, loss, ps_gradients_total(t->gradients), t->memory->w);
        ps_team_wait(&t->memory->team);
        if (i == 0) next = here;
    }
    return next;
}

static void try_next(struct ps_train *t)
{
    const int threads = t->run->threads;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) ps_lbfgs_try(t->lbfgs, i, t->memory->w);
    ps_train_prepare(t);
}

/* Weights are accepted: an epoch. Collective. */
static enum ps_status end_step(struct ps_train *t, double loss, struct ps_train_epoch *e)
{
    const struct ps_train_sum all = ps_train_sum_of(t, 0, t->batches);
    const struct ps_team *team = &t->memory->team;
    if (team->rank == 0)
        ps_net_buffers_follow(t->job->net, ps_gradients_total(t->gradients), all.micro, t->memory->w);
    MPI_Barrier(team->node);
    t->at.mean_loss = loss;
    return ps_train_end_epoch(t, e);
}

enum ps_status ps_train_full(struct ps_train *t)
{
    struct ps_train_epoch e = {.samples = 0};
    struct ps_train_pause told;
    enum ps_lbfgs_next next = PS_LBFGS_STEP;
    bool first = !t->resumed;
    if (t->resumed) try_next(t);
    while (!ps_train_enough(t)) {
        const double start = ps_elapsed(t->run);
        double loss;
        ps_phase(t->run, "train");
        PS_TRY(evaluate(t, &loss, &told));
        PS_CHECK(!first || isfinite(loss), PS_EINPUT, "the loss is not a number at the first weights");
        next = tell(t, loss);
        e.seconds += ps_elapsed(t->run) - start;
        e.samples += t->job->train->n;
        if (next == PS_LBFGS_STUCK) break;
        if (next != PS_LBFGS_EVALUATE && !first) {
            PS_TRY(end_step(t, loss, &e));
            if (t->params->every > 0 && t->at.epoch % t->params->every == 0) told.save = true;
            PS_TRY(ps_train_checkpoint(t, &told));
        }
        first = false;
        if (next == PS_LBFGS_CONVERGED) break;
        if (!ps_train_enough(t)) try_next(t);
    }
    if (next == PS_LBFGS_CONVERGED)
        ps_print(t->run, "the gradient is zero: training ends after %lld steps\n", (long long)t->at.epoch);
    if (next == PS_LBFGS_STEP) return ps_train_checkpoint_last(t);
    if (next != PS_LBFGS_STUCK) return PS_OK;
    ps_print(t->run, "no smaller loss was found: training ends after %lld steps\n", (long long)t->at.epoch);
    ps_train_prepare(t);
    return PS_OK;
}
