/** What the tests of training share: a run on some ranks, and samples that are functions of their number. */
#ifndef TRAINCHECK_H
#define TRAINCHECK_H

#include "mpicheck.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/nn/train.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { FEATURES = 6, CLASSES = 3 };

static struct ps_common common = {.log = "quiet", .seed = 7, .grains = 4};

static struct ps_timer *timer; /**< of runs; NULL: no time passes */

static inline int world_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static inline struct ps_run run_on(MPI_Comm comm, int threads)
{
    struct ps_run run = {.comm = comm, .name = "test", .threads = threads, .common = &common, .timer = timer};
    MPI_Comm_rank(comm, &run.rank);
    MPI_Comm_size(comm, &run.size);
    return run;
}

/** NAME in the folder for temporary files. Four names at a time. */
static inline const char *file_name(const char *name)
{
    static char text[4][512];
    static int turn;
    const char *folder = getenv("TMPDIR");
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", folder ? folder : "/tmp", name);
    return text[turn];
}

static inline float feature(int64_t sample, int64_t k)
{
    return (float)(2 * ps_rng_uniform((struct ps_rng){3, 1}, sample, (uint32_t)k) - 1);
}

/** Which of three planes a sample is nearest to: what a small net can learn. */
static inline int32_t label(int64_t sample)
{
    const double a = feature(sample, 0) + 0.5 * feature(sample, 1), b = feature(sample, 2);
    return a > b ? (a > 0 ? 0 : 1) : 2;
}

/** Samples with labels; source->data is the number of one that cannot be read, or NULL. */
static inline enum ps_status load_labelled(const struct ps_source *s, int64_t i, const struct ps_draw *draw,
                                           float *x, void *target)
{
    (void)draw;
    const int64_t *broken = s->data;
    PS_CHECK(!broken || i != *broken, PS_EINPUT, "%s: sample %lld is broken", s->name, (long long)i);
    for (int64_t k = 0; k < FEATURES; k++) x[k] = feature(i, k);
    if (target) *(int32_t *)target = label(i);
    return PS_OK;
}

/** Every kind of thing that a step has: running means, dropout, several layers. */
static inline void build(struct ps_net *net, const struct ps_nn_kernels *k, bool plain, int64_t out)
{
    ps_net_begin(net, k, (struct ps_shape){1, 1, FEATURES, false}, PS_INIT_TORCH, (uint64_t)common.seed);
    int a = ps_net_dense(net, 0, "one", 9, PS_NN_TANH);
    if (!plain) a = ps_net_batch_norm(net, a, "norm", 1e-5, 0.1, PS_NN_RELU);
    if (!plain) a = ps_net_dropout(net, a, 0.2);
    ps_net_dense(net, a, "two", out, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message()); /* alike on all ranks */
}

/** Parameters as their table's defaults have them. */
static inline struct ps_train_params defaults(void)
{
    return (struct ps_train_params){.epochs = 3,
                                    .batch = 16,
                                    .accumulate = 1,
                                    .rate = 0.1,
                                    .rate_factor = 0.1,
                                    .rate_every = 1000,
                                    .rate_power = 1,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .eps = 1e-8,
                                    .trust = 0.001,
                                    .history = 10,
                                    .validate_every = 1,
                                    .keep = 2,
                                    .optimizer = "sgd",
                                    .schedule = "constant",
                                    .init = "torch",
                                    .precision = "fp32",
                                    .reduce = "exact",
                                    .compress = "none"};
}

#endif
