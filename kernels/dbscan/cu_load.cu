/* From rows of any element type to coordinates: the only place that looks at the input's type. */
#include <type_traits>
#include "kernels/dbscan/cu_ordered.h"
#include "kernels/dbscan/cu_state.h"

/** The exact value of an element, in double precision or as a 64-bit integer; unsigned ones keep their order
 * with the top bit flipped. */
template <class T> __device__ static double exact(T v)
{
    return (double)v;
}
__device__ static int64_t exact(int64_t v)
{
    return v;
}
__device__ static int64_t exact(uint64_t v)
{
    return (int64_t)(v ^ UINT64_C(1) << 63);
}

/** Call f with a null pointer of the rows' type. */
template <class F> static void with_type(enum ps_dtype type, F f)
{
    switch (type) {
    case PS_I8:
        return f((const int8_t *)NULL);
    case PS_U8:
        return f((const uint8_t *)NULL);
    case PS_I16:
        return f((const int16_t *)NULL);
    case PS_U16:
        return f((const uint16_t *)NULL);
    case PS_I32:
        return f((const int32_t *)NULL);
    case PS_U32:
        return f((const uint32_t *)NULL);
    case PS_I64:
        return f((const int64_t *)NULL);
    case PS_U64:
        return f((const uint64_t *)NULL);
    case PS_F32:
        return f((const float *)NULL);
    default:
        return f((const double *)NULL);
    }
}

int64_t ps_cu_element(enum ps_dtype type)
{
    int64_t size = 0;
    with_type(type, [&]<class T>(const T *) { size = (int64_t)sizeof(T); });
    return size;
}

/* A thread stays with a column, and goes down the rows: threads beside each other read elements beside each
 * other. */
template <class T>
static __global__ void box(const T *rows, int64_t n, int64_t d, unsigned long long *lo,
                           unsigned long long *hi)
{
    const int64_t threads = (int64_t)gridDim.x * blockDim.x,
                  me = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int64_t columns = d < threads ? d : threads, lines = threads / columns;
    if (me / columns >= lines) return;
    for (int64_t k = me % columns; k < d; k += columns) {
        unsigned long long low = ~0ull, high = 0;
        for (int64_t i = me / columns; i < n; i += lines) {
            const unsigned long long v = ps_cu_ordered(exact(rows[i * d + k]));
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        atomicMin(&lo[k], low);
        atomicMax(&hi[k], high);
    }
}

void ps_cu_box(const struct ps_points *rows, uint64_t *out)
{
    const int64_t d = rows->d, n = rows->n;
    unsigned long long *const lo = (unsigned long long *)out, *const hi = lo + d;
    PS_CU(cudaMemsetAsync(lo, 0xff, (size_t)d * sizeof *lo, ps_cuda_stream()));
    PS_CU(cudaMemsetAsync(hi, 0, (size_t)d * sizeof *hi, ps_cuda_stream()));
    const unsigned most = 2 * (unsigned)ps_cuda_processors(), wanted = ps_cu_blocks(n * d);
    with_type(rows->type, [&]<class T>(const T *) {
        auto *const kernel = box<T>;
        PS_LAUNCH(kernel, wanted < most ? wanted : most, PS_CU_BLOCK, 0, (const T *)rows->data, n, d, lo, hi);
    });
}

__device__ static double from_low(double v, const struct ps_cu_map &map, int k)
{
    return v - map.lo[k];
}
__device__ static double from_low(int64_t v, const struct ps_cu_map &map, int k)
{
    return (double)((uint64_t)v - (uint64_t)map.lo_int[k]);
}

template <class T>
static __global__ void keys(const T *rows, int64_t n, int64_t d, struct ps_cu_map map, uint64_t *key,
                            uint32_t *order)
{
    PS_CU_EACH(i, n)
    {
        uint64_t sum = 0;
        for (int k = 0; k < map.d; k++) {
            const double cells = from_low(exact(rows[i * d + map.dim[k]]), map, k) * map.inverse[k];
            sum += ((uint64_t)(int64_t)cells + (uint64_t)map.reach) << map.shift[k];
        }
        key[i] = sum;
        order[i] = (uint32_t)i;
    }
}

void ps_cu_keys(const struct ps_points *rows, const struct ps_cu_map *map, uint64_t *key, uint32_t *order)
{
    with_type(rows->type, [&]<class T>(const T *) {
        auto *const kernel = keys<T>;
        PS_LAUNCH(kernel, ps_cu_blocks(rows->n), PS_CU_BLOCK, 0, (const T *)rows->data, rows->n,
                  (int64_t)rows->d, *map, key, order);
    });
}

/* Reads rows of d elements anywhere, writes coordinates beside each other. */
template <class T, class C>
static __global__ void gather(const T *rows, const uint32_t *order, int64_t n, int64_t d, int64_t stride,
                              C *x)
{
    PS_CU_EACH(j, n)
    {
        const T *const row = rows + order[j] * d;
        for (int64_t k = 0; k < d; k++) x[k * stride + j] = (C)exact(row[k]);
    }
}

template <class T, class C> static void gather_as(const struct ps_dbscan *s, const struct ps_points *rows)
{
    auto *const kernel = gather<T, C>;
    PS_LAUNCH(kernel, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, (const T *)rows->data, s->order, s->n,
              (int64_t)s->d, s->space.stride, (C *)s->space.x);
}

void ps_cu_gather(const struct ps_dbscan *s, const struct ps_points *rows)
{
    with_type(rows->type, [&]<class T>(const T *) {
        if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
            gather_as<T, int64_t>(s, rows);
        } else {
            if constexpr (sizeof(T) <= 2 || std::is_same_v<T, float>)
                if (s->coord == PS_COORD_F32) return gather_as<T, float>(s, rows);
            gather_as<T, double>(s, rows);
        }
    });
}
