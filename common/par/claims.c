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

/* Memory of the first rank that all of the node see. Collective over the node. */
static enum ps_status share(struct ps_claims *c, MPI_Aint bytes)
{
    void *mine;
    int unit;
    c->shared = MPI_Win_allocate_shared(c->rank == 0 ? bytes : 0, 1, MPI_INFO_NULL, c->node, &mine,
                                        &c->window) == MPI_SUCCESS;
    if (!c->shared || MPI_Win_shared_query(c->window, 0, &bytes, &unit, &c->holder) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks of a node could not share %lld bytes", (long long)bytes);
    return PS_OK;
}

enum ps_status ps_claims_make(MPI_Comm comm, struct ps_claims *c, int64_t n)
{
    const int64_t bytes = (n + 1) * (int64_t)sizeof *c->holder;
    enum ps_status rc;
    if (c->size > 1)
        rc = share(c, (MPI_Aint)bytes);
    else
        rc = ps_alloc(&c->holder, n + 1, sizeof *c->holder, "pieces of work");
    PS_TRY(ps_agree(comm, rc));
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
    if (c->shared)
        MPI_Win_free(&c->window);
    else
        free(c->holder);
    if (c->size > 0) MPI_Comm_free(&c->node);
    free(c->member);
    *c = (struct ps_claims){.size = 0};
}
