/* Cutting a range of real coordinates; see cpu_tree.h. */
static inline double FN(width)(COORD lo, COORD hi)
{
    return (double)hi - (double)lo;
}

/** A cut with lo < cut <= hi: both sides get a point. */
static inline COORD FN(middle)(COORD lo, COORD hi)
{
    COORD mid = lo / 2 + hi / 2;
    return mid > lo && mid <= hi ? mid : hi;
}
