/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <omp.h>
#include "common/par/team.h"

enum { THREADS = 3, ROUNDS = 300 };

/* In each round every thread reads what all wrote in the round before. */
START_TEST(all_wait)
{
    struct ps_team team;
    struct ps_shared shared;
    int wrong = 0, rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    mck_assert(ps_team_open(MPI_COMM_WORLD, THREADS, 0, &team) == PS_OK, "open");
    mck_assert(team.threads == size * THREADS && team.first == rank * THREADS && team.count == 1,
               "%d threads from %d", team.threads, team.first);
    mck_assert(ps_shared_open(team.node, 2 * team.threads * (int64_t)sizeof(int), &shared) == PS_OK,
               "memory");
    int *slot = shared.data;
#pragma omp parallel num_threads(THREADS) reduction(+ : wrong)
    {
        const int me = team.first + omp_get_thread_num();
        for (int round = 0; round < ROUNDS; round++) {
            int *now = slot + round % 2 * team.threads;
            now[me] = round * 1000 + me;
            ps_team_wait(&team);
            for (int t = 0; t < team.threads; t++) wrong += now[t] != round * 1000 + t;
        }
    }
    mck_assert(wrong == 0, "%d values were not there", wrong);
    MPI_Barrier(MPI_COMM_WORLD);
    ps_shared_close(&shared);
    ps_team_close(&team);
}
END_TEST

/* Parts are whole lines, all elements once, none of them much longer than another. */
START_TEST(parts)
{
    struct ps_team team;
    mck_assert(ps_team_open(MPI_COMM_WORLD, THREADS, 0, &team) == PS_OK, "open");
    for (int64_t n = 0; n < 1000; n += 37) {
        struct ps_team each = team;
        int64_t at = 0;
        for (each.first = 0; each.first < each.threads; each.first++) {
            const struct ps_range part = ps_team_part(&each, 0, n, 16);
            mck_assert(part.lo == at && part.hi >= part.lo && (part.hi % 16 == 0 || part.hi == n),
                       "%lld: [%lld, %lld)", (long long)n, (long long)part.lo, (long long)part.hi);
            mck_assert(part.hi - part.lo <= n / team.threads + 32, "%lld of %lld",
                       (long long)(part.hi - part.lo), (long long)n);
            at = part.hi;
        }
        mck_assert(at == n, "%lld of %lld", (long long)at, (long long)n);
    }
    ps_team_close(&team);
}
END_TEST

/* Nodes of up to `ranks` ranks, and all threads in their order. */
static void check_nodes(int ranks)
{
    struct ps_team team;
    int rank, size, number, lane = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int threads = 1 + rank % 2; /* of this rank */
    mck_assert(ps_team_open(MPI_COMM_WORLD, threads, ranks, &team) == PS_OK, "open");
    const int node = rank / ranks * ranks, last = node + ranks < size ? node + ranks : size;
    mck_assert(team.count == (size + ranks - 1) / ranks && team.index == rank / ranks, "node %d of %d",
               team.index, team.count);
    mck_assert(team.ranks == last - node && team.rank == rank - node, "rank %d of %d", team.rank, team.ranks);
    const int smallest = size % ranks && size > ranks ? size % ranks : last - node;
    mck_assert(team.lanes == (size < ranks ? size : smallest), "%d lanes", team.lanes);
    mck_assert((team.lane == MPI_COMM_NULL) == (team.rank >= team.lanes), "lane");
    mck_assert((team.nodes == MPI_COMM_NULL) == (team.rank > 0), "nodes");
    if (team.lane != MPI_COMM_NULL) MPI_Comm_rank(team.lane, &lane);
    mck_assert(lane == (team.lane == MPI_COMM_NULL ? -1 : team.index), "%d in the lane", lane);
    MPI_Exscan(&threads, &number, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    mck_assert(team.before + team.first == (rank ? number : 0), "first thread is %d", team.first);
    MPI_Allreduce(&threads, &number, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    mck_assert(team.all == number && team.mine == threads, "%d of %d threads", team.mine, team.all);
    ps_team_close(&team);
}

START_TEST(several_nodes)
{
    for (int ranks = 1; ranks <= 4; ranks++) check_nodes(ranks);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {all_wait, parts, several_nodes, NULL};
    return mck_main(argc, argv, "team", tests);
}
