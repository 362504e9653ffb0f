#include "common/par/meet.h"
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/** A thread of this rank. */
struct seat {
    _Alignas(64) int group; /* of those of the node */
    int member;             /* -1: in none */
    int64_t turns;
};

struct ps_meet {
    struct ps_team *team;
    int64_t each, most;
    struct ps_range here; /* threads of this node that are in groups, as all nodes number them */
    int64_t first;        /* group of the node */
    int groups;           /* that have threads on it */
    bool wide;            /* its only group is of several nodes */
    struct ps_shared memory;
    struct ps_team_gate *gate; /* [groups] */
    double *numbers;           /* [groups][2][each][most] */
    struct seat *seat;         /* [own threads]; owned */

    /* on the first rank of a node whose group is wide; else MPI_COMM_NULL */
    MPI_Comm nodes;
    int *members, *count, *at; /* [nodes of the group] its threads; numbers of a call, and where they begin;
                                  owned as one */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Threads of this node that are in a group of the node. */
static int members_here(const struct ps_meet *m, int group)
{
    const int64_t lo = (m->first + group) * m->each, hi = lo + m->each;
    return (int)(least(hi, m->here.hi) - (lo > m->here.lo ? lo : m->here.lo));
}

static enum ps_status find_groups(struct ps_meet *m, const struct ps_meet_plan *plan)
{
    const int64_t threads = plan->threads;
    const struct ps_team *team = m->team;
    m->here = (struct ps_range){least(team->before, threads), least(team->before + team->threads, threads)};
    if (m->here.lo == m->here.hi) return PS_OK;
    const int64_t end = (m->here.hi - 1) / m->each + 1;
    m->first = m->here.lo / m->each;
    m->groups = (int)(end - m->first);
    m->wide = m->groups == 1 && m->here.hi - m->here.lo < m->each;
    PS_CHECK(m->wide || (m->first * m->each == m->here.lo && end * m->each == m->here.hi), PS_EUSAGE,
             "%s %lld: groups have to be within nodes or of whole nodes, and one node has members %lld to "
             "%lld; take what divides the members of a node, or a multiple of them",
             plan->what, (long long)m->each, (long long)m->here.lo, (long long)m->here.hi - 1);
    return PS_OK;
}

/* First ranks of nodes whose groups are wide find each other. Collective over the team's `nodes`. */
static enum ps_status find_nodes(struct ps_meet *m)
{
    if (m->team->rank != 0) return PS_OK;
    int size = 0, here = (int)(m->here.hi - m->here.lo);
    const int rc =
        MPI_Comm_split(m->team->nodes, m->wide ? (int)m->first : MPI_UNDEFINED, m->team->index, &m->nodes);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the nodes of a group of threads could not be found");
    if (!m->wide) return PS_OK;
    MPI_Comm_size(m->nodes, &size);
    m->count = m->members + size;
    m->at = m->count + size;
    MPI_Allgather(&here, 1, MPI_INT, m->members, 1, MPI_INT, m->nodes);
    return PS_OK;
}

static void set_seats(struct ps_meet *m)
{
    const struct ps_team *team = m->team;
    for (int i = 0; i < team->mine; i++) {
        const int64_t number = team->before + team->first + i;
        const bool in = number < m->here.hi;
        m->seat[i] = (struct seat){.group = in ? (int)(number / m->each - m->first) : 0,
                                   .member = in ? (int)(number % m->each) : -1};
    }
}

enum ps_status ps_meet_open(struct ps_team *team, const struct ps_meet_plan *plan, struct ps_meet **out)
{
    struct ps_meet *m = NULL;
    enum ps_status rc = ps_agree(team->comm, ps_zalloc(&m, 1, sizeof *m, "groups of threads"));
    PS_TRY_DONE(rc);
    *m = (struct ps_meet){.team = team, .each = plan->each, .most = plan->most, .nodes = MPI_COMM_NULL};
    rc = find_groups(m, plan);
    if (rc == PS_OK) rc = ps_alloc(&m->seat, team->mine, sizeof *m->seat, "groups of threads");
    if (rc == PS_OK)
        rc = ps_alloc(&m->members, 3 * (int64_t)team->count, sizeof *m->members, "groups of threads");
    PS_TRY_DONE(ps_agree(team->comm, rc));
    PS_TRY_DONE(ps_agree(team->comm, find_nodes(m)));
    const int64_t gates = (m->groups + 1) * (int64_t)sizeof *m->gate;
    const int64_t numbers = m->groups * 2 * m->each * m->most * (int64_t)sizeof *m->numbers;
    PS_TRY_DONE(ps_agree(team->comm, ps_shared_open(team->node, gates + numbers, &m->memory)));
    m->gate = m->memory.data;
    m->numbers = (double *)(m->gate + m->groups + 1);
    for (int i = 0; i < m->groups && team->rank == 0; i++) m->gate[i] = (struct ps_team_gate){.here = 0};
    set_seats(m);
    MPI_Barrier(team->node);
done:
    if (rc != PS_OK) {
        ps_meet_close(m);
        m = NULL;
    }
    *out = m;
    return rc;
}

void ps_meet_close(struct ps_meet *m)
{
    if (!m) return;
    ps_shared_close(&m->memory);
    if (m->nodes != MPI_COMM_NULL) MPI_Comm_free(&m->nodes);
    free(m->members);
    free(m->seat);
    free(m);
}

int ps_meet_member(const struct ps_meet *m, int thread)
{
    return m->seat[thread].member;
}

/* The numbers of other nodes. */
static void gather(const struct ps_meet *m, double *all, int64_t n)
{
    int size, at = 0;
    MPI_Comm_size(m->nodes, &size);
    for (int i = 0; i < size; i++) {
        m->count[i] = m->members[i] * (int)n;
        m->at[i] = at;
        at += m->count[i];
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, m->count, m->at, MPI_DOUBLE, m->nodes);
}

/* Of two arrays that take turns one may be written to while the other is read: who comes to write there again
 * has passed a gate that all readers had come to. */
const double *ps_meet_show(struct ps_meet *m, int thread, const double *mine, int64_t n)
{
    struct seat *seat = &m->seat[thread];
    struct ps_team_gate *gate = &m->gate[seat->group];
    double *all = m->numbers + (2 * seat->group + seat->turns++ % 2) * m->each * m->most;
    double *own = all + seat->member * n;
    const int here = members_here(m, seat->group);
    if (mine)
        memcpy(own, mine, (size_t)n * sizeof *own);
    else
        memset(own, 0, (size_t)n * sizeof *own);
    ps_team_gate_wait(gate, here);
    if (!m->wide) return all;
    if (m->team->rank == 0 && thread == 0) gather(m, all, n);
    ps_team_gate_wait(gate, here);
    return all;
}
