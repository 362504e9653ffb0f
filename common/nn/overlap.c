#include "common/nn/overlap.h"
#include <stdlib.h>

void ps_overlap_begin(struct ps_overlap *o, int64_t n)
{
    o->points = 0;
    o->n = n;
}

void ps_overlap_add(struct ps_overlap *o, int64_t lo, double at)
{
    enum { FIRST = 64 };
    if (o->points == o->room) {
        const int room = o->room > 0 ? 2 * o->room : FIRST;
        struct ps_overlap_point *more = realloc(o->point, (size_t)room * sizeof *more);
        if (!more) return;
        o->point = more;
        o->room = room;
    }
    o->point[o->points++] = (struct ps_overlap_point){lo, at};
}

void ps_overlap_free(struct ps_overlap *o)
{
    free(o->point);
    *o = (struct ps_overlap){.point = NULL};
}

double ps_overlap_exposed(const struct ps_overlap *o, const struct ps_network *network, int64_t nodes,
                          int64_t bucket, int64_t element)
{
    const int64_t width = bucket / element > 0 ? bucket / element : 1;
    const double end = o->points > 0 ? o->point[o->points - 1].at : 0;
    double free_at = 0;  /* when the network is */
    int64_t sent = o->n; /* elements from here on */
    for (int i = 0; i < o->points; i++)
        while (sent > 0 && (sent - o->point[i].lo >= width || (i == o->points - 1 && sent > 0))) {
            const int64_t n = sent < width ? sent : width;
            if (o->point[i].at > free_at) free_at = o->point[i].at;
            free_at += ps_network_allreduce(network, nodes, n * element);
            sent -= n;
        }
    return free_at > end ? free_at - end : 0;
}
