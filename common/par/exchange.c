#include "common/par/exchange.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/message.h"
#include "common/run/err.h"

enum { TAG = 7102 };

enum ps_status ps_exchange_make(MPI_Comm comm, const int64_t *send_count, struct ps_exchange *out)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    int64_t *all;
    *out = (struct ps_exchange){.comm = comm, .rank = rank, .size = size};
    enum ps_status rc = ps_alloc(&all, 4 * (int64_t)size + 2, sizeof *all, "the plan of an exchange");
    if (rc == PS_OK)
        rc = ps_alloc(&out->request, 2 * (int64_t)size, sizeof *out->request, "the messages of an exchange");
    out->send_count = all;
    rc = ps_agree(comm, rc);
    if (rc != PS_OK) {
        ps_exchange_free(out);
        return rc;
    }
    out->recv_count = all + size;
    out->send_start = all + 2 * (int64_t)size;
    out->recv_start = out->send_start + size + 1;
    memcpy(out->send_count, send_count, (size_t)size * sizeof *all);
    int mpi = MPI_Alltoall(out->send_count, 1, MPI_INT64_T, out->recv_count, 1, MPI_INT64_T, comm);
    out->send_start[0] = out->recv_start[0] = 0;
    for (int r = 0; r < size; r++) {
        out->send_start[r + 1] = out->send_start[r] + out->send_count[r];
        out->recv_start[r + 1] = out->recv_start[r] + out->recv_count[r];
    }
    if (mpi == MPI_SUCCESS) return PS_OK;
    ps_exchange_free(out);
    return ps_fail(PS_EMPI, "the ranks could not tell each other how much they send");
}

void ps_exchange_free(struct ps_exchange *x)
{
    free(x->send_count); /* the head of all four arrays */
    free(x->request);
    *x = (struct ps_exchange){.comm = MPI_COMM_NULL};
}

/** One direction of a plan. */
struct side {
    const int64_t *count, *start;
    char *data;
    int64_t absent; /* items of the own part, where data does not hold them */
};

/** Post one message per rank that has a part in `s`, nearest ranks first so that not everyone turns to rank 0
 * at once. */
static enum ps_status post(const struct ps_exchange *x, const struct side *s, size_t item, bool send,
                           int *posted)
{
    for (int step = 1; step < x->size; step++) {
        int peer = (send ? x->rank + step : x->rank - step + x->size) % x->size;
        if (s->count[peer] == 0) continue;
        struct ps_message m;
        PS_TRY(ps_message_make(s->count[peer] * (int64_t)item, &m));
        char *at = s->data + (size_t)(s->start[peer] - (peer > x->rank ? s->absent : 0)) * item;
        int rc = send ? MPI_Isend(at, m.count, m.type, peer, TAG, x->comm, x->request + *posted)
                      : MPI_Irecv(at, m.count, m.type, peer, TAG, x->comm, x->request + *posted);
        ps_message_free(&m);
        PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "no message can be exchanged with rank %d", peer);
        ++*posted;
    }
    return PS_OK;
}

static enum ps_status move(const struct ps_exchange *x, struct side from, struct side to, size_t item)
{
    int posted = 0;
    enum ps_status rc = post(x, &to, item, false, &posted);
    if (rc == PS_OK) rc = post(x, &from, item, true, &posted);
    if (rc == PS_OK && from.count[x->rank] > from.absent)
        memcpy(to.data + (size_t)to.start[x->rank] * item, from.data + (size_t)from.start[x->rank] * item,
               (size_t)from.count[x->rank] * item);
    if (rc == PS_OK && MPI_Waitall(posted, x->request, MPI_STATUSES_IGNORE) != MPI_SUCCESS)
        rc = ps_fail(PS_EMPI, "an exchange of messages did not complete");
    return rc;
}

enum ps_status ps_exchange_run(const struct ps_exchange *x, const void *send, void *recv, size_t item)
{
    struct side from = {x->send_count, x->send_start, (char *)send, 0},
                to = {x->recv_count, x->recv_start, recv, 0};
    return move(x, from, to, item);
}

enum ps_status ps_exchange_others(const struct ps_exchange *x, const void *send, void *recv, size_t item)
{
    struct side from = {x->send_count, x->send_start, (char *)send, x->send_count[x->rank]},
                to = {x->recv_count, x->recv_start, recv, 0};
    return move(x, from, to, item);
}

enum ps_status ps_exchange_back(const struct ps_exchange *x, const void *recv, void *send, size_t item)
{
    struct side from = {x->recv_count, x->recv_start, (char *)recv, 0},
                to = {x->send_count, x->send_start, send, 0};
    return move(x, from, to, item);
}
