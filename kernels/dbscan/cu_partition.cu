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

template <class T> static void move(const struct ps_dbscan *s, const T *from, T *to)
{
    PS_LAUNCH(permute<T>, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, s->rank, s->n, from, to);
}

/* Dimension after dimension moves to where the one before it was. */
template <class T> static void move_points(struct ps_dbscan *s)
{
    T *const x = (T *)s->x;
    for (int64_t k = 0; k < s->d; k++) move(s, x + (k + 1) * s->space.stride, x + k * s->space.stride);
    s->space.x = x;
}

/** The numbers and the spare array change places. */
static void move_numbers(struct ps_dbscan *s, uint32_t **numbers)
{
    uint32_t *const from = *numbers;
    move(s, from, s->spare);
    *numbers = s->spare;
    s->spare = from;
}

enum ps_status ps_cu_partition(struct ps_dbscan *s)
{
    PS_LAUNCH(flags_of_places, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, s->flags, s->order, s->n, s->rank);
    ps_cuda_sum_along(s->rank, s->n, &s->room);
    if (s->coord == PS_COORD_F32)
        move_points<float>(s);
    else
        move_points<uint64_t>(s);
    move_numbers(s, &s->order);
    move_numbers(s, &s->cell);
    s->cores = ps_cu_last(s, s->rank, s->n);
    return ps_cuda_status();
}
