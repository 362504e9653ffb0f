#include "common/nn/gradients_device.h"
#include <stdlib.h>
#include "common/nn/gradients_tree.h"
#include "common/nn/net_device.h"
#include "common/run/err.h"

enum {
    LINE = 64 /* floats: buckets begin where memory does */,
    WIDTH = PS_GRADIENT_BUCKET / (int)sizeof(float)
};

struct ps_gradients_device {
    const struct ps_net *net;
    const struct ps_nn_device *d;
    int64_t n, stride; /* elements; from vector to vector */
    int64_t grains;    /* of this rank */
    int ranks;
    bool exact, joined;
    float *stack;   /* there; owned */
    float *work;    /* there, of a bucket; NULL: not needed; owned */
    float *nothing; /* here, the weights and buffers of a rank without samples; owned */

    /* in this step */
    int top;                          /* vectors on the stack */
    int64_t grain[2 * PS_TREE_PARTS]; /* one of each of them */
    int adds;                         /* of the last grain */
    int64_t from, sent;               /* elements from there on are final; are on their way */
};

static int64_t up(int64_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

/* Room on the device and here. Local. */
static enum ps_status make(struct ps_gradients_device *g)
{
    const int vectors = ps_tree_depth(0, g->grains);
    const int64_t bytes = vectors * g->stride * (int64_t)sizeof(float);
    PS_TRY(ps_net_alloc(g->net, bytes, "gradients", (void **)&g->stack));
    if (g->ranks == 1) return PS_OK;
    if (g->exact)
        PS_TRY(ps_net_alloc(g->net, WIDTH * (int64_t)sizeof(float), "gradients", (void **)&g->work));
    PS_TRY(ps_alloc(&g->nothing, g->n, sizeof *g->nothing, "gradients"));
    for (int64_t i = 0; i < g->n; i++) g->nothing[i] = -0.0f; /* leaves the sign of a zero as it is */
    return PS_OK;
}

/* The ranks' devices become one group. Collective. */
static enum ps_status join(MPI_Comm comm, struct ps_gradients_device *g)
{
    char id[PS_NN_ID] = {0};
    int rank;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? g->d->name(id) : PS_OK;
    if (rc != PS_OK) ps_fail(rc, "the device: %s", g->d->memory->error());
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(id, sizeof id, MPI_BYTE, 0, comm);
    rc = g->d->join(g->ranks, rank, id);
    g->joined = rc == PS_OK;
    if (rc != PS_OK) ps_fail(rc, "the device: %s", g->d->memory->error());
    return ps_agree(comm, rc);
}

enum ps_status ps_gradients_device_open(MPI_Comm comm, const struct ps_net *net, int64_t grains, bool exact,
                                        struct ps_gradients_device **out)
{
    struct ps_gradients_device *g = NULL;
    enum ps_status rc = ps_zalloc(&g, 1, sizeof *g, "gradients");
    if (rc == PS_OK) {
        g->net = net;
        g->d = net->kernels->device;
        g->n = net->weights + net->buffers + PS_GRADIENT_EXTRA;
        g->stride = up(g->n);
        g->grains = grains;
        g->exact = exact;
        MPI_Comm_size(comm, &g->ranks);
        rc = make(g);
    }
    PS_TRY_DONE(ps_agree(comm, rc));
    if (g->ranks > 1) rc = join(comm, g);
done:
    if (rc != PS_OK) {
        ps_gradients_device_close(g);
        g = NULL;
    }
    *out = g;
    return rc;
}

void ps_gradients_device_close(struct ps_gradients_device *g)
{
    if (!g) return;
    if (g->joined) g->d->leave();
    ps_net_dealloc(g->net, g->stack);
    ps_net_dealloc(g->net, g->work);
    free(g->nothing);
    free(g);
}

struct ps_gradients_turn ps_gradients_device_turn(struct ps_gradients_device *g, int64_t grain, int64_t next)
{
    const struct ps_range all = {0, g->grains};
    struct ps_gradients_turn turn = {.vector = g->top};
    g->grain[g->top++] = grain;
    for (; g->top > 1 && ps_tree_meet(g->grains, all, g->grain[g->top - 2], g->grain[g->top - 1], next);
         g->top--)
        turn.adds++;
    if (next == g->grains) g->top = 0;
    return turn;
}

float *ps_gradients_device_vector(struct ps_gradients_device *g, int vector)
{
    return g->stack + vector * g->stride;
}

/* Elements [lo, hi) of the vectors from `adds` down to 0, or as many as there are: each takes in the one
 * above it. */
static void add_down(struct ps_gradients_device *g, int top, int adds, int64_t lo, int64_t hi)
{
    const int64_t end = g->n - PS_GRADIENT_EXTRA; /* numbers of the step are in vector 0 alone */
    if (hi > end) hi = end;
    for (int i = top; i > top - adds && lo < hi; i--)
        g->net->kernels->add(hi - lo, ps_gradients_device_vector(g, i) + lo,
                             ps_gradients_device_vector(g, i - 1) + lo);
}

void ps_gradients_device_add(struct ps_gradients_device *g, struct ps_gradients_turn turn)
{
    add_down(g, turn.vector, turn.adds, 0, g->n);
}

void ps_gradients_device_begin(struct ps_gradients_device *g, struct ps_gradients_turn turn)
{
    g->adds = turn.adds;
    g->sent = g->n;
    g->from = g->n - PS_GRADIENT_EXTRA;
}

/* The last elements that are not on their way yet, from `lo` on. */
static void send(struct ps_gradients_device *g, int64_t lo)
{
    const struct ps_nn_device *d = g->d;
    add_down(g, g->adds, g->adds, lo, g->sent);
    if (g->ranks > 1) {
        d->after(PS_NN_EXCHANGE, PS_NN_COMPUTE);
        d->use(PS_NN_EXCHANGE);
        d->sum(g->stack + lo, g->sent - lo, g->exact, g->work);
        d->use(PS_NN_COMPUTE);
    }
    g->sent = lo;
}

void ps_gradients_device_ready(void *gradients, int64_t lo, int64_t hi)
{
    struct ps_gradients_device *g = gradients;
    if (hi >= g->from && lo < g->from) g->from = lo;
    if (g->ranks == 1) return; /* all at once, at the end */
    while (up(g->from) + WIDTH <= g->sent) send(g, up(g->sent - WIDTH));
}

void ps_gradients_device_end(struct ps_gradients_device *g)
{
    g->from = 0;
    ps_gradients_device_ready(g, 0, 0);
    if (g->sent > 0) send(g, 0);
    if (g->ranks > 1) g->d->after(PS_NN_COMPUTE, PS_NN_EXCHANGE);
}

void ps_gradients_device_nothing(struct ps_gradients_device *g)
{
    const int64_t bytes = (g->n - PS_GRADIENT_EXTRA) * (int64_t)sizeof(float);
    g->top = 0;
    if (g->ranks > 1) g->d->memory->put(g->stack, g->nothing, bytes);
    ps_gradients_device_begin(g, (struct ps_gradients_turn){0, 0});
}

struct ps_gradients_count ps_gradients_device_count(const struct ps_gradients_device *g)
{
    const int64_t others = g->ranks - 1, buckets = (g->n + WIDTH - 1) / WIDTH;
    return (struct ps_gradients_count){2 * others * buckets,
                                       2 * others * g->n * (int64_t)sizeof(float) / g->ranks};
}
