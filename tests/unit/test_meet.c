/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <omp.h>
#include <string.h>
#include "common/par/meet.h"
#include "common/run/err.h"

enum { THREADS = 2, ROUNDS = 60, MOST = 50 };

/* What thread `number` shows in a round; 0: nothing. */
static double shown(int64_t number, int round, int64_t i)
{
    return (number + round) % 5 == 0 ? 0 : (double)(1000 * number + round) + 1. / (double)(i + 1);
}

/* Rounds of changing lengths, groups beside each other. @return numbers that are wrong */
static int rounds(struct ps_meet *m, const struct ps_team *team, int thread, int64_t each)
{
    const int64_t number = team->before + team->first + thread, first = number / each * each;
    int wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t n = 1 + 7 * round % MOST;
        double mine[MOST];
        for (int64_t i = 0; i < n; i++) mine[i] = shown(number, round, i);
        const double *all = ps_meet_show(m, thread, mine[0] == 0 ? NULL : mine, n);
        for (int64_t k = 0; k < each; k++)
            for (int64_t i = 0; i < n; i++) wrong += all[k * n + i] != shown(first + k, round, i);
    }
    return wrong;
}

static void check(int node_ranks, int64_t threads, int64_t each)
{
    struct ps_team team;
    struct ps_meet *m;
    const struct ps_meet_plan plan = {threads, each, "test", MOST};
    int wrong = 0;
    mck_assert(ps_team_open(MPI_COMM_WORLD, THREADS, node_ranks, &team) == PS_OK, "team");
    mck_assert(ps_meet_open(&team, &plan, &m) == PS_OK, "%s", ps_err_message());
#pragma omp parallel num_threads(THREADS) reduction(+ : wrong)
    {
        const int thread = omp_get_thread_num();
        const int64_t number = team.before + team.first + thread;
        wrong += ps_meet_member(m, thread) != (number < threads ? number % each : -1);
        if (number < threads) wrong += rounds(m, &team, thread, each);
    }
    mck_assert(wrong == 0, "%lld threads in groups of %lld, nodes of %d: %d numbers are wrong",
               (long long)threads, (long long)each, node_ranks, wrong);
    ps_meet_close(m);
    ps_team_close(&team);
}

/* One node: groups of any threads. */
START_TEST(within)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int64_t all = THREADS * size;
    for (int64_t each = 1; each <= all; each++)
        for (int64_t threads = each; threads <= all; threads += each) check(0, threads, each);
}
END_TEST

/* Each rank a node: groups of a node's threads, of whole ones, and of one that has idle threads. */
START_TEST(across)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int64_t all = THREADS * size;
    check(1, all, 1);
    check(1, all, THREADS);
    check(1, all, all);
    check(1, all - 1, all - 1);
    check(1, THREADS, THREADS);
    if (size == 4) check(1, all, all / 2), check(2, all, all), check(3, all, all);
    if (size == 4) check(1, all / 2, all / 2);
}
END_TEST

START_TEST(refused)
{
    struct ps_team team;
    struct ps_meet *m;
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size < 3) return;
    mck_assert(ps_team_open(MPI_COMM_WORLD, THREADS, 1, &team) == PS_OK, "team");
    const struct ps_meet_plan plan = {6, 3, "test", MOST};
    mck_assert(ps_meet_open(&team, &plan, &m) == PS_EUSAGE && !m, "a node has part of each of two groups");
    mck_assert(strstr(ps_err_message(), "one node has members 2 to 3"), "%s", ps_err_message());
    ps_err_clear();
    ps_team_close(&team);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {within, across, refused, NULL};
    return mck_main(argc, argv, "meet", tests);
}
