/** Which columns of a file are times, inputs and targets. */
#ifndef SERIES_COLUMNS_H
#define SERIES_COLUMNS_H

#include "apps/lstm/series_table.h"

/** What the first row of a column holds. */
enum series_field { SERIES_WORD, SERIES_NUMBER, SERIES_ABSENT, SERIES_DATE };

/** The columns of a file. */
struct series_header {
    const char *path; /**< borrowed, for messages */
    int cols;
    series_name *name;        /**< [cols]; numbers from 0 where the file has no names; owned */
    enum series_field *field; /**< [cols]; owned */
};

enum series_time_form { SERIES_TIME_ROWS, SERIES_TIME_NUMBER, SERIES_TIME_DATE, SERIES_TIME_PARTS };
enum { SERIES_DATE_PARTS = 5 }; /**< year, month, day, hour, minute */

/** The choice. */
struct series_pick {
    enum series_time_form form;
    int time[SERIES_DATE_PARTS]; /**< columns of the file: the first one, or all parts (-1: there is none) */
    int cols, targets;
    int *column; /**< [cols] columns of the file; owned */
    int *target; /**< [targets] which of those; owned */
};

/** What columns of times are called where nobody says it, in any case; NULL at the end. */
extern const char *const series_time_names[];

/** Choose. Local. @return PS_OK; PS_EUSAGE (no such column, with the nearest name; what has no default);
 * PS_EINPUT (no column of times was found; a wanted column holds words); PS_ENOMEM */
enum ps_status series_columns_pick(const struct series_header *h, const struct series_wish *wish,
                                   struct series_pick *out);

/** Take names and targets of a choice into a table. Local. @return PS_OK; PS_ENOMEM */
enum ps_status series_columns_keep(const struct series_header *h, struct series_pick *p,
                                   struct series_table *out);

/** The next item of a list with commas between, without the blanks around it. Local.
 * @param at where to begin; after the call where to go on; NULL: that was the last @return characters */
int series_list_next(const char **at, const char **item);

void series_header_free(struct series_header *h); /**< Local. */
void series_pick_free(struct series_pick *p);     /**< Local. */

#endif
