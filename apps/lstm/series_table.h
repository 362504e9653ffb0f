/** A table of numbers with times, as it stands in a file: any order of rows, with duplicates, gaps and
 * missing values. */
#ifndef SERIES_TABLE_H
#define SERIES_TABLE_H

#include "apps/lstm/series_time.h"
#include "common/run/param.h"

enum { SERIES_NAME = 64 };
typedef char series_name[SERIES_NAME];

/** What is wanted of a file. */
struct series_wish {
    const char *path, *dataset;
    const char *time;    /**< name or number of its column; "auto"; "none": rows are steps */
    const char *columns; /**< names or numbers, with commas between; "": all of numbers */
    const char *target;  /**< likewise; "": the only column */
    bool refuse;         /**< missing values */
};

struct series_table {
    int64_t rows;
    int cols;          /**< targets that are not among the wanted columns come last */
    series_name *name; /**< [cols]; owned */
    int targets;
    int *target; /**< [targets] their columns; owned */
    struct series_clock clock;
    int64_t *time; /**< [rows] ticks; owned */
    double *value; /**< [rows][cols]; NaN: missing; owned */
};

/** Read a table: text (comma, semicolon, tab or blank separated, packed by gzip or not), or what
 * common/io/shard reads. Local.
 * @return PS_OK; PS_EIO; PS_EINPUT (a field is no number, no time, missing: names file, line and column);
 * PS_EUSAGE (no such column); PS_ENOMEM; PS_EBACKEND */
enum ps_status series_table_read(const struct series_wish *wish, struct series_table *out);
void series_table_free(struct series_table *t); /**< A zeroed table is fine. Local. */

#endif
