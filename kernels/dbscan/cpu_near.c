#include "kernels/dbscan/cpu_near.h"
#include <stdlib.h>
#include <string.h>

enum ps_status ps_near_make(const struct ps_dbscan *s, const struct ps_cells *in, struct ps_near *near)
{
    memset(near, 0, sizeof *near);
    near->in = in;
    near->room = 2 * (int64_t)s->rows + 64;
    near->list = malloc((size_t)near->room * sizeof *near->list);
    near->cursor = malloc(((size_t)s->rows + 1) * sizeof *near->cursor);
    near->box = ps_dbscan_alloc(4 * (int64_t)s->d, 8);
    if (near->list && near->cursor && near->box) return PS_OK;
    ps_near_free(near);
    return PS_ENOMEM;
}

void ps_near_free(struct ps_near *near)
{
    free(near->list);
    free(near->cursor);
    free(near->box);
    memset(near, 0, sizeof *near);
}

void ps_near_add(struct ps_near *near, uint32_t lo, uint32_t hi)
{
    if (near->n && near->list[near->n - 1].hi == lo) {
        near->list[near->n - 1].hi = hi;
        return;
    }
    if (near->n == near->room) {
        struct ps_cell_range *more = realloc(near->list, 2 * (size_t)near->room * sizeof *more);
        if (!more) {
            near->failed = true;
            return;
        }
        near->list = more;
        near->room *= 2;
    }
    near->list[near->n++] = (struct ps_cell_range){lo, hi};
}

/** First cell in [lo, hi) whose key is not below `key`. */
static uint32_t lower(const uint64_t *keys, uint32_t lo, uint32_t hi, uint64_t key)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (keys[mid] < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** The same from a cursor that is usually a few cells short. */
static uint32_t advance(const uint64_t *keys, uint32_t at, uint32_t cells, uint64_t key)
{
    for (int step = 0; step < 6; step++, at++)
        if (at == cells || keys[at] >= key) return at;
    uint32_t stride = 8, lo = at;
    while (lo + (uint64_t)stride < cells && keys[lo + stride] < key) {
        lo += stride;
        stride *= 2;
        if (stride > 1u << 30) break;
    }
    uint64_t end = (uint64_t)lo + stride + 1;
    return lower(keys, lo, end < cells ? (uint32_t)end : cells, key);
}

void ps_near_grid_begin(const struct ps_dbscan *s, struct ps_near *near, uint64_t key)
{
    for (int r = 0; r < s->rows; r++)
        near->cursor[r] =
            lower(near->in->key, 0, near->in->n, key + (uint64_t)s->row_step[r] - (uint64_t)s->reach);
}

void ps_near_grid(const struct ps_dbscan *s, struct ps_near *near, uint64_t key, uint32_t self, bool after,
                  bool close)
{
    const uint64_t *keys = near->in->key;
    uint32_t cells = near->in->n, reach = (uint32_t)s->reach;
    int rows = close ? s->rows_close : s->rows, own_row = s->rows / 2;
    near->n = 0;
    for (int i = 0; i < rows; i++) {
        int r = s->row_near[i];
        if (after && r < own_row) continue;
        uint64_t middle = key + (uint64_t)s->row_step[r];
        uint32_t lo = advance(keys, near->cursor[r], cells, middle - reach), hi = lo;
        near->cursor[r] = lo;
        while (hi < cells && keys[hi] <= middle + reach) hi++;
        if (r == own_row && self != PS_NEAR_NONE) {
            if (!after && lo < self) ps_near_add(near, lo, self);
            lo = self + 1;
        }
        if (lo < hi) ps_near_add(near, lo, hi);
    }
}
