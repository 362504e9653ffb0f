/* What training holds, from its beginning to its end. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/net_device.h"
#include "common/nn/train_parts.h"
#include "common/nn/weights.h"
#ifdef _OPENMP
#    include <omp.h>
#endif

enum { LINE = 16 /* floats */, TRACE_EVENTS = 1 << 18 };

/* Of L-BFGS, as in PyTorch: largest component of a gradient that counts as zero. */
static const double TOLERANCE = 1e-7;

static int64_t lines(int64_t floats)
{
    return (floats + LINE - 1) / LINE * LINE;
}

/* Are gradients those of all samples, at every step? */
static bool is_full(const struct ps_train *t)
{
    return strcmp(t->params->optimizer, "lbfgs") == 0;
}

/* Does what the job wants fit its parameters? */
static enum ps_status check(const struct ps_train *t)
{
    const struct ps_train_params *p = t->params;
    const bool file = t->run->common->checkpoint[0];
    PS_TRY(ps_train_params_check(p));
    PS_CHECK(t->job->train->n > 0 || p->eval_only, PS_EINPUT, "%s: no samples to train with",
             t->job->train->name);
    PS_CHECK(ps_train_validates(t) || (!p->patience && !p->best[0]), PS_EUSAGE,
             "--patience and --best go by a validation set, and there is none");
    PS_CHECK(file || (!p->every && !t->run->common->resume), PS_EUSAGE,
             "--every and --resume need --checkpoint FILE");
    return PS_OK;
}

/* Memory of the node. Collective over its ranks. */
static enum ps_status share(struct ps_train *t)
{
    struct ps_train_memory *m = t->memory;
    const struct ps_net *net = t->job->net;
    const bool there = net->kernels->device;
    const int64_t all = lines(net->weights + net->buffers), prepared = there ? 0 : lines(net->prepared);
    const bool best = t->params->best[0];
    const int64_t floats = all + prepared + (best ? all : 0);
    PS_TRY(ps_shared_open(m->team.node, floats * (int64_t)sizeof(float), &m->shared));
    m->w = m->shared.data;
    m->prepared = m->w + all;
    m->best = best ? m->prepared + prepared : NULL;
    m->there = there ? net : NULL;
    return there ? ps_net_prepared_make(net, (void **)&m->prepared) : PS_OK;
}

static enum ps_status open_gradients(struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    const struct ps_train_params *p = t->params;
    const struct ps_gradients_plan plan = {.n = net->weights + net->buffers + PS_GRADIENT_EXTRA,
                                           .grains = t->grains,
                                           .reduce = strcmp(p->reduce, "fast") == 0 ? PS_REDUCE_FAST
                                                                                    : PS_REDUCE_EXACT,
                                           .compressed = strcmp(p->compress, "bf16") == 0 ? net->weights : 0};
    const struct ps_optimizer_plan rule = ps_train_optimizer(p);
    if (!net->kernels->device) PS_TRY(ps_gradients_open(&t->memory->team, &plan, &t->gradients));
    if (p->slow_nodes > 0) {
        struct ps_network network;
        PS_TRY(ps_train_network(p, &network));
        PS_CHECK(
            t->memory->team.count > 1, PS_EUSAGE,
            "--slow-nodes slows down messages between nodes, and there is one node: --node-ranks 1 makes "
            "each rank one");
        ps_gradients_slow_down(t->gradients, &network, p->slow_nodes);
    }
    if (is_full(t)) {
        const struct ps_lbfgs_plan full = {net->weights, (int)p->history, TOLERANCE};
        return ps_lbfgs_open(&t->memory->team, &full, &t->lbfgs);
    }
    return ps_optimizer_open(&t->memory->team, net, &rule, &t->optimizer);
}

/* Room of a thread for micro-batches of up to `most` samples. */
static enum ps_status make_thread(const struct ps_train *t, int thread, int64_t most,
                                  struct ps_train_thread *out)
{
    const struct ps_net *net = t->job->net;
    PS_TRY(ps_train_group_join(t, thread, &out->member));
    PS_TRY(ps_micro_make(net, most, t->target, true, &out->micro));
    if (t->job->mixup > 0 && t->target == PS_TARGET_LABELS)
        PS_TRY(ps_alloc(&out->shares, most * ps_shape_size(net->node[net->nodes - 1].out),
                        sizeof *out->shares, "shares of classes"));
    if (!t->carried) return PS_OK;
    return ps_alloc(&out->next, most * net->states, sizeof *out->next, "carried states");
}

/* Samples of a grain's batch, at most. */
static int64_t most_samples(const struct ps_train *t)
{
    const int64_t batch = t->params->batch < t->job->train->n ? t->params->batch : t->job->train->n;
    return (batch + t->grains - 1) / t->grains;
}

/* Room of this rank. Each thread makes its own, so that memory is near it. */
static enum ps_status make_threads(struct ps_train *t)
{
    const int threads = t->run->threads;
    const int64_t most = most_samples(t);
    if (t->job->train->streams > 0) PS_TRY(ps_train_carried_open(t));
    PS_TRY(ps_zalloc(&t->at.loss, t->grains, sizeof *t->at.loss, "the losses of grains"));
    PS_TRY(ps_zalloc(&t->thread, threads, sizeof *t->thread, "the threads"));
    PS_TRY(ps_train_times_open(t));
    if (t->memory->there) return PS_OK; /* the device has room of its own */
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) t->thread[i].failed = make_thread(t, i, most, &t->thread[i]);
    for (int i = 0; i < threads; i++) PS_TRY(t->thread[i].failed);
    return PS_OK;
}

/* Threads of a step wait for each other: they must all be there at once. */
static enum ps_status count_threads(const struct ps_run *run)
{
    int there = run->threads;
#ifdef _OPENMP
#    pragma omp parallel num_threads(run->threads)
#    pragma omp single
    there = omp_get_num_threads();
#endif
    PS_CHECK(there == run->threads, PS_EUSAGE,
             "OpenMP gives %d of %d threads: see --threads and OMP_THREAD_LIMIT", there, run->threads);
    return PS_OK;
}

enum ps_status ps_train_open(struct ps_train *t)
{
    const MPI_Comm comm = t->run->comm;
    const int64_t k = t->params->accumulate, n = t->job->train->n;
    t->batches = (n + t->params->batch - 1) / t->params->batch;
    t->updates = is_full(t) ? 1 : (t->batches + k - 1) / k;
    t->schedule = ps_train_schedule(t->params, t->params->epochs * t->updates);
    PS_TRY(check(t)); /* the same on all ranks */
    PS_CHECK(t->run->common->grains <= INT_MAX, PS_EUSAGE, "%lld grains are too many",
             (long long)t->run->common->grains);
    PS_TRY(ps_agree(comm, count_threads(t->run)));
    PS_TRY(ps_agree(comm, ps_zalloc(&t->memory, 1, sizeof *t->memory, "training")));
    PS_TRY(ps_team_open(comm, t->run->threads, t->params->node_ranks, &t->memory->team));
    t->grains = t->run->common->grains         ? t->run->common->grains
                : t->job->net->kernels->device ? t->run->size
                                               : t->memory->team.all;
    PS_TRY(ps_agree(comm, share(t)));
    if (t->params->eval_only) return PS_OK;
    PS_TRY(open_gradients(t));
    PS_TRY(ps_train_group_open(t));
    PS_TRY(ps_trace_open(t->run, t->params->trace, TRACE_EVENTS, &t->trace));
    PS_TRY(ps_agree(comm, make_threads(t)));
    return t->memory->there ? ps_train_device_open(t, most_samples(t)) : PS_OK;
}

enum ps_status ps_train_close(struct ps_train *t)
{
    enum ps_status rc = ps_trace_close(t->trace);
    for (int i = 0; t->thread && i < t->run->threads; i++) {
        ps_micro_free(&t->thread[i].micro);
        free(t->thread[i].next);
        free(t->thread[i].shares);
        free(t->thread[i].member.samples);
    }
    free(t->thread);
    free(t->at.loss);
    free(t->times.step);
    ps_overlap_free(&t->times.overlap);
    free(t->carried);
    ps_train_device_close(t);
    ps_lbfgs_close(t->lbfgs);
    ps_optimizer_close(t->optimizer);
    ps_gradients_close(t->gradients);
    ps_meet_close(t->meet);
    return rc;
}

void ps_train_free(struct ps_trained *t)
{
    free(t->times.step);
    ps_overlap_free(&t->times.overlap);
    if (t->memory) {
        if (t->memory->there) ps_net_dealloc(t->memory->there, t->memory->prepared);
        ps_shared_close(&t->memory->shared);
        ps_team_close(&t->memory->team);
        free(t->memory);
    }
    *t = (struct ps_trained){.memory = NULL};
}

enum ps_status ps_train_begin(struct ps_train *t)
{
    const struct ps_net *net = t->job->net;
    const struct ps_train_memory *m = t->memory;
    const int64_t n = net->weights + net->buffers;
    if (!t->params->weights[0]) {
        if (m->team.rank == 0) ps_net_init(net, m->w);
        if (m->team.rank == 0 && t->job->begin) t->job->begin(t->job->begin_context, m->w);
        return PS_OK;
    }
    float *w;
    PS_TRY(ps_agree(t->run->comm, ps_alloc(&w, n, sizeof *w, "the first weights")));
    if (t->job->anew) ps_net_init(net, w);
    enum ps_status rc = ps_weights_read_but(t->run, t->params->weights, net, t->job->anew, w);
    if (rc == PS_OK && m->team.rank == 0) memcpy(m->w, w, (size_t)n * sizeof *w);
    free(w);
    return rc;
}

void ps_train_prepare(struct ps_train *t)
{
    struct ps_team *team = &t->memory->team;
    const int threads = t->run->threads;
    if (t->memory->there) {
        MPI_Barrier(team->node);
        ps_net_prepare(t->job->net, t->memory->w, t->memory->prepared, 0, 1);
        t->memory->there->kernels->device->memory->wait(); /* what fails is kept */
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) {
        ps_team_wait(team); /* for the weights */
        ps_net_prepare(t->job->net, t->memory->w, t->memory->prepared, team->first + i, team->threads);
        ps_team_wait(team);
    }
}

void ps_train_copy(struct ps_train *t, const float *from, float *to)
{
    struct ps_team *team = &t->memory->team;
    const int64_t n = t->job->net->weights + t->job->net->buffers;
    const int threads = t->run->threads;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) {
        const struct ps_range part = ps_team_part(team, i, n, LINE);
        ps_team_wait(team);
        memcpy(to + part.lo, from + part.lo, (size_t)(part.hi - part.lo) * sizeof *to);
        ps_team_wait(team);
    }
}
