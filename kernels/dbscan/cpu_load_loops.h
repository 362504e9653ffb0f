/* Included once per pair of element type T and coordinate type C; NAME(x) makes the names, TO(v) converts
 * exactly. */

static void NAME(box)(const struct ps_points *p, void *lo_out, void *hi_out)
{
    const T *x = p->data;
    C *lo = lo_out, *hi = hi_out;
    int d = p->d;
    for (int k = 0; k < d; k++) lo[k] = hi[k] = TO(x[k]);
#pragma omp parallel
    {
        int threads = omp_get_num_threads(), me = omp_get_thread_num();
        int64_t from = p->n * me / threads, to = p->n * (me + 1) / threads;
        for (int k = 0; k < d && from < to; k++) {
            C low = TO(x[from * d + k]), high = low;
            for (int64_t i = from; i < to; i++) {
                C v = TO(x[i * d + k]);
                low = v < low ? v : low;
                high = v > high ? v : high;
            }
#pragma omp critical(ps_dbscan_box)
            {
                if (low < lo[k]) lo[k] = low;
                if (high > hi[k]) hi[k] = high;
            }
        }
    }
}

static inline __attribute__((always_inline)) void
NAME(keys_d)(const struct ps_points *p, const struct ps_grid_map *map, uint64_t *key, int d)
{
    const T *x = p->data;
    double inverse = map->inverse;
    uint64_t reach = (uint64_t)map->reach;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < p->n; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < d; k++) {
            double from_lo = SUB(TO(x[i * d + k]), map, k);
            sum += ((uint64_t)(int64_t)(from_lo * inverse) + reach) << map->shift[k];
        }
        key[i] = sum;
    }
}

static void NAME(keys)(const struct ps_points *p, const struct ps_grid_map *map, uint64_t *key)
{
    if (p->d == 2)
        NAME(keys_d)(p, map, key, 2);
    else if (p->d == 3)
        NAME(keys_d)(p, map, key, 3);
    else
        NAME(keys_d)(p, map, key, p->d);
}

static void NAME(gather)(const struct ps_points *p, const uint32_t *order, void *out, int64_t stride)
{
    const T *x = p->data;
    C *to = out;
    int d = p->d;
#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < p->n; j++) {
        const T *row = x + (order ? (int64_t)order[j] : j) * d;
        for (int k = 0; k < d; k++) to[k * stride + j] = TO(row[k]);
    }
}

static const struct ps_dbscan_load NAME(load) = {
    .box = NAME(box), .keys = NAME(keys), .gather = NAME(gather)};

#undef T
#undef NAME
