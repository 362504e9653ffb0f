#include "common/par/message.h"
#include <limits.h>
#include "common/run/err.h"

enum { GIANT = 1 << 30 };

enum ps_status ps_message_make(int64_t bytes, struct ps_message *out)
{
    *out = (struct ps_message){(int)bytes, MPI_BYTE};
    if (bytes <= INT_MAX) return PS_OK;
    MPI_Datatype giant, body;
    int64_t giants = bytes / GIANT;
    int rc = MPI_Type_contiguous(GIANT, MPI_BYTE, &giant);
    if (rc == MPI_SUCCESS) rc = MPI_Type_contiguous((int)giants, giant, &body);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "MPI has no type for a message of %lld bytes", (long long)bytes);
    int lengths[2] = {1, (int)(bytes % GIANT)};
    MPI_Aint at[2] = {0, (MPI_Aint)(giants * GIANT)};
    MPI_Datatype types[2] = {body, MPI_BYTE};
    rc = MPI_Type_create_struct(2, lengths, at, types, &out->type);
    if (rc == MPI_SUCCESS) rc = MPI_Type_commit(&out->type);
    MPI_Type_free(&giant);
    MPI_Type_free(&body);
    out->count = 1;
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "MPI has no type for a message of %lld bytes", (long long)bytes);
    return PS_OK;
}

void ps_message_free(struct ps_message *m)
{
    if (m->type != MPI_BYTE) MPI_Type_free(&m->type);
}
