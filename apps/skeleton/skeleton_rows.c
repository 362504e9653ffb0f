#include "apps/skeleton/skeleton_rows.h"

#include <stdlib.h>
#include "common/io/shard.h"
#include "common/par/exchange.h"
#include "common/run/err.h"

/* Rows of a block of grains. */
static struct ps_range rows_of(const struct ps_grains *g, int64_t rows, struct ps_range grains)
{
    struct ps_range r = {rows, rows};
    if (grains.lo == grains.hi) return r;
    r.lo = ps_grain_range(g, rows, grains.lo).lo;
    r.hi = ps_grain_range(g, rows, grains.hi - 1).hi;
    return r;
}

/* How many of the rows `have` each rank's grains want. Local. */
static void count_rows(const struct ps_grains *g, int64_t rows, struct ps_range have, int size,
                       int64_t *count)
{
    for (int r = 0; r < size; r++) {
        struct ps_range want = rows_of(g, rows, ps_block(g->count, size, r));
        int64_t lo = want.lo > have.lo ? want.lo : have.lo, hi = want.hi < have.hi ? want.hi : have.hi;
        count[r] = hi > lo ? hi - lo : 0;
    }
}

enum ps_status skeleton_rows_read(const struct ps_grains *g, const char *path, const char *dataset,
                                  struct skeleton_rows *out)
{
    struct ps_shard shard = {0};
    struct ps_exchange x = {0};
    double *data = NULL;
    int64_t *count = NULL;
    int size;
    *out = (struct skeleton_rows){0};
    MPI_Comm_size(g->comm, &size);
    enum ps_status rc = PS_OK;
    PS_TRY_DONE(ps_shard_read(g->comm, path, dataset, &shard));
    out->rows = shard.rows;
    out->cols = shard.cols ? shard.cols : 1;
    out->mine = rows_of(g, shard.rows, g->mine);
    int64_t have = shard.mine.hi - shard.mine.lo;
    rc = ps_alloc(&data, have * out->cols, sizeof *data, "the rows as read");
    if (rc == PS_OK)
        rc = ps_alloc(&out->data, (out->mine.hi - out->mine.lo) * out->cols, sizeof *data, "the rows");
    if (rc == PS_OK) rc = ps_alloc(&count, size, sizeof *count, "the rows for each rank");
    PS_TRY_DONE(ps_agree(g->comm, rc)); /* memory may be short on one rank alone */

    struct ps_points points = {shard.data, have, (int)out->cols, shard.type};
    for (int64_t i = 0; i < have; i++)
        for (int k = 0; k < points.d; k++) data[i * out->cols + k] = ps_points_at(&points, i, k);
    count_rows(g, shard.rows, shard.mine, size, count);
    PS_TRY_DONE(ps_exchange_make(g->comm, count, &x));
    PS_TRY_DONE(ps_exchange_run(&x, data, out->data, (size_t)out->cols * sizeof *data));
done:
    ps_exchange_free(&x);
    ps_shard_free(&shard);
    free(data);
    free(count);
    if (rc != PS_OK) skeleton_rows_free(out);
    return rc;
}

void skeleton_rows_free(struct skeleton_rows *r)
{
    free(r->data);
    r->data = NULL;
}
