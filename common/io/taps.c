#include "common/io/taps.h"
#include <math.h>
#include <string.h>

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static int clamp(double x, int most)
{
    return x < 0 ? 0 : x > most ? most : (int)x;
}

struct ps_taps ps_taps_of(double from, double in, bool open, int pixels, int out)
{
    const double ratio = in / out, around = open ? ceil(ratio) + 1 : 0;
    struct ps_taps t = {.from = from, .in = in, .out = out};
    t.lo = clamp(floor(from - around), pixels - 1);
    t.hi = clamp(ceil(from + in + around), pixels);
    t.taps = 2 * (int)ceil(ratio > 1 ? ratio : 1) + 1;
    if (t.taps > t.hi - t.lo) t.taps = t.hi - t.lo; /* the side is narrower than they are */
    return t;
}

void ps_taps_find(const struct ps_taps *t, int32_t *first, float *weight)
{
    const double ratio = t->in / t->out, wide = ratio > 1 ? ratio : 1;
    for (int i = 0; i < t->out; i++, weight += t->taps) {
        const double centre = t->from + (i + 0.5) * ratio;
        int begin = (int)floor(centre - wide + 0.5), end = (int)floor(centre + wide + 0.5);
        double sum = 0;
        if (begin < t->lo) begin = t->lo;
        if (end > t->hi) end = t->hi;
        if (begin > t->hi - 1) begin = t->hi - 1;
        if (end <= begin) end = begin + 1;
        for (int k = begin; k < end; k++) sum += triangle((k - centre + 0.5) / wide);
        for (int k = 0; k < t->taps; k++) {
            const double w = k < end - begin ? triangle((begin + k - centre + 0.5) / wide) : 0;
            weight[k] = sum > 0 ? (float)(w / sum) : (k == 0);
        }
        /* taps behind the last pixel have no weight, but are read */
        const int spare = begin + t->taps - t->hi;
        if (spare > 0 && begin - spare >= t->lo) {
            memmove(weight + spare, weight, (size_t)(t->taps - spare) * sizeof *weight);
            memset(weight, 0, (size_t)spare * sizeof *weight);
            begin -= spare;
        }
        first[i] = begin - t->lo;
    }
}
