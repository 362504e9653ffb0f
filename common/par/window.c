#include "common/par/window.h"

#include <stdlib.h>
#include <string.h>
#include "common/par/exchange.h"
#include "common/run/err.h"

struct ps_range ps_window_place(MPI_Comm comm, int64_t n, int64_t *total)
{
    int rank;
    int64_t before = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Exscan(&n, &before, 1, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) before = 0; /* where MPI leaves it alone */
    MPI_Allreduce(&n, total, 1, MPI_INT64_T, MPI_SUM, comm);
    return (struct ps_range){before, before + n};
}

static struct ps_range both(struct ps_range a, struct ps_range b)
{
    struct ps_range r = {a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    if (r.hi < r.lo) r.hi = r.lo;
    return r;
}

/** Copy what each rank wants, one rank after the other. */
static enum ps_status pack(struct ps_range mine, const char *data, size_t item, int size,
                           const struct ps_range *wants, int64_t *count, char **send)
{
    int64_t total = 0, done = 0;
    for (int r = 0; r < size; r++) {
        struct ps_range part = both(mine, wants[r]);
        total += count[r] = part.hi - part.lo;
    }
    PS_TRY(ps_alloc(send, total, item, "parts of a list for other ranks"));
    for (int r = 0; r < size; r++) {
        struct ps_range part = both(mine, wants[r]);
        if (count[r])
            memcpy(*send + (size_t)done * item, data + (size_t)(part.lo - mine.lo) * item,
                   (size_t)count[r] * item);
        done += count[r];
    }
    return PS_OK;
}

enum ps_status ps_window_fetch(MPI_Comm comm, struct ps_range mine, const void *data, size_t item,
                               struct ps_range want, void *out)
{
    int size;
    struct ps_range *wants = NULL;
    int64_t *count = NULL;
    char *send = NULL;
    struct ps_exchange x;
    MPI_Comm_size(comm, &size);
    enum ps_status rc = ps_alloc(&wants, size, sizeof *wants, "ranges of the ranks");
    if (rc == PS_OK) rc = ps_alloc(&count, size, sizeof *count, "counts for the ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgather(&want, 2, MPI_INT64_T, wants, 2, MPI_INT64_T, comm);
    PS_TRY_DONE(ps_agree(comm, pack(mine, data, item, size, wants, count, &send)));
    PS_TRY_DONE(ps_exchange_make(comm, count, &x));
    rc = ps_agree(comm, ps_exchange_run(&x, send, out, item));
    ps_exchange_free(&x);
done:
    free(wants), free(count), free(send);
    return rc;
}
