/** Tables of text with a header, words and missing values, in memory. */
#ifndef SERIES_TEXT_H
#define SERIES_TEXT_H

#include "apps/lstm/series_columns.h"

enum { SERIES_TEXT_PAD = 1 }; /**< room for a LF behind the text */

/** Parse a table. A first line without any number, date or missing value is the header. Fields may stand in
 * double quotes; empty fields, NA, NaN, null, none, - and ? are missing; lines that begin with # and blank
 * ones are passed over. By all OpenMP threads. Local.
 * @param text [n + SERIES_TEXT_PAD]; a LF is put behind it
 * @return as series_table_read */
enum ps_status series_text_parse(char *text, int64_t n, const struct series_wish *wish,
                                 struct series_table *out);

#endif
