#include "kernels/dbscan/cpu_cells.h"

/* Cut into a fixed number of parts, so that counting and filling agree whatever team runs them. */
enum { PARTS = 256 };

enum ps_status ps_dbscan_cells_from(struct ps_dbscan *s, const uint8_t *first)
{
    int64_t before[PARTS + 1] = {0};
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t count = 0;
        for (int64_t i = s->n * part / PARTS; i < s->n * (part + 1) / PARTS; i++) count += first[i];
        before[part + 1] = count;
    }
    for (int part = 0; part < PARTS; part++) before[part + 1] += before[part];
    s->cells = (uint32_t)before[PARTS];
    s->start = ps_dbscan_alloc((int64_t)s->cells + 1, sizeof *s->start);
    if (!s->start) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t cell = before[part];
        for (int64_t i = s->n * part / PARTS; i < s->n * (part + 1) / PARTS; i++)
            if (first[i]) s->start[cell++] = (uint32_t)i;
    }
    s->start[s->cells] = (uint32_t)s->n;
    return PS_OK;
}
