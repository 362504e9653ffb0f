/* Cells of sorted points: sums along marks where one begins. */
#include "kernels/dbscan/cu_state.h"

template <class V> static __global__ void mark(const V *of, int64_t n, uint32_t *first)
{
    PS_CU_EACH(j, n)
    first[j] = j == 0 || of[j] != of[j - 1];
}

/** Where a cell begins it writes its place and its key. */
template <class V> struct ps_key_of;
template <> struct ps_key_of<uint64_t> {
    const uint64_t *key; /* of places */
    __device__ uint64_t operator()(int64_t j) const
    {
        return key[j];
    }
};
template <> struct ps_key_of<uint32_t> {
    const uint64_t *key; /* of cells */
    const uint32_t *cell;
    __device__ uint64_t operator()(int64_t j) const
    {
        return key[cell[j] - 1];
    }
};

template <class V>
static __global__ void fill(struct ps_key_of<V> key, const uint32_t *number, int64_t n,
                            struct ps_cu_cells out)
{
    PS_CU_EACH(j, n)
    {
        const uint32_t c = number[j] - 1;
        if (j == n - 1) out.start[c + 1] = (uint32_t)n;
        if (j > 0 && number[j - 1] == c + 1) continue;
        out.start[c] = (uint32_t)j;
        out.key[c] = key(j);
    }
}

/** @param of [n] what is equal within a cell @param number out [n] */
template <class V>
static enum ps_status make(struct ps_dbscan *s, const V *of, struct ps_key_of<V> key, int64_t n,
                           uint32_t *number, struct ps_cu_cells *out)
{
    PS_LAUNCH(mark<V>, ps_cu_blocks(n), PS_CU_BLOCK, 0, of, n, number);
    ps_cuda_sum_along(number, n, &s->room);
    out->n = ps_cu_last(s, number, n);
    PS_LAUNCH(fill<V>, ps_cu_blocks(n), PS_CU_BLOCK, 0, key, number, n, *out);
    return ps_cuda_status();
}

enum ps_status ps_cu_cells_all(struct ps_dbscan *s)
{
    return make<uint64_t>(s, s->key, {s->key}, s->n, s->cell, &s->all);
}

/* What held keys of places, and numbers while they moved, is free. */
enum ps_status ps_cu_cells_core(struct ps_dbscan *s)
{
    s->core_cells.key = s->key;
    s->core_cell = s->spare;
    return make<uint32_t>(s, s->cell, {s->all.key, s->cell}, s->cores, s->core_cell, &s->core_cells);
}
