/* Pixels near pixels of some kind: every rank fetches the pixels in front of and behind its own ones, as far
 * as the distance reaches. */
#include <math.h>
#include <stdlib.h>
#include "apps/tools/split_regions.h"
#include "common/par/window.h"
#include "common/run/err.h"

struct place {
    int64_t at;
    uint8_t kind;
};

/** Does a line of the disc about a pixel hold one of the kind? */
static int line_has(const struct place *list, int64_t n, int64_t from, int64_t to, uint8_t which)
{
    for (int64_t j = split_lower(list, sizeof *list, n, from); j < n && list[j].at <= to; j++)
        if (list[j].kind == which) return 1;
    return 0;
}

static int disc_has(const struct place *list, int64_t n, int64_t at, int64_t width, double distance,
                    uint8_t which)
{
    int64_t line = at / width, column = at % width, reach = (int64_t)distance;
    for (int64_t k = line > reach ? -reach : -line; k <= reach; k++) {
        int64_t half = (int64_t)sqrt(distance * distance - (double)(k * k)), start = (line + k) * width;
        int64_t from = column > half ? column - half : 0,
                to = column + half < width ? column + half : width - 1;
        if (line_has(list, n, start + from, start + to, which)) return 1;
    }
    return 0;
}

enum ps_status split_near(MPI_Comm comm, const struct split_pixels *p, const uint8_t *kind, uint8_t which,
                          double distance, uint8_t *near)
{
    int64_t total, reach = (int64_t)distance * (p->width + 1);
    struct place *own = NULL, *about = NULL;
    struct ps_range mine = ps_window_place(comm, p->n, &total), want = {mine.lo - reach, mine.hi + reach};
    if (want.lo < 0) want.lo = 0;
    if (want.hi > total) want.hi = total;
    enum ps_status rc = ps_alloc(&own, p->n, sizeof *own, "pixels");
    if (rc == PS_OK) rc = ps_alloc(&about, want.hi - want.lo, sizeof *about, "pixels");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < p->n; i++) own[i] = (struct place){p->at[i], kind[i]};
    PS_TRY_DONE(ps_window_fetch(comm, mine, own, sizeof *own, want, about));
#pragma omp parallel for schedule(dynamic, 256)
    for (int64_t i = 0; i < p->n; i++)
        near[i] = (uint8_t)disc_has(about, want.hi - want.lo, p->at[i], p->width, distance, which);
done:
    free(own), free(about);
    return rc;
}
