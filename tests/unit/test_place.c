/* ranks: 1 2 3 */
#include "mpicheck.h"
#include "common/par/place.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>

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

/** What a thread finds: the mask it begins with, and that after it was let go. */
struct masks {
    struct ps_cores cores, begin, end;
};

static void *go(void *context)
{
    struct masks *m = context;
    sched_getaffinity(0, sizeof m->begin.word, (cpu_set_t *)m->begin.word);
    ps_place_thread(&m->cores);
    sched_getaffinity(0, sizeof m->end.word, (cpu_set_t *)m->end.word);
    return NULL;
}

/* A thread that inherits one core of two runs on both, and the one that started it stays. */
START_TEST(let_go)
{
    cpu_set_t all;
    pthread_t thread;
    struct masks m = {.cores = ps_place_cores()};
    sched_getaffinity(0, sizeof all, &all);
    if (CPU_COUNT(&all) < 2) return;
    mck_assert(memcmp(&all, &m.cores, sizeof all) == 0, "without places, the mask");
    mck_assert(bind_to(&all, 1, 1), "bind to one core");
    const struct ps_cores one = ps_place_cores();
    const int started = pthread_create(&thread, NULL, go, &m) == 0;
    if (started) pthread_join(thread, NULL);
    const struct ps_cores after = ps_place_cores();
    sched_setaffinity(0, sizeof all, &all);
    mck_assert(started && memcmp(&m.begin, &one, sizeof one) == 0, "inherited");
    mck_assert(memcmp(&m.end, &m.cores, sizeof one) == 0, "all cores");
    mck_assert(memcmp(&after, &one, sizeof one) == 0, "others stay");
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {one_node, shared_cores, own_cores, let_go, NULL};
    return mck_main(argc, argv, "place", tests);
}
