/** An axis: from values to pixels, and where its marks are. */
#ifndef FIGURE_SCALE_H
#define FIGURE_SCALE_H

#include <stdbool.h>

enum { FIGURE_TICKS = 24 };

struct figure_scale {
    bool log;
    double lo, hi;   /**< values at the ends */
    double from, to; /**< pixels there */
    int ticks;
    double tick[FIGURE_TICKS];
    char label[FIGURE_TICKS][16];
};

/** Choose range and marks. @param lo,hi of the data, in any order if there is none; above 0 with log
 * @param most marks @param whole marks are whole numbers @param wide_to_ticks the range ends at marks */
void figure_scale_make(struct figure_scale *s, double lo, double hi, int most, bool whole,
                       bool wide_to_ticks);

/** Pixel of a value. */
double figure_scale_at(const struct figure_scale *s, double value);

/** Can it be drawn? */
bool figure_scale_shows(const struct figure_scale *s, double value);

#endif
