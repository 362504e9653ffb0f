/* Cutting a range of 64-bit integer coordinates; see cpu_tree.h. */
static inline double FN(width)(COORD lo, COORD hi)
{
    return (double)((uint64_t)hi - (uint64_t)lo);
}

/** A cut with lo < cut <= hi: both sides get a point. */
static inline COORD FN(middle)(COORD lo, COORD hi)
{
    return (COORD)((uint64_t)lo + (((uint64_t)hi - (uint64_t)lo + 1) / 2));
}
