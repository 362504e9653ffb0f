#include "kernels/dbscan/cpu_cells.h"

/* Cut into a fixed number of parts, so that counting and filling agree whatever team runs them. */
enum { PARTS = 256 };

static int64_t part_start(int64_t n, int part)
{
    return n / PARTS * part + n % PARTS * part / PARTS;
}

void ps_dbscan_cells_end(struct ps_cells *cells)
{
    for (int i = 0; i < PS_PAD; i++) cells->key[cells->n + (uint64_t)i] = UINT64_MAX;
}

enum ps_status ps_dbscan_cells_all(struct ps_dbscan *s, const uint8_t *first)
{
    int64_t before[PARTS + 1] = {0};
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t count = 0;
        for (int64_t i = part_start(s->n, part); i < part_start(s->n, part + 1); i++) count += first[i];
        before[part + 1] = count;
    }
    for (int part = 0; part < PARTS; part++) before[part + 1] += before[part];
    s->all.n = (uint32_t)before[PARTS];
    s->starts = ps_dbscan_alloc((int64_t)s->all.n + 1, sizeof *s->starts);
    if (!s->starts) return PS_ENOMEM;
    s->all.start = s->starts;
    s->all.end = s->starts + 1;
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t cell = before[part];
        for (int64_t i = part_start(s->n, part); i < part_start(s->n, part + 1); i++)
            if (first[i]) s->starts[cell++] = (uint32_t)i;
    }
    s->starts[s->all.n] = (uint32_t)s->n;
    return PS_OK;
}

enum ps_status ps_dbscan_cells_cores(struct ps_dbscan *s, const uint32_t *end)
{
    const struct ps_cells *all = &s->all;
    struct ps_cells *cores = &s->cores;
    int64_t before[PARTS + 1] = {0};
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t count = 0;
        for (int64_t c = part_start(all->n, part); c < part_start(all->n, part + 1); c++)
            count += end[c] > all->start[c];
        before[part + 1] = count;
    }
    for (int part = 0; part < PARTS; part++) before[part + 1] += before[part];
    int64_t n = before[PARTS];
    cores->n = (uint32_t)n;
    cores->start = ps_dbscan_alloc(n, sizeof *cores->start);
    cores->end = ps_dbscan_alloc(n, sizeof *cores->end);
    cores->key = all->key ? ps_dbscan_alloc(n, sizeof *cores->key) : NULL;
    cores->has_own = all->has_own ? ps_dbscan_alloc(n, 1) : NULL;
    if (!cores->start || !cores->end || (all->key && !cores->key) || (all->has_own && !cores->has_own))
        return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (int part = 0; part < PARTS; part++) {
        int64_t to = before[part];
        for (int64_t c = part_start(all->n, part); c < part_start(all->n, part + 1); c++) {
            if (end[c] == all->start[c]) continue;
            cores->start[to] = all->start[c];
            cores->end[to] = end[c];
            if (cores->key) cores->key[to] = all->key[c];
            if (cores->has_own) cores->has_own[to] = all->has_own[c];
            to++;
        }
    }
    if (cores->key) ps_dbscan_cells_end(cores);
    return PS_OK;
}
