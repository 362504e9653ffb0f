#include "apps/hpdbscan/dbscan_route.h"
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum ps_status dbscan_route_make(MPI_Comm comm, const int *to, int64_t n, struct dbscan_route *out)
{
    struct dbscan_route r = {.n = n};
    int64_t *count = NULL, *next = NULL;
    int size;
    MPI_Comm_size(comm, &size);
    enum ps_status rc = ps_zalloc(&count, size, sizeof *count, "counts per rank");
    if (rc == PS_OK) rc = ps_alloc(&next, size, sizeof *next, "counts per rank");
    if (rc == PS_OK) rc = ps_alloc(&r.place, n, sizeof *r.place, "items for other ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < n; i++) count[to[i]]++;
    PS_TRY_DONE(ps_exchange_make(comm, count, &r.plan));
    memcpy(next, r.plan.send_start, (size_t)size * sizeof *next);
    for (int64_t i = 0; i < n; i++) r.place[i] = next[to[i]]++;
    r.arriving = r.plan.recv_start[size];
done:
    free(count);
    free(next);
    if (rc != PS_OK) free(r.place), r.place = NULL;
    *out = r;
    return rc;
}

void dbscan_route_free(struct dbscan_route *r)
{
    ps_exchange_free(&r->plan);
    free(r->place);
    *r = (struct dbscan_route){0};
}

enum ps_status dbscan_route_send(const struct dbscan_route *r, const void *items, size_t size, void *out)
{
    char *packed = NULL, *arrived = NULL;
    enum ps_status rc = ps_alloc(&packed, r->n, size, "items for other ranks");
    if (rc == PS_OK) rc = ps_alloc(&arrived, r->arriving, size, "items of other ranks");
    PS_TRY_DONE(ps_agree(r->plan.comm, rc));
    for (int64_t i = 0; i < r->n; i++)
        memcpy(packed + (size_t)r->place[i] * size, (const char *)items + (size_t)i * size, size);
    PS_TRY_DONE(ps_exchange_run(&r->plan, packed, arrived, size));
done:
    free(packed);
    if (rc != PS_OK) free(arrived), arrived = NULL;
    memcpy(out, &arrived, sizeof arrived); /* `out` is the address of a pointer of the caller's type */
    return rc;
}

enum ps_status dbscan_route_back(const struct dbscan_route *r, const void *answers, size_t size, void *items)
{
    char *packed = NULL;
    enum ps_status rc = ps_alloc(&packed, r->n, size, "answers of other ranks");
    PS_TRY_DONE(ps_agree(r->plan.comm, rc));
    PS_TRY_DONE(ps_exchange_back(&r->plan, answers, packed, size));
    for (int64_t i = 0; i < r->n; i++)
        memcpy((char *)items + (size_t)i * size, packed + (size_t)r->place[i] * size, size);
done:
    free(packed);
    return rc;
}
