#include "common/par/network.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { SMALL = 200, LARGE = 7 };

double ps_network_allreduce(const struct ps_network *network, int64_t nodes, int64_t bytes)
{
    const double steps = 2 * (double)(nodes - 1), part = (double)bytes / (double)nodes;
    return nodes > 1 ? steps * (network->latency + part / network->bandwidth) : 0;
}

/* Seconds of one allreduce of n floats, on the rank that waits longest. */
static double seconds(MPI_Comm comm, float *x, int n)
{
    MPI_Barrier(comm);
    double start = MPI_Wtime(), took, longest;
    MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_FLOAT, MPI_SUM, comm);
    took = MPI_Wtime() - start;
    MPI_Allreduce(&took, &longest, 1, MPI_DOUBLE, MPI_MAX, comm);
    return longest;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum ps_status ps_network_measure(MPI_Comm comm, int64_t bytes, struct ps_network *out)
{
    double small = 1, large[LARGE];
    float *x;
    int ranks;
    if (bytes > INT_MAX) bytes = INT_MAX;
    const int n = (int)(bytes / (int64_t)sizeof *x);
    MPI_Comm_size(comm, &ranks);
    PS_TRY(ps_agree(comm, ps_alloc(&x, n > 0 ? n : 1, sizeof *x, "measuring the network")));
    memset(x, 0, (size_t)(n > 0 ? n : 1) * sizeof *x);
    for (int i = 0; i < SMALL; i++) {
        const double s = seconds(comm, x, 1);
        if (s < small) small = s;
    }
    for (int i = 0; i < LARGE; i++) large[i] = seconds(comm, x, n);
    free(x);
    qsort(large, LARGE, sizeof *large, ascending);
    const double steps = 2 * (double)(ranks - 1), most = large[LARGE / 2];
    out->latency = small / steps;
    /* what the clock cannot tell apart from the latency is no time of sending */
    const double sending = most > small ? most - small : most;
    out->bandwidth = steps * (double)n * sizeof *x / (double)ranks / (sending > 0 ? sending : 1e-9);
    return PS_OK;
}
