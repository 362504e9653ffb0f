#include "common/par/team.h"
#include <sched.h>
#include "common/run/err.h"
#include "common/run/waiting.h"

/* Looks at the gate before a core is given away, as there may be more threads than cores. */
enum { LOOKS = 2000 };

/* The ranks that share memory with this one. */
static enum ps_status find_node(MPI_Comm comm, int node_ranks, struct ps_team *t)
{
    MPI_Comm machine;
    int rank;
    if (MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks of a node could not be found");
    MPI_Comm_rank(machine, &rank);
    const int rc = MPI_Comm_split(machine, node_ranks > 0 ? rank / node_ranks : 0, rank, &t->node);
    MPI_Comm_free(&machine);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the ranks of a node could not be cut into nodes of %d", node_ranks);
    MPI_Comm_rank(t->node, &t->rank);
    MPI_Comm_size(t->node, &t->ranks);
    return PS_OK;
}

/* Nodes are in the order of their first ranks. */
static enum ps_status find_lane(MPI_Comm comm, struct ps_team *t)
{
    int rank, node;
    MPI_Comm_rank(comm, &rank);
    node = rank;
    MPI_Bcast(&node, 1, MPI_INT, 0, t->node);
    MPI_Allreduce(&t->ranks, &t->lanes, 1, MPI_INT, MPI_MIN, comm);
    if (MPI_Comm_split(comm, t->rank < t->lanes ? t->rank : MPI_UNDEFINED, node, &t->lane) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the nodes could not be counted");
    if (t->rank == 0) t->nodes = t->lane;
    return PS_OK;
}

static void count_threads(struct ps_team *t)
{
    int nodes[4] = {0}; /* how many, this one, threads of all, threads before */
    MPI_Allreduce(&t->mine, &t->threads, 1, MPI_INT, MPI_SUM, t->node);
    MPI_Exscan(&t->mine, &t->first, 1, MPI_INT, MPI_SUM, t->node);
    if (t->rank == 0) {
        t->first = 0;
        MPI_Comm_size(t->nodes, &nodes[0]);
        MPI_Comm_rank(t->nodes, &nodes[1]);
        MPI_Allreduce(&t->threads, &nodes[2], 1, MPI_INT, MPI_SUM, t->nodes);
        MPI_Exscan(&t->threads, &nodes[3], 1, MPI_INT, MPI_SUM, t->nodes);
        if (nodes[1] == 0) nodes[3] = 0;
    }
    MPI_Bcast(nodes, 4, MPI_INT, 0, t->node);
    t->count = nodes[0];
    t->index = nodes[1];
    t->all = nodes[2];
    t->before = nodes[3];
}

enum ps_status ps_team_open(MPI_Comm comm, int threads, int node_ranks, struct ps_team *out)
{
    struct ps_team t = {
        .comm = comm, .node = MPI_COMM_NULL, .lane = MPI_COMM_NULL, .nodes = MPI_COMM_NULL, .mine = threads};
    enum ps_status rc = ps_agree(comm, find_node(comm, node_ranks, &t));
    PS_TRY_DONE(rc);
    PS_TRY_DONE(ps_agree(comm, find_lane(comm, &t)));
    count_threads(&t);
    PS_TRY_DONE(ps_agree(comm, ps_shared_open(t.node, sizeof *t.gate, &t.memory)));
    t.gate = t.memory.data;
    if (t.rank == 0) *t.gate = (struct ps_team_gate){.here = 0};
    MPI_Barrier(t.node);
done:
    if (rc != PS_OK) ps_team_close(&t);
    *out = t;
    return rc;
}

void ps_team_close(struct ps_team *team)
{
    ps_shared_close(&team->memory);
    if (team->ranks > 0 && team->lane != MPI_COMM_NULL) MPI_Comm_free(&team->lane);
    if (team->ranks > 0 && team->node != MPI_COMM_NULL) MPI_Comm_free(&team->node);
    *team = (struct ps_team){.ranks = 0};
}

void ps_team_pause(int *looks)
{
    if ((*looks)++ >= LOOKS) sched_yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void ps_team_gate_wait(struct ps_team_gate *gate, int threads)
{
    const int32_t opened = __atomic_load_n(&gate->opened, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&gate->here, 1, __ATOMIC_ACQ_REL) == threads) {
        __atomic_store_n(&gate->here, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&gate->opened, opened + 1, __ATOMIC_RELEASE);
        return;
    }
    int looks = 0;
    ps_wait_begin();
    while (__atomic_load_n(&gate->opened, __ATOMIC_ACQUIRE) == opened) ps_team_pause(&looks);
    ps_wait_end();
}

void ps_team_wait(struct ps_team *team)
{
    ps_team_gate_wait(team->gate, team->threads);
}

struct ps_range ps_team_part(const struct ps_team *team, int thread, int64_t n, int64_t line)
{
    const struct ps_range lines = ps_block((n + line - 1) / line, team->threads, team->first + thread);
    const int64_t hi = lines.hi * line;
    return (struct ps_range){lines.lo * line < n ? lines.lo * line : n, hi < n ? hi : n};
}
