/** A series in order of time, with equal steps but for gaps that are known. */
#ifndef SERIES_GRID_H
#define SERIES_GRID_H

#include "apps/lstm/series_table.h"

enum series_missing { SERIES_MISSING_REFUSE, SERIES_MISSING_PREVIOUS, SERIES_MISSING_LINEAR };

/** What was found and done. Times are ticks. */
struct series_report {
    int64_t rows;                     /**< in the end */
    int64_t step;                     /**< most frequent difference of times, the smallest of several */
    int64_t displaced;                /**< rows that stood behind a later one */
    int64_t duplicates, duplicate_at; /**< rows with the time of an earlier one; the first */
    int64_t gaps, gap_at, widest, widest_at; /**< places where more or less than a step passes: the last time
                                                before the first one; the most time that passes */
    int64_t absent;                          /**< whole steps that the gaps lack */
    int64_t filled;                          /**< missing values that were filled */
    int64_t added;                           /**< rows that filled gaps */
};

/** Sort rows by time (equal times stay in order), drop later rows of equal times, find the step and gaps,
 * fill missing values from rows before and after, the first ones of a column from the row after them. With
 * `fill`, rows are added in gaps, as `missing` says (linear where it says refuse). Local.
 * @param path for messages
 * @return PS_OK; PS_EINPUT (fewer than 2 times; a column without any value; a gap that is no whole number of
 * steps cannot be filled); PS_ENOMEM */
enum ps_status series_grid_make(const char *path, struct series_table *t, enum series_missing missing,
                                bool fill, struct series_report *out);

#endif
