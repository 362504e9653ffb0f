/* ranks: 1 2 3 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/nn/gradients.h"
#include "common/nn/optimizer.h"
#include "kernels/rng.h"

enum { STEPS = 4, MOST = 8000 };

static float number(uint32_t stream, int64_t i)
{
    return (float)(2 * ps_rng_uniform((struct ps_rng){5, stream}, i, 0) - 1);
}

/* Layers with biases, and one whose weights have one dimension; one layer is longer than a block of sums. */
static void make_net(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){1, 1, 31, false}, PS_INIT_TORCH, 5);
    int a = ps_net_dense(net, 0, "fc1", 21, PS_NN_RELU);
    a = ps_net_layer_norm(net, a, "norm", 1e-5);
    ps_net_dense(net, a, "fc2", 301, PS_NN_LINEAR);
    ck_assert(ps_net_end(net) == PS_OK && net->weights <= MOST);
}

/* Weights after STEPS steps. @param out [weights] @return norm of the last gradient */
static double train(MPI_Comm comm, int threads, int node_ranks, const struct ps_net *net,
                    const struct ps_optimizer_plan *plan, float *out)
{
    const int64_t n = net->weights;
    struct ps_team team;
    struct ps_shared shared;
    struct ps_optimizer *o;
    int bad = ps_team_open(comm, threads, node_ranks, &team) != PS_OK;
    bad += ps_shared_open(team.node, 2 * MOST * (int64_t)sizeof(float), &shared) != PS_OK;
    bad += ps_optimizer_open(&team, net, plan, &o) != PS_OK;
    mck_assert(bad == 0, "open");
    float *w = shared.data, *g = w + MOST;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++) {
        struct ps_range part = ps_team_part(&team, thread, n + PS_GRADIENT_EXTRA, 16);
        if (part.hi > n) part.hi = n;
        for (int64_t i = part.lo; i < part.hi; i++) w[i] = number(1, i);
        for (int step = 1; step <= STEPS; step++) {
            for (int64_t i = part.lo; i < part.hi; i++) g[i] = number(1 + (uint32_t)step, i);
            ps_optimizer_step(o, thread, part, step, plan->update.rate / step, g, w);
            ps_team_wait(&team);
        }
    }
    const double norm = ps_optimizer_norm(o);
    memcpy(out, w, (size_t)n * sizeof *out);
    ps_optimizer_close(o);
    ps_shared_close(&shared);
    ps_team_close(&team);
    return norm;
}

static double norm_of(const double *x, int64_t lo, int64_t hi)
{
    double sum = 0;
    for (int64_t i = lo; i < hi; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* The same in double precision, from the papers. State: a, b. */
static void layer_step(const struct ps_optimizer_plan *p, double rate, double scale, int step, bool several,
                       int64_t lo, int64_t hi, double *w, double *g, double *a, double *b)
{
    const struct ps_nn_update *u = &p->update;
    const double decay = several ? u->decay : 0, clip = scale * norm_of(g, lo, hi), size = norm_of(w, lo, hi);
    const double trust = several ? p->trust * size / (clip + decay * size) : 1;
    for (int64_t i = lo; i < hi; i++) g[i] *= scale;
    if (u->rule == PS_NN_LARS) {
        for (int64_t i = lo; i < hi; i++) {
            a[i] = u->momentum * a[i] + rate * trust * (g[i] + decay * w[i]);
            w[i] -= a[i];
        }
        return;
    }
    for (int64_t i = lo; i < hi; i++) {
        a[i] = u->beta1 * a[i] + (1 - u->beta1) * g[i];
        b[i] = u->beta2 * b[i] + (1 - u->beta2) * g[i] * g[i];
        g[i] = a[i] / (1 - pow(u->beta1, step)) / (sqrt(b[i] / (1 - pow(u->beta2, step))) + u->eps) +
               decay * w[i];
    }
    const double ratio = several ? size / norm_of(g, lo, hi) : 1;
    for (int64_t i = lo; i < hi; i++) w[i] -= rate * ratio * g[i];
}

static double train64(const struct ps_net *net, const struct ps_optimizer_plan *p, double *w)
{
    static double g[MOST], a[MOST], b[MOST];
    const bool layered = p->update.rule == PS_NN_LARS || p->update.rule == PS_NN_LAMB;
    struct ps_tensor tensor[PS_TENSORS_MAX * 8];
    const int64_t n = net->weights;
    const int tensors = ps_net_tensors(net, tensor);
    double norm = 0;
    memset(a, 0, sizeof a), memset(b, 0, sizeof b);
    for (int64_t i = 0; i < n; i++) w[i] = number(1, i);
    for (int step = 1; step <= STEPS; step++) {
        for (int64_t i = 0; i < n; i++) g[i] = number(1 + (uint32_t)step, i);
        norm = norm_of(g, 0, n);
        const double clip = p->clip / (norm + 1e-6), scale = p->clip > 0 && clip < 1 ? clip : 1;
        struct ps_nn_update u = p->update;
        u.rate /= step;
        u.step = step;
        u.scale = scale;
        for (int i = 0; i < tensors && layered; i++) {
            const int64_t hi = i + 1 < tensors ? tensor[i + 1].at : n;
            layer_step(p, u.rate, scale, step, tensor[i].dims > 1, tensor[i].at, hi, w, g, a, b);
        }
        for (int i = 0; i < tensors && !layered; i++) {
            const int64_t lo = tensor[i].at, hi = i + 1 < tensors ? tensor[i + 1].at : n;
            struct ps_nn_update here = u;
            if (p->spare && tensor[i].dims == 1) here.decay = 0;
            ps_nn_ref64.update(&here, hi - lo, w + lo, g + lo, a + lo, b + lo);
        }
    }
    return p->clip > 0 ? norm : 0;
}

static const struct ps_optimizer_plan plans[] = {
    {.update = {.rule = PS_NN_SGD, .rate = 0.1}},
    {.update = {.rule = PS_NN_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.01}, .clip = 3},
    {.update = {.rule = PS_NN_SGD, .rate = 0.1, .momentum = 0.9, .nesterov = true}, .clip = 1e6},
    {.update = {.rule = PS_NN_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6}, .clip = 1},
    {.update = {.rule = PS_NN_ADAMW, .rate = 0.01, .decay = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6}},
    {.update = {.rule = PS_NN_RMSPROP, .rate = 0.01, .beta2 = 0.9, .momentum = 0.5, .eps = 1e-6}},
    {.update = {.rule = PS_NN_LARS, .rate = 0.5, .momentum = 0.9, .decay = 0.01}, .trust = 0.02},
    {.update = {.rule = PS_NN_LARS, .rate = 0.5, .momentum = 0.9, .decay = 0.01}, .trust = 0.02, .clip = 2},
    {.update = {.rule = PS_NN_LAMB, .rate = 0.05, .decay = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6}},
    {.update = {.rule = PS_NN_LAMB, .rate = 0.05, .decay = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6},
     .clip = 1},
    {.update = {.rule = PS_NN_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.1}, .spare = true},
    {.update = {.rule = PS_NN_ADAMW, .rate = 0.01, .decay = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6},
     .spare = true,
     .clip = 1},
};
enum { PLANS = sizeof plans / sizeof *plans };

/* Some ten roundings a step of 2^-24 of numbers up to 4: 1e-5, as in test_nn_update. Norms have far less:
 * their sums are in double precision, or of blocks of 256 squares of one sign, with an error within 2^-16. */
START_TEST(right_weights)
{
    static float have[MOST];
    static double want[MOST];
    struct ps_net net;
    make_net(&net);
    for (int k = 0; k < PLANS; k++) {
        const double norm = train(MPI_COMM_SELF, 1, 0, &net, &plans[k], have);
        const double norm64 = train64(&net, &plans[k], want);
        ck_assert_msg(fabs(norm - norm64) <= exp2(-16) * norm64, "plan %d: norm %g, not %g", k, norm, norm64);
        for (int64_t i = 0; i < net.weights; i++)
            ck_assert_msg(fabs(have[i] - want[i]) <= 1e-5, "plan %d: weight %lld is %.9g, not %.9g", k,
                          (long long)i, have[i], want[i]);
    }
    ps_net_free(&net);
}
END_TEST

START_TEST(same_bits)
{
    static float have[MOST], want[MOST];
    struct ps_net net;
    make_net(&net);
    for (int k = 0; k < PLANS; k++) {
        const double norm = train(MPI_COMM_SELF, 1, 0, &net, &plans[k], want);
        for (int threads = 1; threads <= 3; threads++)
            for (int ranks = 0; ranks <= 2; ranks++) {
                const double here = train(MPI_COMM_WORLD, threads, ranks, &net, &plans[k], have);
                mck_assert(here == norm, "plan %d: norm %.17g, not %.17g", k, here, norm);
                mck_assert(memcmp(have, want, (size_t)net.weights * sizeof *have) == 0,
                           "plan %d has other bits with %d threads, nodes of %d", k, threads, ranks);
            }
    }
    ps_net_free(&net);
}
END_TEST

/* State is zero at the beginning, and there are as many vectors as the rule has. */
START_TEST(states)
{
    static const int want[PLANS] = {0, 1, 1, 2, 2, 2, 1, 1, 2, 2, 1, 2};
    struct ps_net net;
    struct ps_team team;
    make_net(&net);
    mck_assert(ps_team_open(MPI_COMM_WORLD, 2, 0, &team) == PS_OK, "team");
    for (int k = 0; k < PLANS; k++) {
        struct ps_optimizer *o;
        float *state[2];
        double sum = 0;
        mck_assert(ps_optimizer_open(&team, &net, &plans[k], &o) == PS_OK, "open");
        const int states = ps_optimizer_state(o, state);
        for (int s = 0; s < states; s++)
            for (int64_t i = 0; i < net.weights; i++) sum += fabs(state[s][i]);
        mck_assert(states == want[k] && sum == 0, "plan %d: %d states of %g", k, states, sum);
        ps_optimizer_close(o);
    }
    ps_team_close(&team);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {right_weights, same_bits, states, NULL};
    return mck_main(argc, argv, "nn_optimizer", tests);
}
