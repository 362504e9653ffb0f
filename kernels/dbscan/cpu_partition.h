/* Stable partition in place of a column's places [lo, hi) by another column, or by itself: what lies below
 * the cut goes to [lo, mid), the rest to [mid, hi), by way of the same places of spare. Tasks on neighbouring
 * ranges share spare: place hi may be written, which is the low place of the next range and never read. */

#define PS_PARTITION(name, type)                                                                    \
    static void FN(name)(const COORD *by, COORD cut, type *x, type *spare, int64_t lo, int64_t mid, \
                         int64_t hi)                                                                \
    {                                                                                               \
        int64_t left = lo, right = mid;                                                             \
        for (int64_t j = lo; j < hi; j++) {                                                         \
            bool is_left = by[j] < cut;                                                             \
            type v = x[j];                                                                          \
            x[left] = v; /* left <= j: read already */                                              \
            spare[right] = v;                                                                       \
            left += is_left;                                                                        \
            right += !is_left;                                                                      \
        }                                                                                           \
        memcpy(x + mid, spare + mid, (size_t)(hi - mid) * sizeof *x);                               \
    }

PS_PARTITION(partition, COORD)
PS_PARTITION(partition_order, uint32_t)
