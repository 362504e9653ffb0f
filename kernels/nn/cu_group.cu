#include "kernels/nn/cu.h"

/* Batch norms of several ranks. A rank shows [2][channels] numbers and behind them how many rows they are of;
 * a few KiB go to each other rank of the group. */

enum { THREADS = 256 };

static unsigned blocks_of(int64_t n)
{
    return (unsigned)((n + THREADS - 1) / THREADS);
}

/* One that has no rows shows zeros. */
static __global__ void show(int64_t n, double rows, const double *mine, double *to)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < n) to[i] = rows > 0 ? mine[i] : 0;
    if (i == n) to[n] = rows;
}

/* As common/nn/op_batch_norm joins them: in the order of ranks (Chan, Golub, LeVeque 1979). */
static __global__ void join_moments(int members, int64_t channels, const double *shown, double *moments)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    double before = 0, mean = 0, squares = 0;
    if (i >= channels) return;
    for (int m = 0; m < members; m++, shown += 2 * channels + 1) {
        const double rows = shown[2 * channels], all = before + rows, d = shown[i] - mean;
        if (rows == 0) continue;
        mean += d * (rows / all);
        squares += shown[channels + i] + d * d * (before * rows / all);
        before = all;
    }
    moments[i] = mean;
    moments[channels + i] = squares;
}

static __global__ void join_sums(int members, int64_t channels, const double *shown, double *sums)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    double sum = 0;
    if (i >= 2 * channels) return;
    for (int m = 0; m < members; m++) sum += shown[m * (2 * channels + 1) + i];
    sums[i] = sum;
}

void ps_nn_group_cu(const struct ps_nn_group *g, bool moments, int64_t channels, double rows, double *x)
{
    const int64_t n = 2 * channels;
    double *const own = g->shown + g->member * (n + 1);
    PS_LAUNCH(show, blocks_of(n + 1), THREADS, 0, n, rows, x, own);
    ps_nn_device_cu.after(PS_NN_EXCHANGE, PS_NN_COMPUTE);
    ps_nn_device_cu.use(PS_NN_EXCHANGE);
    ps_nn_gather_cu(g->members, g->member, n + 1, g->shown);
    ps_nn_device_cu.use(PS_NN_COMPUTE);
    ps_nn_device_cu.after(PS_NN_COMPUTE, PS_NN_EXCHANGE);
    if (rows == 0) return;
    if (moments)
        PS_LAUNCH(join_moments, blocks_of(channels), THREADS, 0, g->members, channels, g->shown, x);
    else
        PS_LAUNCH(join_sums, blocks_of(n), THREADS, 0, g->members, channels, g->shown, x);
}
