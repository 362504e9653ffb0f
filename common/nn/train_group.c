/* Groups of grains whose batch norms have statistics in common. */
#include "common/nn/train_parts.h"

static const double *show(void *context, const double *mine, int64_t n)
{
    const struct ps_train_member *member = context;
    return ps_meet_show(member->meet, member->thread, mine, n);
}

enum ps_status ps_train_group_open(struct ps_train *t)
{
    const int64_t each = t->params->norm_group, threads = t->memory->team.all;
    const struct ps_meet_plan plan = {t->grains, each, "--norm-group", ps_net_group_most(t->job->net)};
    if (each <= 1) return PS_OK;
    PS_CHECK(t->grains % each == 0, PS_EUSAGE,
             "--norm-group %lld: %lld grains are not a multiple of that; --grains sets their number",
             (long long)each, (long long)t->grains);
    if (t->job->net->kernels->device) return PS_OK; /* a grain of each rank, which NCCL brings together */
    PS_CHECK(t->grains <= threads, PS_EUSAGE,
             "--norm-group %lld: all grains of a group are at the same layer at once, and %lld grains have "
             "%lld threads: as many are needed, and --threads may be more than there are cores",
             (long long)each, (long long)t->grains, (long long)threads);
    return ps_meet_open(&t->memory->team, &plan, &t->meet);
}

enum ps_status ps_train_group_join_there(const struct ps_train *t, const struct ps_nn_group *there,
                                         struct ps_train_member *out)
{
    *out = (struct ps_train_member){.group = {.members = there->members, .there = there},
                                    .first = t->run->rank - there->member};
    return ps_zalloc(&out->samples, there->members, sizeof *out->samples, "the samples of a group");
}

enum ps_status ps_train_group_join(const struct ps_train *t, int thread, struct ps_train_member *out)
{
    const int64_t each = t->params->norm_group;
    if (!t->meet || ps_meet_member(t->meet, thread) < 0) return PS_OK;
    *out = (struct ps_train_member){.group = {.members = (int)each, .show = show, .context = out},
                                    .meet = t->meet,
                                    .thread = thread,
                                    .first = ps_gradients_grains(t->gradients, thread).lo -
                                             ps_meet_member(t->meet, thread)};
    PS_TRY(ps_zalloc(&out->samples, each, sizeof *out->samples, "the samples of a group"));
    out->group.samples = out->samples;
    return PS_OK;
}

const struct ps_net_group *ps_train_group(struct ps_train *t, int thread, int64_t batch)
{
    struct ps_train_member *member = &t->thread[thread].member;
    struct ps_net_group *group = &member->group;
    if (!member->samples) return NULL;
    group->all = 0;
    for (int i = 0; i < group->members; i++) {
        const struct ps_range at = ps_train_places(t, batch, member->first + i);
        group->all += member->samples[i] = at.hi - at.lo;
    }
    return group;
}
