/* Core points first, both parts in cell order: the neighbours of a point among core points are then ranges of
 * places. */
#include "kernels/dbscan/cu_state.h"

static __global__ void flags_of_places(const uint8_t *flags, const uint32_t *order, int64_t n, uint32_t *rank)
{
    PS_CU_EACH(j, n)
    rank[j] = flags[order[j]] != 0;
}

/** Where place j goes. @param rank core points up to each place */
__device__ static int64_t place_of(const uint32_t *rank, int64_t n, int64_t j)
{
    const int64_t cores = rank[j];
    const bool core = cores != (j > 0 ? rank[j - 1] : 0);
    return core ? cores - 1 : rank[n - 1] + j - cores;
}

template <class T> static __global__ void permute(const uint32_t *rank, int64_t n, const T *from, T *to)
{
    PS_CU_EACH(j, n)
    to[place_of(rank, n, j)] = from[j];
}

template <class T> static void move(const struct ps_dbscan *s, const uint32_t *rank, const T *from, T *to)
{
    PS_LAUNCH(permute<T>, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, rank, s->n, from, to);
}

/* Dimension after dimension moves to where the one before it was. */
template <class T> static void move_points(struct ps_dbscan *s, const uint32_t *rank)
{
    T *const x = (T *)s->x;
    for (int64_t k = 0; k < s->d; k++) move(s, rank, x + (k + 1) * s->space.stride, x + k * s->space.stride);
    s->space.x = x;
}

/** @return false: no memory */
static bool move_numbers(const struct ps_dbscan *s, const uint32_t *rank, uint32_t **numbers)
{
    uint32_t *moved;
    if (!ps_cu_take(&moved, s->n)) return false;
    move(s, rank, *numbers, moved);
    ps_cuda_memory.free(*numbers);
    *numbers = moved;
    return true;
}

enum ps_status ps_cu_partition(struct ps_dbscan *s, const uint8_t *flags)
{
    uint32_t *rank, cores = 0;
    if (!ps_cu_take(&rank, s->n)) return PS_ENOMEM;
    PS_LAUNCH(flags_of_places, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, flags, s->order, s->n, rank);
    bool had = ps_cuda_sum_along(rank, s->n);
    if (had) {
        ps_cuda_memory.get(&cores, rank + s->n - 1, sizeof cores);
        if (s->coord == PS_COORD_F32)
            move_points<float>(s, rank);
        else
            move_points<uint64_t>(s, rank);
        had = move_numbers(s, rank, &s->order) && move_numbers(s, rank, &s->cell);
    }
    ps_cuda_memory.free(rank);
    const enum ps_status rc = ps_cuda_memory.wait();
    s->cores = cores;
    return had ? rc : PS_ENOMEM;
}
