#include "common/nn/micro.h"
#include <stdlib.h>
#include "common/run/err.h"

enum ps_status ps_micro_make(const struct ps_net *net, int64_t most, enum ps_target target, bool training,
                             struct ps_micro *out)
{
    const int64_t output = ps_shape_size(net->node[net->nodes - 1].out);
    struct ps_micro m = {.input = ps_shape_size(net->node[0].out)};
    if (target == PS_TARGET_LABELS) m.target_bytes = sizeof(int32_t);
    if (target == PS_TARGET_VALUES) m.target_bytes = (size_t)output * sizeof(float);
    enum ps_status rc = ps_net_work_make(net, most, training, &m.work);
    if (rc == PS_OK) rc = ps_alloc(&m.x, most * m.input, sizeof *m.x, "the samples of a micro-batch");
    if (rc == PS_OK) rc = ps_alloc(&m.sample, most, sizeof *m.sample, "the numbers of samples");
    if (rc == PS_OK && target != PS_TARGET_INPUT)
        rc = ps_alloc(&m.target, most, m.target_bytes, "the targets of a micro-batch");
    if (target == PS_TARGET_INPUT) m.target = m.x;
    if (rc != PS_OK) ps_micro_free(&m);
    *out = m;
    return rc;
}

void ps_micro_free(struct ps_micro *m)
{
    ps_net_work_free(&m->work);
    if (m->target != m->x) free(m->target);
    free(m->x);
    free(m->sample);
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
