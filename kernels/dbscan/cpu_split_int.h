/* Cutting a range of 64-bit integer coordinates; see cpu_tree.h. */
static inline double FN(width)(COORD lo, COORD hi)
{
    return (double)((uint64_t)hi - (uint64_t)lo);
}

/** A cut with lo < cut <= hi: both sides get a point. */
static inline COORD FN(middle)(COORD lo, COORD hi)
{
    const uint64_t width = (uint64_t)hi - (uint64_t)lo; /* up to 2^64 - 1, to which 1 cannot be added */
    return (COORD)((uint64_t)lo + width / 2 + width % 2);
}
