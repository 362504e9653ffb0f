#include "apps/lstm/series_time.h"

#include <math.h>
#include <stdio.h>
#include "common/io/number.h"
#include "common/run/err.h"

enum { MOST_DECIMALS = 9, YEAR_MIN = 1, YEAR_MAX = 9999 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/** Days since 1970-01-01. Years begin in March, so that the leap day is their last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t part[3])
{
    days += 719468;
    int64_t era = floor_div(days, 146097), of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    part[2] = of_year - (153 * month + 2) / 5 + 1;
    part[1] = month + (month < 10 ? 3 : -9);
    part[0] = year + era * 400 + (part[1] <= 2);
}

static int days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool series_time_seconds(const int64_t part[6], int64_t *seconds)
{
    if (part[0] < YEAR_MIN || part[0] > YEAR_MAX || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > days_in(part[0], part[1]))
        return false;
    if (part[3] < 0 || part[3] > 23 || part[4] < 0 || part[4] > 59 || part[5] < 0 || part[5] > 59)
        return false;
    *seconds = days_of(part[0], part[1], part[2]) * SERIES_DAY + part[3] * 3600 + part[4] * 60 + part[5];
    return true;
}

/** Digits, at most `most`. @return how many */
static int take(const char **at, const char *end, int most, int64_t *out)
{
    int n = 0;
    for (*out = 0; *at < end && n < most && (unsigned char)(**at - '0') <= 9; ++*at, n++)
        *out = *out * 10 + (**at - '0');
    return n;
}

static bool mark(const char **at, const char *end, char c)
{
    if (*at == end || **at != c) return false;
    ++*at;
    return true;
}

/** `2016-07-31`, `2016/7/31`, `7/31/2016`. */
static bool take_date(const char **at, const char *end, int64_t part[3])
{
    int digits = take(at, end, 4, &part[0]);
    if (*at == end || (**at != '-' && **at != '/')) return false;
    char between = *(*at)++;
    if (digits == 4)
        return take(at, end, 2, &part[1]) && mark(at, end, between) && take(at, end, 2, &part[2]);
    part[1] = part[0];
    return digits >= 1 && digits <= 2 && between == '/' && take(at, end, 2, &part[2]) && mark(at, end, '/') &&
           take(at, end, 4, &part[0]) == 4;
}

bool series_time_parse(const char *at, const char *end, int64_t *seconds)
{
    int64_t part[6] = {0};
    if (!take_date(&at, end, part)) return false;
    if (mark(&at, end, ' ') || mark(&at, end, 'T')) {
        if (!take(&at, end, 2, &part[3]) || !mark(&at, end, ':') || take(&at, end, 2, &part[4]) != 2)
            return false;
        if (mark(&at, end, ':') && take(&at, end, 2, &part[5]) != 2) return false;
        mark(&at, end, 'Z');
    }
    return at == end && series_time_seconds(part, seconds);
}

/** Are all numbers whole multiples of 10^-decimals, as far as doubles can tell? */
static bool whole(const double *number, int64_t n, double ten)
{
    for (int64_t i = 0; i < n; i++) {
        double x = number[i] * ten;
        if (!(fabs(x) <= 0x1p53 && fabs(x - round(x)) <= 1e-6)) return false; /* NaN too */
    }
    return true;
}

enum ps_status series_time_ticks(const double *number, int64_t n, struct series_clock *clock, int64_t *tick)
{
    *clock = (struct series_clock){.date = false};
    double ten = 1;
    while (!whole(number, n, ten)) {
        PS_CHECK(
            clock->decimals < MOST_DECIMALS, PS_EINPUT,
            "a time is missing, too large, or a number of more than %d decimals; count them in another unit",
            MOST_DECIMALS);
        clock->decimals++;
        ten *= 10;
    }
    for (int64_t i = 0; i < n; i++) tick[i] = (int64_t)llround(number[i] * ten);
    return PS_OK;
}

int series_time_format(const struct series_clock *clock, int64_t tick, char *out)
{
    if (!clock->date) return ps_number_format((double)tick / pow(10, clock->decimals), out);
    int64_t date[3], days = floor_div(tick, SERIES_DAY), second = tick - days * SERIES_DAY;
    date_of(days, date);
    return snprintf(out, SERIES_TIME_TEXT, "%04d-%02d-%02d %02d:%02d:%02d", (int)date[0] % 10000,
                    (int)date[1] % 100, (int)date[2] % 100, (int)(second / 3600), (int)(second / 60 % 60),
                    (int)(second % 60));
}

void series_time_span(const struct series_clock *clock, int64_t ticks, char *out)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } unit[] = {{SERIES_DAY, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    if (!clock->date) {
        ps_number_format((double)ticks / pow(10, clock->decimals), out);
        return;
    }
    int at = 0;
    out[0] = 0;
    for (int u = 0; u < 4; u++) {
        if (ticks < unit[u].seconds) continue;
        at += snprintf(out + at, (size_t)(SERIES_TIME_TEXT - at), "%s%lld %s", at ? " " : "",
                       (long long)(ticks / unit[u].seconds), unit[u].name);
        ticks %= unit[u].seconds;
    }
}

double series_time_of_day(int64_t seconds)
{
    return (double)(seconds - floor_div(seconds, SERIES_DAY) * SERIES_DAY) / SERIES_DAY;
}

double series_time_of_week(int64_t seconds)
{
    const int64_t week = 7 * SERIES_DAY,
                  since_monday = seconds + 3 * SERIES_DAY; /* 1970 began on a Thursday */
    return (double)(since_monday - floor_div(since_monday, week) * week) / (double)week;
}

double series_time_of_year(int64_t seconds)
{
    int64_t date[3], days = floor_div(seconds, SERIES_DAY);
    date_of(days, date);
    int64_t first = days_of(date[0], 1, 1), length = days_of(date[0] + 1, 1, 1) - first;
    return ((double)(days - first) + series_time_of_day(seconds)) / (double)length;
}
