/** What people read: results on stdout, the rest on stderr; rank 0 speaks. */
#ifndef PS_LOG_H
#define PS_LOG_H

#include "common/run/run.h"

/** Print to stdout on rank 0 (results and summary lines; always shown unless log = quiet). Local; a no-op on
 * other ranks. */
void ps_print(const struct ps_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Print to stderr on rank 0 at log = info or debug. Local; a no-op on other ranks. */
void ps_info(const struct ps_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ps_debug(const struct ps_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** "NAME: warning: ..." on stderr of rank 0, also at log = quiet. Local; a no-op on other ranks. */
void ps_warn(const struct ps_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** One line on a terminal, rewritten at most ten times a second: what, share, rate, time left. Where stderr
 * is a file, work that takes long says that once in a run, after half a minute, so that people who look into
 * the file see that something goes on and when it will end. */
struct ps_progress {
    const struct ps_run *run;
    const char *what, *unit;
    int64_t total;
    double start, last;
    bool on;   /**< rewritten */
    bool once; /**< said once */
};
void ps_progress_begin(struct ps_progress *p, const struct ps_run *run, const char *what, const char *unit,
                       int64_t total);
void ps_progress_at(struct ps_progress *p, int64_t done);
void ps_progress_end(struct ps_progress *p);

#endif
