#include "common/nn/train_params.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/run/err.h"

enum ps_init ps_train_init(const struct ps_train_params *p)
{
    return strcmp(p->init, "glorot") == 0 ? PS_INIT_GLOROT : PS_INIT_TORCH;
}

/* The place of a word in a list that ends with NULL; the table of parameters lets no other word pass. */
static int place(const char *word, const char *const *list)
{
    int i = 0;
    while (list[i + 1] && strcmp(word, list[i]) != 0) i++;
    return i;
}

struct ps_optimizer_plan ps_train_optimizer(const struct ps_train_params *p)
{
    static const char *const names[] = {"sgd", "adam", "adamw", "rmsprop", "lars", "lamb", NULL};
    static const enum ps_nn_rule rules[] = {PS_NN_SGD,     PS_NN_ADAM, PS_NN_ADAMW,
                                            PS_NN_RMSPROP, PS_NN_LARS, PS_NN_LAMB};
    return (struct ps_optimizer_plan){.update = {.rule = rules[place(p->optimizer, names)],
                                                 .scale = 1,
                                                 .decay = p->decay,
                                                 .momentum = p->momentum,
                                                 .nesterov = p->nesterov,
                                                 .beta1 = p->beta1,
                                                 .beta2 = p->beta2,
                                                 .eps = p->eps,
                                                 .trust = 1},
                                      .clip = p->clip,
                                      .trust = p->trust,
                                      .spare = p->spare_norms};
}

struct ps_schedule ps_train_schedule(const struct ps_train_params *p, int64_t steps)
{
    static const char *const names[] = {"constant", "step", "cosine", "polynomial", "inverse", NULL};
    static const enum ps_schedule_kind kinds[] = {PS_RATE_CONSTANT, PS_RATE_STEP, PS_RATE_COSINE,
                                                  PS_RATE_POLYNOMIAL, PS_RATE_INVERSE};
    struct ps_schedule s = {.kind = kinds[place(p->schedule, names)],
                            .rate = p->rate,
                            .last = p->last_rate,
                            .factor = p->rate_factor,
                            .power = p->rate_power,
                            .every = p->rate_every,
                            .milestones = p->milestones.n,
                            .warm_up = p->warm_up,
                            .steps = steps};
    for (int i = 0; i < s.milestones; i++)
        s.milestone[i] = llround(p->milestones.value[i] * (double)(steps / p->epochs));
    return s;
}

enum ps_status ps_train_network(const struct ps_train_params *p, struct ps_network *out)
{
    double us, gb;
    char more;
    PS_CHECK(sscanf(p->network, "%lf,%lf%c", &us, &gb, &more) == 2 && us >= 0 && gb > 0 && isfinite(us + gb),
             PS_EUSAGE, "--network '%s': write microseconds of a message and GB/s, such as 2,12.5",
             p->network);
    *out = (struct ps_network){.latency = us * 1e-6, .bandwidth = gb * 1e9};
    return PS_OK;
}

enum ps_status ps_train_params_check(const struct ps_train_params *p)
{
    PS_CHECK(!p->nesterov || p->momentum > 0, PS_EUSAGE, "--nesterov needs --momentum");
    PS_CHECK(strcmp(p->compress, "none") == 0 || strcmp(p->reduce, "fast") == 0, PS_EUSAGE,
             "--compress needs --reduce fast: an exact sum travels as it is");
    PS_CHECK(strcmp(p->optimizer, "lbfgs") != 0 || (p->decay == 0 && p->clip == 0), PS_EUSAGE,
             "--optimizer lbfgs takes neither --decay nor --clip");
    PS_CHECK(p->milestones.n == 0 || strcmp(p->schedule, "step") == 0, PS_EUSAGE,
             "--milestones needs --schedule step");
    for (int i = 1; i < p->milestones.n; i++)
        PS_CHECK(p->milestones.value[i] > p->milestones.value[i - 1], PS_EUSAGE,
                 "--milestones: %g follows %g, but epochs are to ascend", p->milestones.value[i],
                 p->milestones.value[i - 1]);
    struct ps_network network;
    if (p->network[0]) PS_TRY(ps_train_network(p, &network));
    PS_CHECK(p->slow_nodes == 0 || p->network[0], PS_EUSAGE, "--slow-nodes needs --network");
    PS_CHECK(!p->eval_only || p->weights[0], PS_EUSAGE, "--eval-only needs --weights FILE");
    return PS_OK;
}
