#include "common/par/grain.h"
#include <string.h>
#include "common/par/message.h"
#include "common/run/err.h"

/* The tree over grains [0, count): a node at level k covers [i 2^k, (i+1) 2^k) cut off at count. Its value is
 * left + right, or its left child's where the right child is empty. A rank's grains break into the largest
 * such nodes that lie inside them ("whole subtrees"); a node that spans ranks is added up by the rank that
 * owns its first grain. */

enum { TAG = 7101 };

struct ps_grains ps_grains_make(MPI_Comm comm, int64_t count)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    if (count <= 0) count = size;
    return (struct ps_grains){.comm = comm, .count = count, .mine = ps_block(count, size, rank)};
}

struct ps_range ps_grain_range(const struct ps_grains *g, int64_t n, int64_t grain)
{
    return ps_block(n, g->count, grain);
}

static void add(double *to, const double *from, int64_t len)
{
#pragma omp parallel for if (len > 100000)
    for (int64_t i = 0; i < len; i++) to[i] += from[i];
}

/** A node's value and the rank on the other side of its sum; MPI_PROC_NULL where there is none. */
struct partner {
    int rank;
    double *value;
};

/** One level: add the right child to the left child of every node of width 2 `half` whose halves begin here,
 * and find the (at most one) right child whose left one begins on a lower rank and the (at most one) left
 * child whose right one begins on a higher rank. A node's value lies at its first grain. */
static void add_level(const struct ps_grains *g, double *mine, int64_t len, int64_t half, struct partner *to,
                      struct partner *from)
{
    int64_t lo = g->mine.lo, hi = g->mine.hi;
    int size;
    MPI_Comm_size(g->comm, &size);
    *to = *from = (struct partner){MPI_PROC_NULL, NULL};
    if (lo == hi) return;
    for (int64_t right = (lo / (2 * half) * 2 + 1) * half; right < hi; right += 2 * half) {
        if (right < lo) continue;
        int64_t left = right - half;
        if (left >= lo)
            add(mine + (left - lo) * len, mine + (right - lo) * len, len);
        else
            *to = (struct partner){(int)ps_block_of(g->count, size, left), mine + (right - lo) * len};
    }
    int64_t left = (hi - 1) / (2 * half) * 2 * half, right = left + half; /* the last node that begins here */
    if (left >= lo && right >= hi && right < g->count)
        *from = (struct partner){(int)ps_block_of(g->count, size, right), mine + (left - lo) * len};
}

enum ps_status ps_grain_sum(const struct ps_grains *g, double *mine, int64_t len, double *sum)
{
    int rank;
    MPI_Comm_rank(g->comm, &rank);
    struct ps_message m;
    PS_TRY(ps_message_make(len * (int64_t)sizeof *sum, &m));
    int rc = MPI_SUCCESS;
    for (int64_t half = 1; half < g->count && rc == MPI_SUCCESS; half *= 2) {
        struct partner to, from;
        add_level(g, mine, len, half, &to, &from);
        /* `sum` takes what arrives: the result overwrites it at the end */
        rc = MPI_Sendrecv(to.value, to.value ? m.count : 0, m.type, to.rank, TAG, sum,
                          from.value ? m.count : 0, m.type, from.rank, TAG, g->comm, MPI_STATUS_IGNORE);
        if (rc == MPI_SUCCESS && from.value) add(from.value, sum, len);
    }
    if (rank == 0 && len > 0) memcpy(sum, mine, (size_t)len * sizeof *sum);
    if (rc == MPI_SUCCESS) rc = MPI_Bcast(sum, m.count, m.type, 0, g->comm);
    ps_message_free(&m);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the sum over %lld grains did not complete", (long long)g->count);
    return PS_OK;
}
