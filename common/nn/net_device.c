#include "common/nn/net_device.h"
#include <stdlib.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/par/buffer.h"
#include "common/run/err.h"

enum { LINE = 256 };

/** What the host holds of a pass on a device. */
struct ps_net_mirror {
    struct ps_buffer x, sample, state;
    void *here;    /* outputs, in memory for copies; owned */
    void **output; /* [nodes] in it; NULL: may not be read; owned */
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

enum ps_status ps_net_mirror_make(struct ps_net_work *work)
{
    const struct ps_net *net = work->net;
    const struct ps_nn_device *d = net->kernels->device;
    static const char what[] = "the samples of a micro-batch; lower --batch";
    int64_t bytes = 0;
    PS_TRY(ps_zalloc(&work->mirror, 1, sizeof *work->mirror, "the output of a net"));
    struct ps_net_mirror *m = work->mirror;
    PS_TRY(ps_zalloc(&m->output, net->nodes, sizeof *m->output, "the output of a net"));
    for (int i = 1; i < net->nodes; i++)
        if (is_shown(net, i)) bytes += lines(output_bytes(work, i, work->most));
    PS_TRY(ps_buffer_make(d->memory, output_bytes(work, 0, work->most), true, what, &m->x));
    PS_TRY(ps_buffer_make(d->memory, work->most * (int64_t)sizeof(int64_t), true, what, &m->sample));
    PS_TRY(ps_buffer_make(d->memory, state_bytes(net, work->most), true, what, &m->state));
    m->here = d->memory->alloc_host(bytes);
    PS_CHECK(m->here, PS_ENOMEM, "no memory for copies from the device (%lld MiB)", (long long)(bytes >> 20));
    char *at = m->here;
    for (int i = 1; i < net->nodes; i++) {
        if (!is_shown(net, i)) continue;
        m->output[i] = at;
        at += lines(output_bytes(work, i, work->most));
    }
    return PS_OK;
}

void ps_net_mirror_free(struct ps_net_work *work)
{
    struct ps_net_mirror *m = work->mirror;
    if (!m) return;
    ps_buffer_free(&m->x);
    ps_buffer_free(&m->sample);
    ps_buffer_free(&m->state);
    work->net->kernels->device->memory->free_host(m->here);
    free(m->output);
    free(m);
    work->mirror = NULL;
}

static const void *put(const struct ps_buffer *b, const void *from, int64_t bytes)
{
    if (!from) return NULL;
    memcpy(b->here, from, (size_t)bytes);
    ps_buffer_put(b, bytes);
    return b->there;
}

/* Bring a batch there, go through the net, and bring back what may be read. */
static void forward_and_back(struct ps_net_work *work, const struct ps_net_batch *batch, const void *prepared)
{
    const struct ps_net *net = work->net;
    const struct ps_nn_device *d = net->kernels->device;
    struct ps_net_mirror *m = work->mirror;
    const int64_t states = state_bytes(net, batch->n);
    struct ps_net_batch there = *batch;
    there.x = put(&m->x, batch->x, output_bytes(work, 0, batch->n));
    there.sample = put(&m->sample, batch->sample, batch->n * (int64_t)sizeof *batch->sample);
    there.state = put(&m->state, batch->state, states);
    if (batch->next) there.next = m->state.there;
    ps_net_forward_there(work, &there, prepared,
                         (char *)prepared + (size_t)ps_net_vector(net) * net->kernels->real);
    for (int i = 1; i < net->nodes; i++)
        if (m->output[i]) d->memory->get(m->output[i], work->y[i], output_bytes(work, i, batch->n));
    if (batch->next) ps_buffer_get(&m->state, states);
    d->memory->wait(); /* what failed is kept for ps_net_check */
    if (batch->next) memcpy(batch->next, m->state.here, (size_t)states);
}

const void *ps_net_forward(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                           const void *prepared)
{
    if (!work->mirror) return ps_net_forward_there(work, batch, w, prepared);
    forward_and_back(work, batch, prepared);
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
    return work->mirror ? work->mirror->output[node] : work->y[node];
}

enum ps_status ps_net_check(const struct ps_net *net)
{
    const struct ps_nn_device *d = net->kernels->device;
    const enum ps_status rc = d ? d->memory->wait() : PS_OK;
    PS_CHECK(rc == PS_OK, rc, "the device: %s", d->memory->error());
    return PS_OK;
}
