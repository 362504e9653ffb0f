/* State that is carried from batch to batch. A grain has the same streams in every batch, so that their state
 * stays with its thread. */
#include <stdlib.h>
#include <string.h>
#include "common/nn/train_parts.h"

/* Elements of a message at most. */
static const int64_t PIECE = (int64_t)1 << 28;

int64_t ps_train_carried_first(const struct ps_train *t, int64_t grain)
{
    return grain < t->grains ? ps_block(t->params->batch, t->grains, grain).lo : t->params->batch;
}

enum ps_status ps_train_carried_open(struct ps_train *t)
{
    const int64_t streams = t->job->train->streams;
    PS_CHECK(!t->lbfgs, PS_EUSAGE,
             "--optimizer lbfgs goes by exact gradients, which do not end where carried state begins; take "
             "another one");
    PS_CHECK(streams == t->params->batch && t->job->train->n % streams == 0, PS_EINTERNAL,
             "%lld samples in %lld streams, and batches of %lld", (long long)t->job->train->n,
             (long long)streams, (long long)t->params->batch);
    return ps_zalloc(&t->carried, streams * t->job->net->states, sizeof *t->carried, "carried states");
}

float *ps_train_carried(const struct ps_train *t, int64_t grain)
{
    return t->carried + ps_train_carried_first(t, grain) * t->job->net->states;
}

bool ps_train_carried_goes_on(const struct ps_train *t, int64_t sample)
{
    const struct ps_source *s = t->job->train;
    return sample >= s->streams && s->before(s, sample, 1, NULL);
}

void ps_train_carried_begin(const struct ps_train *t, int64_t grain, struct ps_range at)
{
    for (int64_t i = at.lo; i < at.hi; i++)
        if (!ps_train_carried_goes_on(t, i))
            ps_net_forget(t->job->net, at.hi - at.lo, i - at.lo, ps_train_carried(t, grain));
}

enum ps_status ps_train_carried_gather(struct ps_train *t)
{
    const int64_t states = t->job->net->states, all = t->params->batch * states;
    const struct ps_range mine = ps_train_grains(t);
    const int64_t lo = ps_train_carried_first(t, mine.lo) * states,
                  hi = ps_train_carried_first(t, mine.hi) * states;
    memset(t->carried, 0, (size_t)lo * sizeof *t->carried);
    memset(t->carried + hi, 0, (size_t)(all - hi) * sizeof *t->carried);
    for (int64_t i = 0; i < all; i += PIECE) { /* as bits: a sum would lose the sign of a zero */
        const int n = (int)(all - i < PIECE ? all - i : PIECE);
        if (MPI_Allreduce(MPI_IN_PLACE, t->carried + i, n, MPI_UINT32_T, MPI_BOR, t->run->comm) !=
            MPI_SUCCESS)
            return ps_fail(PS_EMPI, "carried states could not be gathered");
    }
    return PS_OK;
}
