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
static enum ps_status make(const V *of, struct ps_key_of<V> key, int64_t n, uint32_t *number,
                           struct ps_cu_cells *out)
{
    uint32_t cells = 0;
    PS_LAUNCH(mark<V>, ps_cu_blocks(n), PS_CU_BLOCK, 0, of, n, number);
    if (!ps_cuda_sum_along(number, n)) return PS_ENOMEM;
    if (n > 0) ps_cuda_memory.get(&cells, number + n - 1, sizeof cells);
    const enum ps_status rc = ps_cuda_memory.wait();
    if (rc != PS_OK) return rc;
    out->n = cells;
    if (!ps_cu_take(&out->key, out->n) || !ps_cu_take(&out->start, out->n + 1)) return PS_ENOMEM;
    PS_LAUNCH(fill<V>, ps_cu_blocks(n), PS_CU_BLOCK, 0, key, number, n, *out);
    return PS_OK;
}

enum ps_status ps_cu_cells_all(const uint64_t *key, int64_t n, uint32_t *number, struct ps_cu_cells *out)
{
    return make<uint64_t>(key, {key}, n, number, out);
}

enum ps_status ps_cu_cells_core(struct ps_dbscan *s)
{
    if (!ps_cu_take(&s->core_cell, s->cores)) return PS_ENOMEM;
    return make<uint32_t>(s->cell, {s->all.key, s->cell}, s->cores, s->core_cell, &s->core_cells);
}
