#include "common/nn/micro.h"
#include <stdlib.h>
#include "common/run/err.h"
#include "kernels/nn/nn_device.h"

/* Memory that copies to the device want, where the net has one. */
static enum ps_status make_array(const struct ps_micro *m, int64_t bytes, const char *what, void *out)
{
    void **to = out;
    if (!m->memory) return ps_alloc(to, bytes, 1, what);
    *to = m->memory->alloc_host(bytes > 0 ? bytes : 1);
    PS_CHECK(*to, PS_ENOMEM, "no memory for copies to the device of %s (%lld MiB)", what,
             (long long)(bytes >> 20));
    return PS_OK;
}

static void free_array(const struct ps_micro *m, void *array)
{
    if (m->memory)
        m->memory->free_host(array);
    else
        free(array);
}

enum ps_status ps_micro_make_samples(const struct ps_net *net, int64_t most, enum ps_target target,
                                     bool inputs, struct ps_micro *out)
{
    const struct ps_nn_device *d = net->kernels->device;
    const int64_t output = ps_shape_size(net->node[net->nodes - 1].out);
    struct ps_micro m = {.input = ps_shape_size(net->node[0].out), .memory = d ? d->memory : NULL};
    if (target == PS_TARGET_LABELS) m.target_bytes = sizeof(int32_t);
    if (target == PS_TARGET_VALUES) m.target_bytes = (size_t)output * sizeof(float);
    enum ps_status rc = PS_OK;
    if (inputs)
        rc = make_array(&m, most * m.input * (int64_t)sizeof *m.x, "the samples of a micro-batch", &m.x);
    if (rc == PS_OK)
        rc = make_array(&m, most * (int64_t)sizeof *m.sample, "the numbers of samples", &m.sample);
    if (rc == PS_OK && target != PS_TARGET_INPUT)
        rc = ps_alloc(&m.target, most, m.target_bytes, "the targets of a micro-batch");
    if (target == PS_TARGET_INPUT) m.target = m.x;
    if (rc != PS_OK) ps_micro_free(&m);
    *out = m;
    return rc;
}

enum ps_status ps_micro_make(const struct ps_net *net, int64_t most, enum ps_target target, bool training,
                             struct ps_micro *out)
{
    PS_TRY(ps_micro_make_samples(net, most, target, true, out));
    const enum ps_status rc = ps_net_work_make(net, most, training, &out->work);
    if (rc != PS_OK) ps_micro_free(out);
    return rc;
}

void ps_micro_free(struct ps_micro *m)
{
    ps_net_work_free(&m->work);
    if (m->target != m->x) free(m->target);
    free_array(m, m->x);
    free_array(m, m->sample);
    *m = (struct ps_micro){.x = NULL};
}

enum ps_status ps_micro_load_one(struct ps_micro *m, const struct ps_source *source,
                                 const struct ps_draw *draw, int64_t i)
{
    return source->load(source, m->sample[i], draw, m->x + i * m->input, ps_micro_target(m, i));
}

enum ps_status ps_micro_load(struct ps_micro *m, const struct ps_source *source, const struct ps_draw *draw,
                             int64_t n)
{
    for (int64_t i = 0; i < n; i++) PS_TRY(ps_micro_load_one(m, source, draw, i));
    return PS_OK;
}
