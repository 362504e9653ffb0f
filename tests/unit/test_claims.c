/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "common/par/claims.h"
#include <stdlib.h>

enum { N = 10007 };

/* Every piece goes to exactly one rank and thread, whoever they are. */
START_TEST(each_once)
{
    struct ps_claims c;
    int *taken = calloc(N, sizeof *taken), *all = calloc(N, sizeof *all), size, right = 1;
    int64_t last = 0, most;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    mck_assert(ps_claims_open(MPI_COMM_WORLD, &c) == PS_OK, "open");
    mck_assert(c.size == size && c.member[c.rank] == c.rank, "all ranks of the test are on one node");
    mck_assert(ps_claims_make(MPI_COMM_WORLD, &c, N) == PS_OK, "make");
#pragma omp parallel for num_threads(3) schedule(dynamic, 1) reduction(max : last)
    for (int i = 0; i < N; i++) {
        if (!ps_claims_take(&c, i)) continue;
        taken[i]++;
        const int64_t done = ps_claims_done(&c, i);
        if (done > last) last = done;
    }
    MPI_Allreduce(taken, all, N, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(&last, &most, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
    for (int i = 0; i < N; i++) right = right && all[i] == 1 && ps_claims_holder(&c, i) == PS_CLAIM_DONE;
    mck_assert(right, "a piece was done by none or by several");
    mck_assert(most == N, "%lld of %d pieces were counted", (long long)most, N);
    ps_claims_free(&c);
    free(taken), free(all);
}
END_TEST

/* What is given back can be taken by another. */
START_TEST(returned)
{
    struct ps_claims c;
    mck_assert(ps_claims_open(MPI_COMM_WORLD, &c) == PS_OK, "open");
    mck_assert(ps_claims_make(MPI_COMM_WORLD, &c, 1) == PS_OK, "make");
    for (int turn = 0; turn < c.size; turn++) {
        const bool mine = turn != c.rank || ps_claims_take(&c, 0);
        MPI_Barrier(c.node);
        mck_assert(mine && ps_claims_holder(&c, 0) == turn, "rank %d cannot take what is free", turn);
        mck_assert(!ps_claims_take(&c, 0), "taken twice");
        if (turn == c.rank) ps_claims_return(&c, 0);
        MPI_Barrier(c.node);
    }
    mck_assert(ps_claims_holder(&c, 0) == PS_CLAIM_FREE, "not free at the end");
    ps_claims_free(&c);
}
END_TEST

START_TEST(nothing)
{
    struct ps_claims none = {.size = 0}, c;
    ps_claims_free(&none);
    mck_assert(ps_claims_open(MPI_COMM_WORLD, &c) == PS_OK, "open");
    ps_claims_free(&c); /* before there are claims */
    mck_assert(ps_claims_open(MPI_COMM_WORLD, &c) == PS_OK, "open");
    mck_assert(ps_claims_make(MPI_COMM_WORLD, &c, 0) == PS_OK && c.n == 0, "no pieces");
    ps_claims_free(&c);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {each_once, returned, nothing, NULL};
    return mck_main(argc, argv, "claims", tests);
}
