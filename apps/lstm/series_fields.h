/** Fields of lines of text. */
#ifndef SERIES_FIELDS_H
#define SERIES_FIELDS_H

#include <stdbool.h>
#include "apps/lstm/series_columns.h"

/** A line, as fields are taken from it. */
struct series_line {
    const char *at, *end;
    char separator; /**< ',' ';' tab, or ' ' for any number of blanks */
    bool more;      /**< there is another field */
};

/** Begin with a line, without its LF. Local. */
struct series_line series_line_begin(const char *at, const char *end, char separator);

/** The next field, without blanks and quotes around it. Local. @return where it ends */
const char *series_line_next(struct series_line *l, const char **field);

/** Does a line hold nothing but blanks, or a comment? Local. */
bool series_line_empty(const char *at, const char *end);

/** Which separator does a line have? Local. */
char series_line_separator(const char *at, const char *end);

/** What a field holds. Local. */
enum series_field series_field_kind(const char *at, const char *end);

/** A number that is all of a field. Local. */
bool series_field_number(const char *at, const char *end, double *out);

/** Is there no value in it? Local. */
bool series_field_missing(const char *at, const char *end);

#endif
