#include "kernels/dbscan/cpu_near.h"
#include <stdlib.h>
#include <string.h>

enum ps_status ps_near_make(const struct ps_dbscan *s, const struct ps_cells *in, struct ps_near *near)
{
    memset(near, 0, sizeof *near);
    near->in = in;
    near->limit = INT64_MAX;
    near->room = 2 * (int64_t)s->rows + 64;
    near->list = malloc((size_t)near->room * sizeof *near->list);
    near->left = malloc(((size_t)s->rows + 1) * sizeof *near->left);
    near->right = malloc(((size_t)s->rows + 1) * sizeof *near->right);
    near->box = ps_dbscan_alloc(4 * (int64_t)s->d, 8);
    if (near->list && near->left && near->right && near->box) return PS_OK;
    ps_near_free(near);
    return PS_ENOMEM;
}

void ps_near_free(struct ps_near *near)
{
    free(near->list);
    free(near->left);
    free(near->right);
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
        struct ps_range32 *more = realloc(near->list, 2 * (size_t)near->room * sizeof *more);
        if (!more) {
            near->failed = true;
            return;
        }
        near->list = more;
        near->room *= 2;
    }
    near->list[near->n++] = (struct ps_range32){lo, hi};
}

/** First cell at or after `at` whose key is not below `key`. The keys end with PS_PAD keys above all. A walk
 * takes a few steps, how many no branch predictor knows: the first ones are made without branches, long ways
 * by doubling. */
static inline uint32_t advance(const uint64_t *keys, uint32_t cells, uint32_t at, uint64_t key)
{
    at += keys[at] < key;
    at += keys[at] < key;
    at += keys[at] < key;
    if (__builtin_expect(keys[at] >= key, 1)) return at;
    uint64_t lo = at, step = 2, hi;
    for (hi = lo + step; hi < cells && keys[hi] < key; hi = lo + step) {
        lo = hi;
        step *= 2;
    }
    hi = hi < cells ? hi : cells;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (keys[mid] < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

void ps_near_grid_begin(const struct ps_dbscan *s, struct ps_near *near, uint64_t key)
{
    const struct ps_cells *in = near->in;
    for (int r = 0; r < s->rows; r++) {
        uint64_t middle = key + (uint64_t)s->row_step[r];
        near->left[r] = advance(in->key, in->n, 0, middle - (uint64_t)s->reach);
        near->right[r] = advance(in->key, in->n, near->left[r], middle + (uint64_t)s->reach + 1);
    }
}

int64_t ps_near_grid_move(const struct ps_dbscan *s, struct ps_near *near, uint64_t key, bool close)
{
    const struct ps_cells *in = near->in;
    uint64_t reach = (uint64_t)s->reach;
    int64_t cells = 0;
    int rows = close ? s->rows_close : s->rows;
    for (int i = 0; i < rows; i++) {
        int r = close ? s->row_near[i] : i;
        uint64_t middle = key + (uint64_t)s->row_step[r];
        uint32_t left = advance(in->key, in->n, near->left[r], middle - reach);
        uint32_t right = advance(in->key, in->n, near->right[r], middle + reach + 1);
        near->left[r] = left;
        near->right[r] = right;
        cells += right - left;
    }
    return cells;
}

int64_t ps_near_grid_points(const struct ps_dbscan *s, const struct ps_near *near)
{
    int64_t points = 0;
    for (int r = 0; r < s->rows; r++)
        points += near->in->start[near->right[r]] - near->in->start[near->left[r]];
    return points;
}

void ps_near_grid_list(const struct ps_dbscan *s, struct ps_near *near, uint32_t self, bool after, bool close)
{
    int rows = close ? s->rows_close : s->rows, own_row = s->rows / 2;
    near->n = 0;
    for (int i = 0; i < rows; i++) {
        int r = s->row_near[i];
        uint32_t lo = near->left[r], hi = near->right[r];
        if (after && r < own_row) continue;
        if (r == own_row && self != PS_NEAR_NONE) {
            if (!after && lo < self) ps_near_add(near, lo, self);
            lo = self + 1;
        }
        if (lo < hi) ps_near_add(near, lo, hi);
    }
}
