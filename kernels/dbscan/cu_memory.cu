/* Where an index's arrays are: all in one block of the device's memory, since to ask for some takes long, and
 * to give some back waits for the device. Arrays that are not needed at the same time share their bytes;
 * cells, core points and components are no more than points. */
#include "kernels/dbscan/cu_state.h"

enum { LINE = 256 };

/** What is given out of a block, one array behind the other; without a block they are only counted. */
struct ground {
    char *block;
    int64_t used, most;
};

template <class T> static T *place(struct ground *g, int64_t n)
{
    T *const out = (T *)((uintptr_t)g->block + (uintptr_t)g->used);
    g->used += (n * (int64_t)sizeof(T) + LINE - 1) / LINE * LINE;
    if (g->used > g->most) g->most = g->used;
    return out;
}

static void place_lasting(struct ps_dbscan *s, struct ground *g)
{
    s->reach = place<struct ps_cu_reach>(g, 1);
    s->work = place<struct ps_cu_work>(g, 1);
    s->box = place<uint64_t>(g, 2 * s->d);
    s->room.there = place<char>(g, s->room.bytes);
    s->x = place<char>(g, (s->d + 1) * s->space.stride * ps_cu_coordinate(s->coord));
    s->order = place<uint32_t>(g, s->n);
    s->cell = place<uint32_t>(g, s->n);
    s->spare = place<uint32_t>(g, s->n);
    s->key = place<uint64_t>(g, s->n);
    s->all.key = place<uint64_t>(g, s->n);
}

int64_t ps_cu_lay(struct ps_dbscan *s, void *block)
{
    struct ground g = {(char *)block, 0, 0};
    place_lasting(s, &g);
    const int64_t lasting = g.used;
    /* until core points are at the front */
    s->all.start = place<uint32_t>(&g, s->n + 1);
    const int64_t first = g.used;
    s->rows = place<char>(&g, s->n * s->row);
    g.used = first;
    s->flags = place<uint8_t>(&g, s->n);
    s->rank = place<uint32_t>(&g, s->n);
    g.used = lasting;
    /* from then on */
    s->core_cells.start = place<uint32_t>(&g, s->n + 1);
    s->set = place<uint32_t>(&g, s->n);
    const int64_t then = g.used;
    s->later.n = place<uint32_t>(&g, 1);
    s->later.pair = place<uint2>(&g, ps_cu_most_later(s->n));
    g.used = then;
    s->leader = place<uint32_t>(&g, s->n);
    g.used = then;
    s->number = place<uint32_t>(&g, s->n);
    s->component = place<uint32_t>(&g, s->n);
    g.used = then;
    s->cluster = place<int64_t>(&g, s->n);
    s->label = place<int64_t>(&g, s->own);
    return g.most;
}

uint32_t ps_cu_last(struct ps_dbscan *s, const uint32_t *sums, int64_t n)
{
    uint32_t last = 0;
    if (n > 0) ps_cuda_copier_get(&s->copier, &last, sums + n - 1, sizeof last);
    return last;
}
