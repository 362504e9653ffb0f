/* Where training lies under the roof of the machine: a line `peak` and lines `cost` of the record. */
#include <stdio.h>
#include <string.h>
#include "common/nn/cost.h"
#include "common/nn/op.h"
#include "common/nn/roofline.h"
#include "common/nn/train_parts.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* Kinds of layers that are told apart. */
enum { KINDS = 16, NAME = 48 };

/* FLOP and bytes of all steps of this run, on all nodes. */
struct total {
    char name[NAME];
    double flop, bytes;
};

static void add(const struct ps_train *t, const struct ps_cost *c, struct total *to)
{
    const double samples = (double)t->times.samples, steps = (double)t->times.steps * t->memory->team.count;
    to->flop += samples * c->flop;
    to->bytes += samples * c->bytes + steps * c->step_bytes;
}

/* What the optimizer moves: weights and states are read and written, gradients read. */
static double update_bytes(const struct ps_train *t)
{
    float *state[2];
    const int states = ps_optimizer_state(t->optimizer, state);
    return (double)t->times.steps * t->memory->team.count * (3 + 2 * states) *
           (double)(t->job->net->weights - t->job->net->frozen_weights) * sizeof(float);
}

static void kind_of(const struct ps_node *node, char *out)
{
    if (node->op == &ps_op_conv)
        snprintf(out, NAME, "conv %d x %d", node->as.conv.at.kernel, node->as.conv.at.kernel);
    else
        snprintf(out, NAME, "%s", node->op->kind);
}

/* Layers with products, by kind, forward and backward. @return how many kinds */
static int kinds_of(const struct ps_train *t, struct total *kind)
{
    const struct ps_net *net = t->job->net;
    char name[NAME];
    int n = 0;
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_cost pass[] = {ps_net_cost(net, i, false), ps_net_cost(net, i, true)};
        if (pass[0].flop == 0) continue;
        kind_of(&net->node[i], name);
        int k = 0;
        while (k < n && strcmp(kind[k].name, name) != 0) k++;
        if (k == KINDS) continue;
        if (k == n) snprintf(kind[n++].name, NAME, "%s", name);
        for (int p = 0; p < 2; p++) add(t, &pass[p], &kind[k]);
    }
    return n;
}

/* @param seconds below 0: not known */
static void tell(const struct ps_train *t, const char *name, const struct total *c, double seconds)
{
    ps_record_begin(t->run, "cost");
    ps_record_str(t->run, "of", name);
    ps_record_num(t->run, "flop", c->flop);
    ps_record_num(t->run, "bytes", c->bytes);
    if (seconds >= 0) ps_record_num(t->run, "seconds", seconds);
    ps_record_end(t->run);
}

enum ps_status ps_train_roofline(struct ps_train *t)
{
    struct ps_run *run = t->run;
    const struct ps_net *net = t->job->net;
    const bool half = strcmp(t->params->precision, "bf16") == 0;
    struct total forward = {.flop = 0}, backward = {.flop = 0}, kind[KINDS] = {{.flop = 0}};
    double bytes, all = 0;
    if (!run->common->record[0] || !t->optimizer || net->kernels->device || t->times.steps == 0) return PS_OK;
    ps_phase(run, NULL);
    const double flops = ps_roofline_flops(run, half);
    PS_TRY(ps_roofline_bytes(run, &bytes));
    ps_phase(run, "train");
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_cost f = ps_net_cost(net, i, false), b = ps_net_cost(net, i, true);
        add(t, &f, &forward);
        add(t, &b, &backward);
    }
    const struct total step = {.flop = forward.flop + backward.flop,
                               .bytes = forward.bytes + backward.bytes + update_bytes(t)};
    for (int i = 0; i < PS_SPANS; i++) all += t->times.span[i];
    ps_record_begin(run, "peak");
    ps_record_num(run, "flops", flops);
    ps_record_num(run, "bytes_per_second", bytes);
    ps_record_str(run, "precision", half ? "bf16" : "fp32");
    ps_record_end(run);
    tell(t, "forward", &forward, t->times.span[PS_SPAN_FORWARD]);
    tell(t, "backward", &backward, t->times.span[PS_SPAN_BACKWARD]);
    tell(t, "step", &step, all);
    const int kinds = kinds_of(t, kind);
    for (int i = 0; i < kinds; i++) tell(t, kind[i].name, &kind[i], -1);
    return PS_OK;
}
