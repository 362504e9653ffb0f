#include "apps/lstm/series_units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/run/err.h"

static const char since[] = " since ";

bool series_units_dated(const char *units)
{
    return strstr(units, since);
}

/** Is a word of n characters in a list with blanks around each? Upper and lower case are alike. */
static bool among(const char *word, int n, const char *list)
{
    for (const char *at = list; *at; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        if ((int)strcspn(at, " ") == n && n && !strncasecmp(at, word, (size_t)n)) return true;
    }
    return false;
}

/** Seconds of a unit; 0: another one. */
static double seconds_of(const char *word, int n)
{
    static const struct {
        double seconds;
        const char *names;
    } unit[] = {{1, " seconds second secs sec s "},
                {60, " minutes minute mins min "},
                {3600, " hours hour hrs hr h "},
                {86400, " days day d "}};
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
        if (among(word, n, unit[i].names)) return unit[i].seconds;
    return 0;
}

/** `Z`, `UTC`, `+1`, `-06:00`: which it is does not matter. */
static bool zone(const char *at)
{
    int n = 0, digits;
    at += strspn(at, " ");
    if (!*at || !strcmp(at, "Z") || !strcmp(at, "UTC") || !strcmp(at, "GMT")) return true;
    if (*at != '+' && *at != '-') return false;
    digits = (int)strspn(at + 1, "0123456789");
    if (digits < 1 || digits > 4) return false;
    at += 1 + digits;
    return !*at || (sscanf(at, ":%*2[0-9]%n", &n) == 0 && n && !at[n]);
}

/** `1900-1-1`, then perhaps `00:00`, `0:0:0.0`, with a blank or T before it, then perhaps a zone. */
static bool take_date(const char *at, int64_t part[6])
{
    int value[6] = {0}, n = 0;
    at += strspn(at, " ");
    if (sscanf(at, "%4d-%2d-%2d%n", &value[0], &value[1], &value[2], &n) != 3) return false;
    at += n;
    n = 0;
    int sign = (int)strcspn(at, "+-"), colon = (int)strcspn(at, ":"); /* a zone has a sign before its colon */
    if ((*at == 'T' || *at == ' ') && colon < sign &&
        sscanf(at + 1, " %2d:%2d%n", &value[3], &value[4], &n) == 2) {
        at += 1 + n;
        n = 0;
        if (sscanf(at, ":%2d%n", &value[5], &n) == 1) at += n;
        if (*at == '.') at += 1 + strspn(at + 1, "0");
    }
    for (int i = 0; i < 6; i++) part[i] = value[i];
    return zone(at);
}

enum ps_status series_units_parse(const char *where, const char *units, const char *calendar,
                                  struct series_units *out)
{
    const char *word = units + strspn(units, " "), *middle = strstr(units, since);
    const int n = (int)strcspn(word, " "), all = (int)strlen(calendar);
    const bool proleptic = among(calendar, all, " proleptic_gregorian ");
    int64_t part[6];
    PS_CHECK(!all || proleptic || among(calendar, all, " standard gregorian "), PS_EINPUT,
             "%s: times of the calendar %s are not read, but those of standard, gregorian and "
             "proleptic_gregorian; --time none takes rows for steps",
             where, calendar);
    out->seconds = seconds_of(word, n);
    PS_CHECK(out->seconds > 0, PS_EINPUT,
             "%s: '%s': times are read in seconds, minutes, hours and days; --time none takes rows for steps",
             where, units);
    PS_CHECK(middle && take_date(middle + sizeof since - 1, part) && series_time_seconds(part, &out->start),
             PS_EINPUT,
             "%s: '%s' is not understood; units of times are such as hours since 1900-01-01 00:00:00", where,
             units);
    const bool julian = part[0] * 10000 + part[1] * 100 + part[2] < 15821015;
    const int64_t year = part[0] - (part[1] <= 2);
    if (julian && !proleptic) out->start += (year / 100 - year / 400 - 2) * SERIES_DAY;
    return PS_OK;
}

enum ps_status series_units_ticks(const char *where, const struct series_units *u, const double *number,
                                  int64_t n, int64_t *tick)
{
    const double least = -62135596800, most = 253402300799; /* 0001-01-01, 9999-12-31 23:59:59 */
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)u->start + number[i] * u->seconds;
        PS_CHECK(x >= least && x <= most, PS_EINPUT,
                 "%s: row %lld is %g, which is no time within the years 1 to 9999", where, (long long)i,
                 number[i]);
        /* fractions of days since 1900 are good to a microsecond as doubles, to minutes as floats */
        PS_CHECK(fabs(x - round(x)) < 0.01, PS_EINPUT,
                 "%s: row %lld is %.17g, which is no whole second: times are read to the second; --time none "
                 "takes rows for steps",
                 where, (long long)i, number[i]);
        tick[i] = (int64_t)llround(x);
    }
    return PS_OK;
}
