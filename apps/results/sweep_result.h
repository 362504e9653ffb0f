/** What came of an attempt: its record, and what it printed last. Local. */
#ifndef SWEEP_RESULT_H
#define SWEEP_RESULT_H

#include <stdint.h>
#include "common/run/err.h"

struct sweep_result {
    bool there;        /**< the attempt has a run in the record */
    bool ended;        /**< that has an end */
    int exit;          /**< its exit status there */
    double metric;     /**< NaN: null in the record */
    bool has_metric;   /**< the field is there */
    char message[512]; /**< of a failure; "" */
    char fields[512];  /**< where the metric is missing: what the record has */
};

/** Runs in a record so far; 0 if there is none. */
int64_t sweep_result_runs(const char *record);

/** Read the last run behind the first `before` ones. @param metric "EVENT.FIELD", of the last such event that
 * has the field; "" = none wanted, and then there is one, NaN
 * @return PS_OK; PS_ENOMEM */
enum ps_status sweep_result_read(const char *record, int64_t before, const char *metric,
                                 struct sweep_result *out);

/** The last line with letters of a file; "" if there is none. @param out [room] */
void sweep_last_line(const char *path, char *out, size_t room);

/** Is this of the form EVENT.FIELD? */
bool sweep_metric_good(const char *metric);

#endif
