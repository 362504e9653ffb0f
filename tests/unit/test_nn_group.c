/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <omp.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/par/meet.h"
#include "common/run/err.h"
#include "kernels/rng.h"

/* Micro-batches whose batch norms have statistics in common are one batch: the same loss, gradients and
 * running means. In double precision sums in another order differ by some 1e-15 of their largest terms. */

enum { MEMBERS = 4, N = 7, OUT = 5 };
static const int64_t cut[MEMBERS] = {3, 2, 2, 0}; /* the last has no samples */

static double number(uint32_t stream, int64_t i)
{
    return 2 * ps_rng_uniform((struct ps_rng){3, stream}, i, 0) - 1;
}

/* A batch norm that two read and one that a dense layer reads, which are written out, and others, which are
 * not; one is of different size. @return the first one's node */
static int build(struct ps_net *net, bool freeze)
{
    ps_net_begin(net, &ps_nn_ref64, (struct ps_shape){6, 5, 2, false}, PS_INIT_HE, 6);
    int a = ps_net_conv_plain(net, 0, "conv1", 6, 3, 1, 1);
    const int stem = ps_net_batch_norm(net, a, "bn1", 1e-5, 0.1, PS_NN_RELU);
    a = ps_net_conv_plain(net, stem, "conv2", 9, 3, 1, 1);
    a = ps_net_batch_norm(net, a, "bn2", 1e-5, 0.1, PS_NN_RELU);
    a = ps_net_conv_plain(net, a, "conv3", 6, 1, 1, 0);
    a = ps_net_batch_norm(net, a, "bn3", 1e-5, 0.1, PS_NN_LINEAR);
    a = ps_net_sum_act(net, a, stem, PS_NN_RELU);
    a = ps_net_batch_norm(net, ps_net_pool(net, a, true, 2, 2, 0), "bn4", 1e-5, 0.1, PS_NN_TANH);
    ps_net_dense(net, a, "fc", OUT, PS_NN_LINEAR);
    if (freeze) ps_net_freeze(net, stem);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
    return stem;
}

/* Samples [from, from + n), forward and backward. @return sum of outputs, each times a number */
static double pass(const struct ps_net *net, const struct ps_net_group *group, int64_t from, int64_t n,
                   const double *w, const double *prepared, double *dw)
{
    const int64_t in = ps_shape_size(net->node[0].out);
    double x[N * 60], sum = 0;
    struct ps_net_work work;
    if (ps_net_work_make(net, n, true, &work) != PS_OK) return NAN;
    for (int64_t i = 0; i < n * in; i++) x[i] = number(1, from * in + i);
    const struct ps_net_batch batch = {.n = n, .x = x, .training = true, .group = group};
    const double *y = ps_net_forward(&work, &batch, w, prepared);
    for (int64_t i = 0; i < n * OUT; i++) sum += y[i] * number(9, from * OUT + i);
    double *dy = ps_net_output_gradient(&work);
    for (int64_t i = 0; i < n * OUT; i++) dy[i] = number(9, from * OUT + i);
    ps_net_backward(&work, &batch, w, prepared, &(struct ps_net_gradient){.dw = dw});
    ps_net_work_free(&work);
    return sum;
}

struct seat {
    struct ps_meet *m;
    int thread;
};

static const double *show(void *context, const double *mine, int64_t n)
{
    const struct seat *seat = context;
    return ps_meet_show(seat->m, seat->thread, mine, n);
}

/* All members, over the threads of all ranks. @param dw out [MEMBERS][all], sum out [MEMBERS] */
static void in_group(const struct ps_net *net, int threads, int node_ranks, const double *w,
                     const double *prepared, double *dw, double *sum)
{
    const int64_t all = net->weights + net->buffers;
    const struct ps_meet_plan plan = {MEMBERS, MEMBERS, "test", ps_net_group_most(net)};
    struct ps_team team;
    struct ps_meet *m;
    mck_assert(ps_team_open(MPI_COMM_WORLD, threads, node_ranks, &team) == PS_OK, "team");
    mck_assert(ps_meet_open(&team, &plan, &m) == PS_OK, "%s", ps_err_message());
    memset(dw, 0, (size_t)(MEMBERS * all) * sizeof *dw);
    memset(sum, 0, MEMBERS * sizeof *sum);
#pragma omp parallel num_threads(threads)
    {
        struct seat seat = {m, omp_get_thread_num()};
        const struct ps_net_group group = {MEMBERS, cut, N, show, &seat, NULL};
        const int me = ps_meet_member(m, seat.thread);
        int64_t from = 0;
        for (int i = 0; i < me; i++) from += cut[i];
        if (me >= 0 && cut[me] > 0) {
            sum[me] = pass(net, &group, from, cut[me], w, prepared, dw + me * all);
        } else if (me >= 0) {
            ps_net_group_idle(net, &group, false);
            ps_net_group_idle(net, &group, true);
        }
    }
    MPI_Allreduce(MPI_IN_PLACE, dw, (int)(MEMBERS * all), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, sum, MEMBERS, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    ps_meet_close(m);
    ps_team_close(&team);
}

static void check(bool freeze, int threads, int node_ranks)
{
    struct ps_net net;
    const int stem = build(&net, freeze);
    const int64_t all = net.weights + net.buffers;
    double *w = calloc((size_t)all, sizeof *w),
           *prepared = calloc((size_t)net.prepared + 1, sizeof *prepared);
    double *want = calloc((size_t)all, sizeof *want), *dw = calloc((size_t)(MEMBERS * all), sizeof *dw);
    double sum[MEMBERS], got = 0;
    mck_assert(!net.node[stem].unwritten && net.node[stem + 2].unwritten, "what is written out");
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    const double loss = pass(&net, NULL, 0, N, w, prepared, want);
    in_group(&net, threads, node_ranks, w, prepared, dw, sum);
    for (int i = 0; i < MEMBERS; i++) got += sum[i];
    mck_assert(fabs(got - loss) <= 1e-12 * fmax(1, fabs(loss)), "loss %.17g, not %.17g", got, loss);
    for (int64_t i = 0; i < all; i++) {
        double g = 0;
        int there = 0;
        for (int k = 0; k < MEMBERS; k++) g += dw[k * all + i], there += cut[k] > 0;
        if (i >= net.weights) g /= there; /* each says what the group's mean is */
        mck_assert(fabs(g - want[i]) <= 1e-11 * fmax(1, fabs(want[i])), "%lld of %lld: %.17g, not %.17g",
                   (long long)i, (long long)net.weights, g, want[i]);
    }
    free(w), free(prepared), free(want), free(dw);
    ps_net_free(&net);
}

START_TEST(one_batch)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int threads = (MEMBERS + size - 1) / size;
    for (int freeze = 0; freeze < 2; freeze++)
        for (int node_ranks = 0; node_ranks < 3; node_ranks++) check(freeze, threads, node_ranks);
    check(false, threads + 1, 0);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {one_batch, NULL};
    return mck_main(argc, argv, "nn_group", tests);
}
