/** Run records read back: what common/run/record wrote. Local; needs no MPI. */
#ifndef PS_RECORDFILE_H
#define PS_RECORDFILE_H

#include <stdint.h>
#include "kernels/status.h"

struct cJSON;

/** A line of a run. */
struct ps_recorded_event {
    const char *name;           /**< "start", "phase", "epoch", ...; "" if the line has none */
    double time;                /**< seconds since the run's start; NaN if the line has none */
    const struct cJSON *fields; /**< borrowed from the records */
};

/** The lines of one run, in the order of the file. */
struct ps_recorded {
    const char *id, *file; /**< borrowed from the records */
    int64_t events;
    struct ps_recorded_event *event; /**< [events] */
};

/** Runs in the order of their first lines. Begins zeroed. */
struct ps_records {
    int64_t runs;
    struct ps_recorded *run;           /**< [runs] */
    int64_t cut;                       /**< lines that are no JSON object: cut off by a stop */
    struct ps_recorded_memory *memory; /**< owned */
};

/** Append the runs of a file. Lines of one id in two files are two runs.
 * @return PS_OK; PS_EIO, PS_ENOMEM; PS_EINPUT if no line of a file that is not empty is one of a record */
enum ps_status ps_records_read(struct ps_records *r, const char *path);
void ps_records_free(struct ps_records *r);

/** The nth event of that name: 0 the first, -1 the last. @return NULL if there is none */
const struct ps_recorded_event *ps_recorded_event(const struct ps_recorded *run, const char *name,
                                                  int64_t nth);

/** A number of an event, or `otherwise` if there is none of that name; null (an infinity or NaN) is NaN. */
double ps_recorded_num(const struct ps_recorded_event *e, const char *field, double otherwise);

/** A text of an event. @return borrowed; `otherwise` if there is none of that name */
const char *ps_recorded_str(const struct ps_recorded_event *e, const char *field, const char *otherwise);

/** Numbers of an event. @param out at least `most` @return how many there are, which may be more than `most`;
 * 0 if there is no list of that name */
int64_t ps_recorded_nums(const struct ps_recorded_event *e, const char *field, double *out, int64_t most);

/** Field i of an event, in the order of the line. @return its name; NULL past the last */
const char *ps_recorded_field(const struct ps_recorded_event *e, int64_t i);

/** A parameter of the run's `start` line as text. @param out at least `room` bytes
 * @return PS_OK; PS_EINPUT if the run has no such parameter */
enum ps_status ps_recorded_param(const struct ps_recorded *run, const char *name, char *out, int room);

/** Parameter i of the run's `start` line, in the order of its table. @return its name; NULL past the last
 * @param origin out, may be NULL: "default", "file" or "command" */
const char *ps_recorded_param_name(const struct ps_recorded *run, int64_t i, const char **origin);

#endif
