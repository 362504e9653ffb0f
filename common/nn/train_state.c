/* Checkpoints of training. */
#include <stdio.h>
#include <string.h>
#include "common/io/checkpoint.h"
#include "common/nn/op.h"
#include "common/nn/train_parts.h"
#include "common/run/log.h"
#include "common/run/timer.h"

enum { TEXT_MAX = 256, DESCRIBE_MAX = 110, STATE_NAME = 24 };

/** Parts, and the names of those that are counted. */
struct table {
    struct ps_ckpt_part part[PS_CKPT_PARTS_MAX];
    char name[PS_CKPT_PARTS_MAX][STATE_NAME];
    double numbers[PS_LBFGS_NUMBERS];
    int n;
};

/* FNV-1a, on from h. */
static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* What is too long for a tag, but makes other bits all the same: the whole description, layers, and numbers
 * of the optimizer. The number of epochs counts only where the rate depends on it: else a run may be
 * prolonged. */
static uint32_t digest(const struct ps_train *t)
{
    const struct ps_train_params *p = t->params;
    const struct ps_net *net = t->job->net;
    const bool to_the_end = t->schedule.kind == PS_RATE_COSINE || t->schedule.kind == PS_RATE_POLYNOMIAL;
    char text[TEXT_MAX];
    uint64_t h = hash(14695981039346656037u, t->job->describe);
    snprintf(text, sizeof text, "%d %.17g;", t->job->loss, t->job->smoothing);
    h = hash(h, text);
    for (int i = 0; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        snprintf(text, sizeof text, "%s %d %lld %lld %lld;", node->op->kind, node->from,
                 (long long)node->out.height, (long long)node->out.width, (long long)node->out.channels);
        h = hash(h, text);
    }
    snprintf(text, sizeof text, "%s %.16s %.17g %.17g %.17g %lld %lld %lld", net->kernels->name, p->schedule,
             p->last_rate, p->rate_factor, p->rate_power, (long long)p->rate_every, (long long)p->warm_up,
             to_the_end ? (long long)p->epochs : 0);
    h = hash(h, text);
    snprintf(text, sizeof text, "%.17g %d %.17g %.17g %.17g %.17g %.17g %.17g %lld %d %lld", p->momentum,
             p->nesterov, p->beta1, p->beta2, p->eps, p->decay, p->trust, p->clip, (long long)p->history,
             p->spare_norms, (long long)p->norm_group);
    h = hash(h, text);
    for (int i = 0; i < p->milestones.n; i++) {
        snprintf(text, sizeof text, "%.17g;", p->milestones.value[i]);
        h = hash(h, text);
    }
    return (uint32_t)(h ^ h >> 32);
}

static void tag_of(const struct ps_train *t, char tag[PS_CKPT_TAG_MAX])
{
    const struct ps_train_params *p = t->params;
    snprintf(tag, PS_CKPT_TAG_MAX,
             "%.*s; %lld samples; %lld weights; %.16s, rate %g; batch %lld x %lld; grains %lld; seed %lld; "
             "rest %08x",
             DESCRIBE_MAX, t->job->describe, (long long)t->job->train->n, (long long)t->job->net->weights,
             p->optimizer, p->rate, (long long)p->batch, (long long)p->accumulate, (long long)t->grains,
             (long long)t->run->common->seed, (unsigned)digest(t));
}

static void put(struct table *b, const char *name, enum ps_dtype type, int64_t n, void *data)
{
    b->part[b->n++] = ps_ckpt_all(name, type, n, data);
}

static void put_state(struct table *b, int i, int64_t n, float *data)
{
    snprintf(b->name[b->n], sizeof b->name[b->n], "state %d", i);
    put(b, b->name[b->n], PS_F32, n, data);
}

/* Vectors lie in memory that the ranks of a node share: where they are read, each rank writes the same. */
static void fill(struct ps_train *t, struct table *b)
{
    struct ps_train_at *at = &t->at;
    const struct ps_net *net = t->job->net;
    const int64_t all = net->weights + net->buffers;
    float *state[2];
    b->n = 0;
    put(b, "epoch", PS_I64, 1, &at->epoch);
    put(b, "update", PS_I64, 1, &at->update);
    put(b, "worse", PS_I64, 1, &at->worse);
    put(b, "best epoch", PS_I64, 1, &at->best_epoch);
    put(b, "best", PS_F64, 1, &at->best);
    put(b, "best figures", PS_F64, PS_FIGURES_MAX, at->best_figure);
    put(b, "figures", PS_F64, PS_FIGURES_MAX, at->figure);
    put(b, "mean loss", PS_F64, 1, &at->mean_loss);
    put(b, "loss", PS_F64, t->grains, at->loss);
    put(b, "weights", PS_F32, all, t->memory->w);
    if (t->memory->best) put(b, "best weights", PS_F32, all, t->memory->best);
    const int states = t->optimizer ? ps_optimizer_state(t->optimizer, state) : 0;
    for (int i = 0; i < states; i++) put_state(b, i, net->weights, state[i]);
    if (t->carried) put(b, "carried", PS_F32, t->params->batch * net->states, t->carried);
    if (!t->lbfgs) return;
    ps_lbfgs_numbers(t->lbfgs, b->numbers);
    put(b, "numbers", PS_F64, PS_LBFGS_NUMBERS, b->numbers);
    for (int i = 0; i < ps_lbfgs_vectors(t->lbfgs); i++)
        put_state(b, i, net->weights, ps_lbfgs_vector(t->lbfgs, i));
}

enum ps_status ps_train_save(struct ps_train *t)
{
    char tag[PS_CKPT_TAG_MAX];
    struct table table;
    ps_phase(t->run, "checkpoint");
    ps_trace_begin(t->trace, 0, "checkpoint");
    tag_of(t, tag);
    fill(t, &table);
    enum ps_status rc = t->carried ? ps_train_carried_gather(t) : PS_OK;
    if (t->device) rc = ps_train_device_get(t);
    if (rc == PS_OK)
        rc = ps_checkpoint_write(t->run, t->run->common->checkpoint, tag, table.part, table.n,
                                 (int)t->params->keep);
    ps_trace_end(t->trace, 0);
    t->saved = ps_elapsed(t->run);
    t->saved_steps = ps_train_done(t);
    return rc;
}

enum ps_status ps_train_resume(struct ps_train *t)
{
    const char *path = t->run->common->checkpoint;
    char tag[PS_CKPT_TAG_MAX];
    struct table table;
    if (!t->run->common->resume || !ps_checkpoint_exists(t->run, path)) return PS_OK;
    tag_of(t, tag);
    fill(t, &table);
    PS_TRY(ps_checkpoint_read(t->run, path, tag, table.part, table.n));
    if (t->lbfgs) ps_lbfgs_resume(t->lbfgs, table.numbers);
    if (t->device) PS_TRY(ps_train_device_put(t));
    t->resumed = true;
    t->saved_steps = ps_train_done(t);
    ps_info(t->run, "going on in epoch %lld, after step %lld of %lld\n", (long long)t->at.epoch + 1,
            (long long)t->at.update, (long long)t->updates);
    return PS_OK;
}
