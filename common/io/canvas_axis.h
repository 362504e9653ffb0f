/** Round tick marks of a chart's axis: multiples of 1, 2 or 5 times a power of ten. */
#ifndef PS_CANVAS_AXIS_H
#define PS_CANVAS_AXIS_H

#include <stdbool.h>
#include <stdint.h>

/** Tick i of `count` is (first + i) * mantissa * 10^power. */
struct ps_axis {
    int mantissa, power; /**< mantissa: 1, 2 or 5 */
    int64_t first;
    int count;
    bool scientific; /**< labels are written with a power of ten */
};

/** Choose the ticks in [lo, hi]: as many as fit into `most`. Local.
 * @param lo,hi lo < hi, hi - lo at least 1e-9 of the larger magnitude
 * @param most  at least 2
 * @param whole ticks are whole numbers */
void ps_axis_make(double lo, double hi, int most, bool whole, struct ps_axis *out);

/** The value of tick i, which need not be one of `count`; correctly rounded where it has less than 16 digits.
 * Local. */
double ps_axis_tick(const struct ps_axis *a, int64_t i);

/** A tick's label: with as many decimals as tell it from its neighbours. Local. */
void ps_axis_label(const struct ps_axis *a, int64_t i, char *text, int room);

#endif
