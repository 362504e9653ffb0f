/* Stable partition of a column's places [lo, hi) by another column: what lies below the cut goes to [lo,
 * mid), the rest to [mid, hi). */

static void FN(partition)(const COORD *by, COORD cut, const COORD *x, COORD *to, int64_t lo, int64_t mid,
                          int64_t hi)
{
    int64_t left = lo, right = mid;
    for (int64_t j = lo; j < hi; j++) {
        bool is_left = by[j] < cut;
        to[is_left ? left : right] = x[j];
        left += is_left;
        right += !is_left;
    }
}

static void FN(partition_order)(const COORD *by, COORD cut, const uint32_t *x, uint32_t *to, int64_t lo,
                                int64_t mid, int64_t hi)
{
    int64_t left = lo, right = mid;
    for (int64_t j = lo; j < hi; j++) {
        bool is_left = by[j] < cut;
        to[is_left ? left : right] = x[j];
        left += is_left;
        right += !is_left;
    }
}
