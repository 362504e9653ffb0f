#include "common/par/claims.h"
#include <stdlib.h>
#include "common/run/err.h"

enum ps_status ps_claims_open(MPI_Comm comm, struct ps_claims *out)
{
    struct ps_claims c = {.size = 0};
    int rank;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = PS_OK;
    if (MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &c.node) == MPI_SUCCESS) {
        MPI_Comm_rank(c.node, &c.rank);
        MPI_Comm_size(c.node, &c.size);
    } else {
        rc = ps_fail(PS_EMPI, "the ranks of a node could not be found");
    }
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(ps_agree(comm, ps_alloc(&c.member, c.size, sizeof *c.member, "the ranks of a node")));
    MPI_Allgather(&rank, 1, MPI_INT, c.member, 1, MPI_INT, c.node);
done:
    if (rc != PS_OK) ps_claims_free(&c);
    *out = c;
    return rc;
}

enum ps_status ps_claims_make(MPI_Comm comm, struct ps_claims *c, int64_t n)
{
    PS_TRY(ps_agree(comm, ps_shared_open(c->node, (n + 1) * (int64_t)sizeof *c->holder, &c->memory)));
    c->holder = c->memory.data;
    c->n = n;
    if (c->rank == 0) {
        for (int64_t i = 0; i < n; i++) c->holder[i] = PS_CLAIM_FREE;
        c->holder[n] = 0;
    }
    MPI_Barrier(c->node);
    return PS_OK;
}

void ps_claims_free(struct ps_claims *c)
{
    ps_shared_close(&c->memory);
    if (c->size > 0) MPI_Comm_free(&c->node);
    free(c->member);
    *c = (struct ps_claims){.size = 0};
}
