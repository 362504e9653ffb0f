/** Other programs, started and waited for. Local; for programs that run without MPI (PS_ALONE). */
#ifndef PS_PROCESS_H
#define PS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>
#include "common/run/err.h"

/** Start a program; what it prints is appended to a file.
 * It gets SIGTERM when this process dies, and none of the variables by which a launcher of this process would
 * make it a rank of this process's job.
 * @param argv   ended by NULL; argv[0] is looked for in PATH
 * @param output file for its standard output and error
 * @return PS_OK; PS_EIO (output); PS_EUSAGE (it cannot be started: names it); PS_ENOMEM */
enum ps_status ps_process_start(char *const *argv, const char *output, pid_t *out);

/** Wait for its end, at most so many seconds, or until a signal comes that is caught.
 * @param status out: exit status, or 128 + the signal that ended it
 * @return true: it has ended */
bool ps_process_wait(pid_t pid, double seconds, int *status);

#endif
