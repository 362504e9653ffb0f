/* Stable partition of a column's places [lo, hi) by another column: what lies below the cut goes to [lo,
 * mid), the rest to [mid, hi). */

#define PS_PARTITION(name, type)                                                                       \
    static void FN(name)(const COORD *by, COORD cut, const type *x, type *to, int64_t lo, int64_t mid, \
                         int64_t hi)                                                                   \
    {                                                                                                  \
        int64_t left = lo, right = mid;                                                                \
        for (int64_t j = lo; j < hi; j++) {                                                            \
            bool is_left = by[j] < cut;                                                                \
            to[is_left ? left : right] = x[j];                                                         \
            left += is_left;                                                                           \
            right += !is_left;                                                                         \
        }                                                                                              \
    }

PS_PARTITION(partition, COORD)
PS_PARTITION(partition_order, uint32_t)
