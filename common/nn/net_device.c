#include "common/nn/net_device.h"
#include <stdlib.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/nn/pictures.h"
#include "common/par/buffer.h"
#include "common/run/err.h"

enum { LINE = 256 };

/** Marks in the compute queue: a turn is done. Training has others. */
enum { MARK = PS_NN_MARKS - PS_NET_TURNS };

/** A pass on a device. */
struct turn {
    struct ps_buffer x, sample; /* there */
    void *here;                 /* outputs, in memory for copies; owned */
    void **output;              /* [nodes] in it; NULL: may not be read; owned */
};

struct ps_net_mirror {
    struct turn turn[PS_NET_TURNS];
    struct ps_buffer state; /* of whichever turn has states */
    int shown;              /* the turn that ended last */
};

static int64_t lines(int64_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

enum ps_status ps_net_alloc(const struct ps_net *net, int64_t bytes, const char *what, void **out)
{
    const struct ps_nn_device *d = net->kernels->device;
    if (!d) return ps_alloc(out, bytes, 1, what);
    *out = d->memory->alloc(bytes > 0 ? bytes : 1);
    PS_CHECK(*out, PS_ENOMEM, "no memory on the device for %s (%lld MiB): lower --batch", what,
             (long long)(bytes >> 20));
    return PS_OK;
}

void ps_net_dealloc(const struct ps_net *net, void *memory)
{
    if (net && net->kernels->device)
        net->kernels->device->memory->free(memory);
    else
        free(memory);
}

int64_t ps_net_vector(const struct ps_net *net)
{
    const int64_t real = (int64_t)net->kernels->real;
    return lines((net->weights + net->buffers) * real) / real;
}

enum ps_status ps_net_prepared_make(const struct ps_net *net, void **out)
{
    const int64_t real = (int64_t)net->kernels->real;
    return ps_net_alloc(net, (ps_net_vector(net) + net->prepared) * real, "the weights of a net", out);
}

void ps_net_prepare_there(const struct ps_net *net, void *prepared)
{
    const size_t real = net->kernels->real;
    char *forms = (char *)prepared + (size_t)ps_net_vector(net) * real;
    for (int i = 0; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        if (node->op->prepare)
            node->op->prepare(net->kernels, node, (const char *)prepared + (size_t)node->weights_at * real,
                              forms + (size_t)node->prepared_at * real, 0, 1);
    }
}

void ps_net_buffers_follow_there(const struct ps_net *net, const void *dw, int64_t grains, void *w)
{
    const size_t real = net->kernels->real;
    for (int i = net->frozen + 1; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        int64_t n = node->buffers; /* neighbours that follow alike go together */
        while (n > 0 && i + 1 < net->nodes &&
               (net->node[i + 1].buffers == 0 || net->node[i + 1].momentum == node->momentum))
            n += net->node[++i].buffers;
        if (n > 0)
            net->kernels->device->follow(n, node->momentum, grains,
                                         (const char *)dw + (size_t)node->buffers_at * real,
                                         (char *)w + (size_t)node->buffers_at * real);
    }
}

void ps_net_forget_there(const struct ps_net *net, int64_t n, struct ps_range which, void *state)
{
    const int64_t real = (int64_t)net->kernels->real;
    for (int k = 0; k < net->nodes; k++) {
        const struct ps_node *node = &net->node[k];
        if (node->states > 0)
            net->kernels->clear((which.hi - which.lo) * node->states * real,
                                (char *)state + (node->states_at * n + which.lo * node->states) * real);
    }
}

/* May the host read the output of node i? */
static bool is_shown(const struct ps_net *net, int i)
{
    return i == net->nodes - 1 || net->node[i].stays;
}

static int64_t state_bytes(const struct ps_net *net, int64_t n)
{
    return n * net->states * (int64_t)net->kernels->real;
}

static int64_t output_bytes(const struct ps_net_work *work, int i, int64_t n)
{
    return n * ps_shape_size(work->net->node[i].out) * (int64_t)work->net->kernels->real;
}

static enum ps_status make_turn(const struct ps_net_work *work, struct turn *out)
{
    const struct ps_net *net = work->net;
    const struct ps_device_memory *memory = net->kernels->device->memory;
    static const char what[] = "the samples of a micro-batch; lower --batch";
    int64_t bytes = 0;
    PS_TRY(ps_zalloc(&out->output, net->nodes, sizeof *out->output, "the output of a net"));
    for (int i = 1; i < net->nodes; i++)
        if (is_shown(net, i)) bytes += lines(output_bytes(work, i, work->most));
    PS_TRY(ps_buffer_make(memory, output_bytes(work, 0, work->most), false, what, &out->x));
    PS_TRY(ps_buffer_make(memory, work->most * (int64_t)sizeof(int64_t), false, what, &out->sample));
    out->here = memory->alloc_host(bytes);
    PS_CHECK(out->here, PS_ENOMEM, "no memory for copies from the device (%lld MiB)",
             (long long)(bytes >> 20));
    char *at = out->here;
    for (int i = 1; i < net->nodes; i++) {
        if (!is_shown(net, i)) continue;
        out->output[i] = at;
        at += lines(output_bytes(work, i, work->most));
    }
    return PS_OK;
}

enum ps_status ps_net_mirror_make(struct ps_net_work *work)
{
    PS_TRY(ps_zalloc(&work->mirror, 1, sizeof *work->mirror, "the output of a net"));
    for (int k = 0; k < PS_NET_TURNS; k++) PS_TRY(make_turn(work, &work->mirror->turn[k]));
    return ps_buffer_make(work->net->kernels->device->memory, state_bytes(work->net, work->most), true,
                          "the states of a micro-batch; lower --batch", &work->mirror->state);
}

void ps_net_mirror_free(struct ps_net_work *work)
{
    if (!work->mirror) return;
    for (int k = 0; k < PS_NET_TURNS; k++) {
        struct turn *t = &work->mirror->turn[k];
        ps_buffer_free(&t->x);
        ps_buffer_free(&t->sample);
        work->net->kernels->device->memory->free_host(t->here);
        free(t->output);
    }
    ps_buffer_free(&work->mirror->state);
    free(work->mirror);
    work->mirror = NULL;
}

/* Bring a batch there beside what is computed now, go through the net, and bring back what may be read. */
static void there_and_back(struct ps_net_work *work, const struct ps_net_batch *batch, const void *prepared,
                           const struct turn *t, const struct ps_buffer *state)
{
    const struct ps_net *net = work->net;
    const struct ps_nn_device *d = net->kernels->device;
    const int64_t states = state_bytes(net, batch->n);
    struct ps_net_batch there = *batch;
    d->use(PS_NN_COPY);
    if (batch->pictures)
        ps_pictures_put(batch->pictures, net, batch->n, t->x.there);
    else
        d->memory->put(t->x.there, batch->x, output_bytes(work, 0, batch->n));
    there.x = t->x.there;
    if (batch->sample) {
        d->memory->put(t->sample.there, batch->sample, batch->n * (int64_t)sizeof *batch->sample);
        there.sample = t->sample.there;
    }
    if (batch->state) {
        memcpy(state->here, batch->state, (size_t)states);
        ps_buffer_put(state, states);
        there.state = state->there;
    }
    if (batch->next) there.next = state->there;
    d->use(PS_NN_COMPUTE);
    d->after(PS_NN_COMPUTE, PS_NN_COPY);
    ps_net_forward_there(work, &there, prepared,
                         (char *)prepared + (size_t)ps_net_vector(net) * net->kernels->real);
    for (int i = 1; i < net->nodes; i++)
        if (t->output[i]) d->memory->get(t->output[i], work->y[i], output_bytes(work, i, batch->n));
    if (batch->next) ps_buffer_get(state, states);
}

void ps_net_forward_begin(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                          const void *prepared, int turn)
{
    if (!work->mirror) {
        ps_net_forward_there(work, batch, w, prepared);
        return;
    }
    there_and_back(work, batch, prepared, &work->mirror->turn[turn], &work->mirror->state);
    work->net->kernels->device->mark(MARK + turn);
}

void ps_net_forward_end(struct ps_net_work *work, int turn)
{
    if (!work->mirror) return;
    work->net->kernels->device->await(MARK + turn); /* what failed is kept for ps_net_check */
    work->mirror->shown = turn;
}

const void *ps_net_forward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                           const void *prepared)
{
    ps_net_forward_begin(work, batch, w, prepared, 0);
    ps_net_forward_end(work, 0);
    if (work->mirror && batch->next)
        memcpy(batch->next, work->mirror->state.here, (size_t)state_bytes(work->net, batch->n));
    return ps_net_output(work, work->net->nodes - 1);
}

int ps_net_callers(const struct ps_net *net, int threads)
{
    return net->kernels->device ? 1 : threads;
}

const struct ps_nn_kernels *ps_net_on_host(const struct ps_net *net)
{
    return net->kernels->device ? &ps_nn_cpu : net->kernels;
}

const void *ps_net_output(const struct ps_net_work *work, int node)
{
    return work->mirror ? work->mirror->turn[work->mirror->shown].output[node] : work->y[node];
}

enum ps_status ps_net_check(const struct ps_net *net)
{
    const struct ps_nn_device *d = net->kernels->device;
    const enum ps_status rc = d ? d->memory->wait() : PS_OK;
    PS_CHECK(rc == PS_OK, rc, "the device: %s", d->memory->error());
    return PS_OK;
}
