#include "common/nn/train_kernels.h"
#include <string.h>
#include "common/run/err.h"

static bool is(const char *word, const char *other)
{
    return strcmp(word, other) == 0;
}

/* Can grains of ranks that have a GPU each be added in the order of the tree? Those of a rank must be a whole
 * part of it. */
static bool grains_fit(const struct ps_run *run, const struct ps_train_params *p)
{
    const int64_t grains = run->common->grains, each = grains / run->size;
    if (grains == 0 || run->size == 1 || !is(p->reduce, "exact")) return true;
    return grains % run->size == 0 && (each & (each - 1)) == 0;
}

/* What a run asks of GPUs. */
struct asked {
    const struct ps_run *run;
    const struct ps_train_params *p;
};

static const struct ps_nn_kernels *table_of(const struct ps_cuda *cuda, const char *precision)
{
    return is(precision, "bf16") ? cuda->nn_bf16 : is(precision, "tf32") ? cuda->nn_tf32 : cuda->nn;
}

static enum ps_status check(const void *context, const struct ps_device *device)
{
    const struct asked *a = context;
    const struct ps_train_params *p = a->p;
    const int ranks = a->run->size;
    const long long grains = a->run->common->grains;
    const char *host_only = NULL;
    if (device->cuda) {
        PS_CHECK(table_of(device->cuda, p->precision), PS_EBACKEND, "%s has no products in %s", device->text,
                 p->precision);
        return PS_OK;
    }
    if (is(p->optimizer, "lbfgs")) host_only = "--optimizer lbfgs";
    if (!host_only && !is(p->compress, "none")) host_only = "--compress";
    if (!host_only && p->slow_nodes > 0) host_only = "--slow-nodes";
    PS_CHECK(!host_only, PS_EUSAGE, "there is no %s on GPUs", host_only);
    PS_CHECK(p->norm_group <= 1 || grains == 0 || grains == ranks, PS_EUSAGE,
             "for --norm-group each grain wants a GPU of its own, and %lld grains have %d", grains, ranks);
    PS_CHECK(grains_fit(a->run, p), PS_EUSAGE,
             "for --reduce exact %d GPUs want 1, 2, 4, ... grains each, not %lld in all", ranks, grains);
    return PS_OK;
}

enum ps_status ps_train_kernels(struct ps_run *run, const struct ps_train_params *p, struct ps_device *device,
                                const struct ps_nn_kernels **out)
{
    const struct asked asked = {run, p};
    const struct ps_device_wish wish = {.family = PS_DEVICE_NN,
                                        .exact = is(p->reduce, "exact"),
                                        .alone = true, /* NCCL refuses two on one */
                                        .check = check,
                                        .context = &asked};
    const bool half = is(p->precision, "bf16"), plain = is(run->common->backend, "ref");
    PS_CHECK(!half || !plain, PS_EBACKEND, "back end ref of nets computes in fp32 alone: use cpu for bf16");
    *out = plain ? &ps_nn_ref : half ? &ps_nn_cpu_bf16 : &ps_nn_cpu;
    PS_TRY(ps_device_choose(run, &wish, (*out)->name, device));
    if (device->cuda) *out = table_of(device->cuda, p->precision);
    return PS_OK;
}
