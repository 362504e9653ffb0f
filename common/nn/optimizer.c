#include "common/nn/optimizer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { LINE = 16, BLOCK = 4096 };

/** What LARS and LAMB call a layer. */
struct tensor {
    int64_t lo, hi;
    int64_t block; /* its first one */
    bool several;  /* dimensions */
};

struct ps_optimizer {
    struct ps_team *team;
    const struct ps_nn_kernels *kernels;
    struct ps_optimizer_plan plan;
    int64_t first;         /* element that is updated: frozen ones are not */
    struct tensor *tensor; /* [tensors + 1], the last one begins where all end; owned */
    int tensors;
    int64_t *block; /* [blocks + 1] first elements: a tensor is cut into blocks of its own; owned */
    int64_t blocks;
    struct ps_shared memory;
    float *state[2];    /* [weights] in it */
    double *squares[2]; /* [blocks] sums of squares, in it: of gradients or directions, of weights */
    int states;
    double norm;
};

/* Tensors and blocks of the weights. */
static enum ps_status cut(struct ps_optimizer *o, const struct ps_net *net)
{
    const int64_t most = (int64_t)PS_TENSORS_MAX * net->nodes;
    struct ps_tensor *all = NULL;
    enum ps_status rc = ps_alloc(&all, most, sizeof *all, "tensors of a net");
    if (rc == PS_OK) rc = ps_alloc(&o->tensor, most + 1, sizeof *o->tensor, "tensors of a net");
    if (rc == PS_OK)
        rc = ps_alloc(&o->block, net->weights / BLOCK + most + 1, sizeof *o->block, "blocks of weights");
    const int n = rc == PS_OK ? ps_net_tensors(net, all) : 0;
    for (int i = 0; i < n; i++) {
        if (all[i].at >= net->weights) continue; /* a running mean */
        struct tensor *t = &o->tensor[o->tensors++];
        int64_t size = 1;
        for (int d = 0; d < all[i].dims; d++) size *= all[i].dim[d];
        *t = (struct tensor){all[i].at, all[i].at + size, o->blocks, all[i].dims > 1};
        for (int64_t lo = t->lo; lo < t->hi; lo += BLOCK) o->block[o->blocks++] = lo;
    }
    if (rc == PS_OK) {
        o->tensor[o->tensors] = (struct tensor){net->weights, net->weights, o->blocks, false};
        o->block[o->blocks] = net->weights;
    }
    free(all);
    return rc;
}

/* State is zeroed by the threads that will use it. */
static void begin_state(struct ps_optimizer *o, int64_t weights)
{
#pragma omp parallel for num_threads(o->team->mine) schedule(static, 1)
    for (int thread = 0; thread < o->team->mine; thread++) {
        const struct ps_range part = ps_team_part(o->team, thread, weights, LINE);
        for (int i = 0; i < o->states; i++)
            memset(o->state[i] + part.lo, 0, (size_t)(part.hi - part.lo) * sizeof(float));
    }
}

enum ps_status ps_optimizer_open(struct ps_team *team, const struct ps_net *net,
                                 const struct ps_optimizer_plan *plan, struct ps_optimizer **out)
{
    struct ps_optimizer *o = NULL;
    const int64_t stride = (net->weights + LINE - 1) / LINE * LINE;
    enum ps_status rc = ps_zalloc(&o, 1, sizeof *o, "an optimizer");
    if (rc == PS_OK) rc = cut(o, net);
    PS_TRY_DONE(ps_agree(team->comm, rc));
    o->team = team;
    o->kernels = net->kernels;
    o->plan = *plan;
    o->first = net->frozen_weights;
    o->states = ps_nn_update_states(&plan->update);
    const int64_t bytes =
        o->states * stride * (int64_t)sizeof(float) + 2 * o->blocks * (int64_t)sizeof(double);
    PS_TRY_DONE(ps_agree(team->comm, ps_shared_open(team->node, bytes, &o->memory)));
    for (int i = 0; i < o->states; i++) o->state[i] = (float *)o->memory.data + i * stride;
    for (int i = 0; i < 2; i++)
        o->squares[i] = (double *)((float *)o->memory.data + o->states * stride) + i * o->blocks;
    begin_state(o, net->weights);
    MPI_Barrier(team->node);
done:
    if (rc != PS_OK) {
        ps_optimizer_close(o);
        o = NULL;
    }
    *out = o;
    return rc;
}

void ps_optimizer_close(struct ps_optimizer *o)
{
    if (!o) return;
    ps_shared_close(&o->memory);
    free(o->tensor);
    free(o->block);
    free(o);
}

/* The first block that begins at an element or after it. */
static int64_t block_from(const struct ps_optimizer *o, int64_t at)
{
    int64_t lo = 0, hi = o->blocks;
    while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (o->block[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Sums of squares of the blocks that begin in a part, when all parts of x are final. */
static void square_blocks(const struct ps_optimizer *o, struct ps_range part, const float *x, double *squares)
{
    for (int64_t b = block_from(o, part.lo); b < o->blocks && o->block[b] < part.hi; b++)
        squares[b] = o->kernels->squares(o->block[b + 1] - o->block[b], x + o->block[b]);
}

/* Norm of blocks [lo, hi). */
static double norm_of(const double *squares, int64_t lo, int64_t hi)
{
    double sum = 0;
    for (int64_t b = lo; b < hi; b++) sum += squares[b];
    return sqrt(sum);
}

/* Sums of squares of g, and of w where layers have rates of their own, for all threads. */
static void square_all(struct ps_optimizer *o, struct ps_range part, const float *g, const float *w)
{
    ps_team_wait(o->team);
    square_blocks(o, part, g, o->squares[0]);
    if (ps_nn_update_is_layered(&o->plan.update)) square_blocks(o, part, w, o->squares[1]);
    ps_team_wait(o->team);
}

/* What a layer's rate is multiplied by. */
static double trust_of(const struct ps_optimizer *o, const struct ps_nn_update *u, int i)
{
    const struct tensor *t = &o->tensor[i];
    const double g = norm_of(o->squares[0], t->block, t[1].block);
    const double w = norm_of(o->squares[1], t->block, t[1].block);
    if (!(g > 0 && w > 0)) return 1;
    if (u->rule == PS_NN_LAMB) return w / g;
    return o->plan.trust * w / (u->scale * g + u->decay * w);
}

static void *at(float *state, int64_t lo)
{
    return state ? state + lo : NULL;
}

static void update(const struct ps_optimizer *o, const struct ps_nn_update *u, int64_t lo, int64_t hi,
                   float *g, float *w)
{
    if (lo < hi) o->kernels->update(u, hi - lo, w + lo, g + lo, at(o->state[0], lo), at(o->state[1], lo));
}

/* The same, layer by layer; `direct`: only the directions of LAMB. */
static void update_layers(const struct ps_optimizer *o, const struct ps_nn_update *all, struct ps_range part,
                          bool direct, float *g, float *w)
{
    for (int i = 0; i < o->tensors; i++) {
        const struct tensor *t = &o->tensor[i];
        const int64_t lo = t->lo > part.lo ? t->lo : part.lo, hi = t->hi < part.hi ? t->hi : part.hi;
        if (lo >= hi) continue;
        struct ps_nn_update u = *all;
        if (!t->several) u.decay = 0;
        if (direct) {
            o->kernels->direction(&u, hi - lo, w + lo, g + lo, o->state[0] + lo, o->state[1] + lo);
            continue;
        }
        u.trust = t->several && ps_nn_update_is_layered(&u) ? trust_of(o, &u, i) : 1;
        update(o, &u, lo, hi, g, w);
    }
}

void ps_optimizer_step(struct ps_optimizer *o, int thread, struct ps_range part, int64_t step, double rate,
                       float *g, float *w)
{
    const struct ps_range mine = {part.lo > o->first ? part.lo : o->first, part.hi};
    struct ps_nn_update u = o->plan.update;
    u.rate = rate;
    u.step = step;
    u.scale = u.trust = 1;
    if (o->plan.clip > 0 || u.rule == PS_NN_LARS) square_all(o, part, g, w);
    if (o->plan.clip > 0) {
        const double norm = norm_of(o->squares[0], 0, o->blocks), scale = o->plan.clip / (norm + 1e-6);
        if (scale < 1) u.scale = scale;
        if (thread == 0) o->norm = norm;
    }
    if (u.rule == PS_NN_LAMB) {
        update_layers(o, &u, mine, true, g, w);
        square_all(o, part, g, w);
    }
    if (ps_nn_update_is_layered(&u) || (o->plan.spare && u.decay > 0))
        update_layers(o, &u, mine, false, g, w);
    else
        update(o, &u, mine.lo, mine.hi, g, w);
}

int ps_optimizer_state(struct ps_optimizer *o, float **state)
{
    for (int i = 0; i < o->states; i++) state[i] = o->state[i];
    return o->states;
}

enum ps_status ps_optimizer_there(const struct ps_optimizer *o, struct ps_nn_optimizer **out)
{
    const struct ps_nn_device *d = o->kernels->device;
    struct ps_nn_tensor *tensor;
    *out = NULL;
    PS_TRY(ps_alloc(&tensor, o->tensors, sizeof *tensor, "tensors of a net"));
    for (int i = 0; i < o->tensors; i++)
        tensor[i] = (struct ps_nn_tensor){o->tensor[i].lo, o->tensor[i].hi, o->tensor[i].several};
    const struct ps_nn_optimizer_plan plan = {.update = o->plan.update,
                                              .clip = o->plan.clip,
                                              .trust = o->plan.trust,
                                              .spare = o->plan.spare,
                                              .first = o->first,
                                              .weights = o->tensor[o->tensors].lo,
                                              .tensor = tensor,
                                              .tensors = o->tensors};
    const enum ps_status rc = d->optimizer_open(&plan, out);
    free(tensor);
    PS_CHECK(rc == PS_OK, rc, "the device: %s",
             d->memory->error()[0] ? d->memory->error() : "no memory for the optimizer");
    return PS_OK;
}

double ps_optimizer_norm(const struct ps_optimizer *o)
{
    return o->norm;
}
