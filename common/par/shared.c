#include "common/par/shared.h"
#include <stdlib.h>
#include <sys/statvfs.h>
#include "common/run/err.h"

enum { LINE = 64 };

/* Is there room where Open MPI puts shared memory? Its own test for that ends on the first rank, while the
 * others wait. */
static bool is_room(MPI_Comm node, int64_t bytes)
{
    struct statvfs v;
    int room = statvfs("/dev/shm", &v) != 0 || (double)v.f_bavail * (double)v.f_frsize > (double)bytes;
    MPI_Bcast(&room, 1, MPI_INT, 0, node);
    return room;
}

/* Memory of the first rank that all see. */
static enum ps_status share(MPI_Comm node, int64_t bytes, struct ps_shared *s)
{
    void *mine;
    int rank, unit;
    MPI_Aint size = (MPI_Aint)bytes + LINE;
    PS_CHECK(is_room(node, (int64_t)size), PS_ENOMEM, "no room in /dev/shm to share %lld bytes",
             (long long)bytes);
    MPI_Comm_rank(node, &rank);
    s->is_window = MPI_Win_allocate_shared(rank == 0 ? size : 0, 1, MPI_INFO_NULL, node, &mine, &s->window) ==
                   MPI_SUCCESS;
    if (!s->is_window || MPI_Win_shared_query(s->window, 0, &size, &unit, &mine) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks of a node could not share %lld bytes", (long long)bytes);
    /* it begins at the same place within a page on every rank */
    s->data = (char *)mine + (LINE - (uintptr_t)mine % LINE) % LINE;
    return PS_OK;
}

enum ps_status ps_shared_open(MPI_Comm node, int64_t bytes, struct ps_shared *out)
{
    int size;
    *out = (struct ps_shared){.data = NULL};
    MPI_Comm_size(node, &size);
    enum ps_status rc = size > 1 ? share(node, bytes, out) : ps_alloc(&out->data, bytes, 1, "shared values");
    rc = ps_agree(node, rc);
    if (rc != PS_OK) ps_shared_close(out);
    return rc;
}

void ps_shared_close(struct ps_shared *s)
{
    if (s->is_window)
        MPI_Win_free(&s->window);
    else
        free(s->data);
    *s = (struct ps_shared){.data = NULL};
}
