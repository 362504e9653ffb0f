/** Times of a series: dates as programs and people write them, or plain numbers; inside, whole ticks. */
#ifndef SERIES_TIME_H
#define SERIES_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

enum { SERIES_TIME_TEXT = 40, SERIES_DAY = 86400 };

/** What a tick is. Plain numbers are counted in units of 10^-decimals, so that steps such as 0.1 are exact.
 */
struct series_clock {
    bool date;    /**< ticks are seconds since 1970-01-01 00:00 of the calendar that the file uses */
    int decimals; /**< else */
};

/** Seconds since 1970 of a date of the Gregorian calendar.
 * @param part year, month, day, hour, minute, second @return false: there is no such date. Local.
 * Source of the count of days: Hinnant, "chrono-compatible low-level date algorithms" (2013). */
bool series_time_seconds(const int64_t part[6], int64_t *seconds);

/** Parse all of [at, end): `YYYY-MM-DD` or `YYYY/MM/DD`, or `M/D/YYYY`, then perhaps a blank or T and
 * `h:mm` or `h:mm:ss`, with or without a Z. @return is it such a date? Local. */
bool series_time_parse(const char *at, const char *end, int64_t *seconds);

/** Numbers to ticks. Local.
 * @param number [n] @param tick out [n]
 * @return PS_OK; PS_EINPUT (they need more than 9 decimals, or more than 53 bits; NaN) */
enum ps_status series_time_ticks(const double *number, int64_t n, struct series_clock *clock, int64_t *tick);

/** As `YYYY-MM-DD hh:mm:ss`, or as a number. Local. @param out [SERIES_TIME_TEXT] @return characters */
int series_time_format(const struct series_clock *clock, int64_t tick, char *out);

/** A length of time in words: `1 h`, `2 d 3 h`, `15 min`, or a number. Local.
 * @param out [SERIES_TIME_TEXT] */
void series_time_span(const struct series_clock *clock, int64_t ticks, char *out);

/** As a fraction in [0, 1): of the day, of the week from Monday on, of the year. Dates only. Local. */
double series_time_of_day(int64_t seconds);
double series_time_of_week(int64_t seconds);
double series_time_of_year(int64_t seconds);

#endif
