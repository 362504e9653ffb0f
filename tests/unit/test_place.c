/* ranks: 1 2 3 */
#include "mpicheck.h"
#include "common/par/place.h"
#include <sched.h>

/** Bind this process to the first `cores` cores that it may use, beginning with number `skip` of them. */
static int bind_to(const cpu_set_t *all, int skip, int cores)
{
    cpu_set_t want;
    CPU_ZERO(&want);
    for (int c = 0; c < CPU_SETSIZE && cores > 0; c++)
        if (CPU_ISSET(c, all) && skip-- <= 0) CPU_SET(c, &want), cores--;
    return cores == 0 && sched_setaffinity(0, sizeof want, &want) == 0;
}

START_TEST(one_node)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct ps_place p = ps_place_find(MPI_COMM_WORLD);
    mck_assert(p.nodes >= 1 && p.node_size >= 1 && p.node_rank < p.node_size, "node");
    if (p.nodes == 1) mck_assert(p.node_rank == rank && p.node_size == size, "all ranks on one node");
    mck_assert(p.cores >= 1, "cores %d", p.cores);
    mck_assert(ps_place_gpu(&p, 0) == -1 && ps_place_gpu(&p, 1) == 0 &&
                   ps_place_gpu(&p, 4) == p.node_rank % 4,
               "GPU");
}
END_TEST

START_TEST(shared_cores)
{
    cpu_set_t all;
    int size, any;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    sched_getaffinity(0, sizeof all, &all);
    int room = CPU_COUNT(&all) >= 2;
    MPI_Allreduce(&room, &any, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!any) return; /* a test of sharing needs two cores */
    mck_assert(bind_to(&all, 0, 2), "bind to two cores");
    int shared = ps_place_find(MPI_COMM_WORLD).cores;
    mck_assert(bind_to(&all, 0, 1), "bind to one core");
    int one = ps_place_find(MPI_COMM_WORLD).cores;
    sched_setaffinity(0, sizeof all, &all);
    mck_assert(shared == (size >= 2 ? 1 : 2), "%d ranks on two cores: %d each", size, shared);
    mck_assert(one == 1, "%d ranks on one core: %d each", size, one);
}
END_TEST

START_TEST(own_cores)
{
    cpu_set_t all;
    int rank, size, any;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    sched_getaffinity(0, sizeof all, &all);
    int room = CPU_COUNT(&all) >= size;
    MPI_Allreduce(&room, &any, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!any) return;
    mck_assert(bind_to(&all, rank, 1), "bind to an own core");
    int own = ps_place_find(MPI_COMM_WORLD).cores;
    sched_setaffinity(0, sizeof all, &all);
    mck_assert(own == 1, "one core each: %d", own);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {one_node, shared_cores, own_cores, NULL};
    return mck_main(argc, argv, "place", tests);
}
