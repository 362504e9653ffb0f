#include "common/nn/train_kernels.h"
#include <stdio.h>
#include <string.h>
#include "common/run/err.h"
#include "common/run/log.h"
#include "common/run/record.h"

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

/* What of a run keeps it from GPUs. @return PS_OK; PS_EUSAGE */
static enum ps_status check_wishes(const struct ps_run *run, const struct ps_train_params *p,
                                   const char *host_only)
{
    if (!host_only && p->norm_group > 1) host_only = "--norm-group";
    if (!host_only && is(p->optimizer, "lbfgs")) host_only = "--optimizer lbfgs";
    if (!host_only && !is(p->compress, "none")) host_only = "--compress";
    if (!host_only && p->slow_nodes > 0) host_only = "--slow-nodes";
    PS_CHECK(!host_only, PS_EUSAGE, "there is no %s on GPUs", host_only);
    PS_CHECK(grains_fit(run, p), PS_EUSAGE,
             "for --reduce exact %d GPUs want 1, 2, 4, ... grains each, not %lld in all", run->size,
             (long long)run->common->grains);
    return PS_OK;
}

/* The GPU of each rank, and its table. Collective. */
static enum ps_status open_device(const struct ps_run *run, const struct ps_train_params *p,
                                  const char *host_only, struct ps_device *device,
                                  const struct ps_nn_kernels **out)
{
    const struct ps_nn_kernels *table;
    PS_TRY(check_wishes(run, p, host_only)); /* the same on all ranks */
    PS_TRY(ps_device_open(run, is(p->reduce, "exact"), device));
    const struct ps_cuda *cuda = device->cuda;
    table = is(p->precision, "bf16") ? cuda->nn_bf16 : is(p->precision, "tf32") ? cuda->nn_tf32 : cuda->nn;
    enum ps_status rc = PS_OK;
    if (!table) rc = ps_fail(PS_EBACKEND, "%s has no products in %s", device->text, p->precision);
    rc = ps_agree(run->comm, rc);
    if (rc == PS_OK)
        *out = table;
    else
        ps_device_close(device);
    return rc;
}

/* What was chosen, and why: "" where it was asked for. People hear of it where there are GPUs. */
static void tell(struct ps_run *run, const char *name, const struct ps_device *device, const char *why,
                 bool gpus)
{
    if (device->cuda)
        ps_info(run, "back end: %s, rank 0: %s\n", name, device->text);
    else if (why[0])
        (gpus ? ps_info : ps_debug)(run, "back end: %s (%s)\n", name, why);
    ps_record_begin(run, "backend");
    ps_record_str(run, "name", name);
    if (device->cuda) ps_record_str(run, "device", device->text);
    if (why[0]) ps_record_str(run, "why", why);
    ps_record_end(run);
}

enum ps_status ps_train_kernels(struct ps_run *run, const struct ps_train_params *p, const char *host_only,
                                struct ps_device *device, const struct ps_nn_kernels **out)
{
    enum { TEXT_MAX = 1024 };
    const char *backend = run->common->backend;
    const bool half = is(p->precision, "bf16"), plain = is(backend, "ref");
    char why[TEXT_MAX] = "", text[2 * TEXT_MAX];
    *device = (struct ps_device){.cuda = NULL};
    PS_CHECK(!half || !plain, PS_EBACKEND, "back end ref of nets computes in fp32 alone: use cpu for bf16");
    *out = plain ? &ps_nn_ref : half ? &ps_nn_cpu_bf16 : &ps_nn_cpu;
    bool gpus = true;
    if (is(backend, "auto") || is(backend, "cuda")) {
        enum ps_status rc = is(backend, "auto") ? ps_device_look(run) : PS_OK;
        gpus = rc == PS_OK;
        if (gpus) rc = open_device(run, p, host_only, device, out);
        if (rc != PS_OK) snprintf(why, sizeof why, "%s", ps_err_message());
        if (rc != PS_OK && is(backend, "cuda")) {
            snprintf(text, sizeof text, "back end cuda of nets: %s; take cpu or auto", why);
            ps_err_restore(text, ps_err_rank());
            return rc;
        }
        ps_err_clear();
    }
    tell(run, (*out)->name, device, why, gpus);
    return PS_OK;
}
