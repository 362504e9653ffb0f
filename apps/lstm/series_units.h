/** Times as netCDF files have them: numbers of units since a date (CF conventions, section 4.4). */
#ifndef SERIES_UNITS_H
#define SERIES_UNITS_H

#include "apps/lstm/series_time.h"

struct series_units {
    int64_t start;  /**< what 0 is, in seconds since 1970 of the Gregorian calendar */
    double seconds; /**< of a unit */
};

/** Are units those of a date, `... since ...`? Local. */
bool series_units_dated(const char *units);

/** Understand `hours since 1900-01-01 00:00:00`: seconds, minutes, hours and days, by their names and the
 * abbreviations of UDUNITS. A date before 1582-10-15 is Julian in the standard calendar. A zone is passed
 * over. Local.
 * @param calendar "": standard @param where of file and data set, for messages
 * @return PS_OK; PS_EINPUT (other units or calendars, no date) */
enum ps_status series_units_parse(const char *where, const char *units, const char *calendar,
                                  struct series_units *out);

/** Numbers to seconds since 1970. Local.
 * @param number [n] @param tick out [n]
 * @return PS_OK; PS_EINPUT (not a number, no whole second, not within the years 1 to 9999: names the row) */
enum ps_status series_units_ticks(const char *where, const struct series_units *u, const double *number,
                                  int64_t n, int64_t *tick);

#endif
