#include "apps/lstm/series_fields.h"

#include <string.h>
#include <strings.h>
#include "common/io/number.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct series_line series_line_begin(const char *at, const char *end, char separator)
{
    while (end > at && blank(end[-1]) && (separator != '\t' || end[-1] != '\t')) end--;
    return (struct series_line){at, end, separator, true};
}

const char *series_line_next(struct series_line *l, const char **field)
{
    const char *at = l->at, *end = l->end, sep = l->separator;
    while (at < end && blank(*at) && *at != sep) at++;
    if (sep == ' ')
        while (at < end && blank(*at)) at++;
    const char *from = at, *to;
    if (at < end && *at == '"') {
        const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
        from = at + 1;
        to = quote ? quote : end;
        at = quote ? quote + 1 : end;
        while (at < end && *at != sep && !(sep == ' ' && blank(*at))) at++;
    } else {
        while (at < end && *at != sep && !(sep == ' ' && blank(*at))) at++;
        to = at;
    }
    while (to > from && blank(to[-1])) to--;
    while (from < to && blank(*from)) from++;
    l->more = at < end; /* a separator promises a field; blanks at the end of the line are gone */
    l->at = at < end ? at + 1 : at;
    *field = from;
    return to;
}

bool series_line_empty(const char *at, const char *end)
{
    while (at < end && blank(*at)) at++;
    return at == end || *at == '#';
}

char series_line_separator(const char *at, const char *end)
{
    static const char known[] = {';', ',', '\t'};
    for (int i = 0; i < 3; i++)
        if (memchr(at, known[i], (size_t)(end - at))) return known[i];
    return ' ';
}

bool series_field_number(const char *at, const char *end, double *out)
{
    return ps_number_parse(at, end, out) == end;
}

bool series_field_missing(const char *at, const char *end)
{
    static const char *const words[] = {"NA", "N/A", "NaN", "null", "none", "-", "?"};
    size_t n = (size_t)(end - at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && !strncasecmp(at, words[i], n)) return true;
    return n == 0;
}

enum series_field series_field_kind(const char *at, const char *end)
{
    double number;
    int64_t seconds;
    if (series_field_missing(at, end)) return SERIES_ABSENT;
    if (series_field_number(at, end, &number)) return SERIES_NUMBER;
    return series_time_parse(at, end, &seconds) ? SERIES_DATE : SERIES_WORD;
}
