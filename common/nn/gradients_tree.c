#include "common/nn/gradients_tree.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int ps_tree_parts(int64_t count, struct ps_range mine, int64_t *first)
{
    int n = 0;
    for (int64_t lo = mine.lo; lo < mine.hi;) {
        int64_t width = 1;
        while (lo % (2 * width) == 0 && lo + width < count && least(lo + 2 * width, count) <= mine.hi)
            width *= 2;
        first[n++] = lo;
        lo = least(lo + width, count);
    }
    return n;
}

int ps_tree_depth(int64_t lo, int64_t hi)
{
    int depth = 1;
    while ((hi - lo) >> depth > 0) depth++;
    return depth;
}

bool ps_tree_meet(int64_t count, struct ps_range mine, int64_t left, int64_t right, int64_t settled)
{
    int level = 0;
    while ((left >> level) != (right >> level)) level++;
    const int64_t lo = (left >> level) << level, hi = least(lo + ((int64_t)1 << level), count);
    return lo >= mine.lo && hi <= mine.hi && hi <= settled;
}

int ps_tree_plan(int64_t count, struct ps_range mine, int n, const int64_t *first, struct ps_tree_add *add,
                 int *part)
{
    int adds = 0, top = 0, held[2 * PS_TREE_PARTS];
    for (int i = 0; i < n; i++) {
        const int64_t settled = i + 1 < n ? first[i + 1] : mine.hi;
        held[top++] = i;
        for (; top >= 2 && ps_tree_meet(count, mine, first[held[top - 2]], first[held[top - 1]], settled);
             top--)
            add[adds++] = (struct ps_tree_add){held[top - 2], held[top - 1]};
    }
    for (int i = 0; part && i < top; i++) part[i] = held[i];
    return adds;
}
