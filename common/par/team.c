#include "common/par/team.h"
#include <sched.h>
#include "common/run/err.h"

/* Looks at the gate before a core is given away, as there may be more threads than cores. */
enum { LOOKS = 2000 };

struct ps_team_gate {
    _Alignas(64) int32_t here;   /* threads that have come */
    _Alignas(64) int32_t opened; /* how often it was opened */
};

static enum ps_status find_nodes(MPI_Comm comm, struct ps_team *t)
{
    int rank, mine;
    MPI_Comm_rank(comm, &rank);
    if (MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &t->node) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks of a node could not be found");
    MPI_Comm_rank(t->node, &t->rank);
    MPI_Comm_size(t->node, &t->ranks);
    if (MPI_Comm_split(comm, t->rank == 0 ? 0 : MPI_UNDEFINED, rank, &t->nodes) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the nodes could not be counted");
    mine = t->rank == 0;
    MPI_Allreduce(&mine, &t->count, 1, MPI_INT, MPI_SUM, comm);
    return PS_OK;
}

enum ps_status ps_team_open(MPI_Comm comm, int threads, struct ps_team *out)
{
    struct ps_team t = {.node = MPI_COMM_NULL, .nodes = MPI_COMM_NULL};
    enum ps_status rc = ps_agree(comm, find_nodes(comm, &t));
    PS_TRY_DONE(rc);
    MPI_Allreduce(&threads, &t.threads, 1, MPI_INT, MPI_SUM, t.node);
    MPI_Exscan(&threads, &t.first, 1, MPI_INT, MPI_SUM, t.node);
    if (t.rank == 0) t.first = 0;
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
    if (team->ranks > 0 && team->nodes != MPI_COMM_NULL) MPI_Comm_free(&team->nodes);
    if (team->ranks > 0 && team->node != MPI_COMM_NULL) MPI_Comm_free(&team->node);
    *team = (struct ps_team){.ranks = 0};
}

void ps_team_wait(struct ps_team *team)
{
    struct ps_team_gate *gate = team->gate;
    const int32_t opened = __atomic_load_n(&gate->opened, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&gate->here, 1, __ATOMIC_ACQ_REL) == team->threads) {
        __atomic_store_n(&gate->here, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&gate->opened, opened + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int looks = 0; __atomic_load_n(&gate->opened, __ATOMIC_ACQUIRE) == opened; looks++) {
        if (looks >= LOOKS) sched_yield();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

struct ps_range ps_team_part(const struct ps_team *team, int thread, int64_t n, int64_t line)
{
    const struct ps_range lines = ps_block((n + line - 1) / line, team->threads, team->first + thread);
    const int64_t hi = lines.hi * line;
    return (struct ps_range){lines.lo * line < n ? lines.lo * line : n, hi < n ? hi : n};
}
