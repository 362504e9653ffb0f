#include "common/io/canvas_axis.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIXED_MOST = 7, FIXED_DECIMALS = 5 }; /* digits before and after the point of labels without a power */

/** Multiple n of the step. */
static double multiple(const struct ps_axis *a, int64_t n)
{
    const double units = (double)n * a->mantissa; /* one rounding only: a power of ten is exact up to 10^22 */
    return a->power < 0 ? units / pow(10, -a->power) : units * pow(10, a->power);
}

static void count(double lo, double hi, struct ps_axis *a)
{
    const double step = multiple(a, 1),
                 slack = 1e-6; /* a bound that is itself round may be off by its last bit */
    a->first = (int64_t)ceil(lo / step - slack);
    a->count = (int)((int64_t)floor(hi / step + slack) - a->first + 1);
}

void ps_axis_make(double lo, double hi, int most, bool whole, struct ps_axis *out)
{
    static const int mantissa[] = {1, 2, 5};
    const double magnitude = fmax(fabs(lo), fabs(hi));
    const int smallest = (int)floor(log10((hi - lo) / most)), digits = (int)floor(log10(magnitude));
    for (int power = whole && smallest < 0 ? 0 : smallest, found = 0; !found; power++)
        for (int i = 0; i < 3 && !found; i++) {
            *out = (struct ps_axis){.mantissa = mantissa[i], .power = power};
            count(lo, hi, out);
            found = out->count <= most;
        }
    out->scientific = digits >= FIXED_MOST || out->power < -FIXED_DECIMALS;
}

double ps_axis_tick(const struct ps_axis *a, int64_t i)
{
    return multiple(a, a->first + i);
}

void ps_axis_label(const struct ps_axis *a, int64_t i, char *text, int room)
{
    const double value = ps_axis_tick(a, i);
    if (!a->scientific) {
        snprintf(text, (size_t)room, "%.*f", a->power < 0 ? -a->power : 0, value);
        return;
    }
    if (a->first + i == 0) {
        snprintf(text, (size_t)room, "0");
        return;
    }
    const int power = (int)floor(log10(fabs(value)) + 1e-12);
    snprintf(text, (size_t)room, "%.*fe%d", power > a->power ? power - a->power : 0, value / pow(10, power),
             power);
}
