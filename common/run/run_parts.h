/** What the files of common/run share with each other only. */
#ifndef PS_RUN_PARTS_H
#define PS_RUN_PARTS_H

#include "common/run/run.h"

enum { PS_COMMON_ROWS_MAX = 16 };

/** The parameters of one run: two tables, the program's and the common one, whose structs lie in one buffer.
 */
struct ps_setup {
    const struct ps_program *program;
    struct ps_table tables[2];
    struct ps_param common_rows[PS_COMMON_ROWS_MAX];
    void *buffer; /**< [bytes]: program's struct, then struct ps_common; owned */
    size_t bytes;
    struct ps_common *common; /**< in buffer */
    enum ps_origin *origins;  /**< owned; the tables point into it */
};

/** Make tables with defaults. Local. */
enum ps_status ps_setup_make(struct ps_setup *s, const struct ps_program *program);
void ps_setup_free(struct ps_setup *s);

/** Apply command line and parameter file, check. Local.
 * @param complete false: required parameters may be missing (for a template) */
enum ps_status ps_setup_read(struct ps_setup *s, int argc, char **argv, bool complete);

/** Serve --help, --version and the like, which need no MPI. Local.
 * @param status out: exit status where something was served
 * @return true where something was served */
bool ps_setup_serve(struct ps_setup *s, int argc, char **argv, int *status);

/** The place of the `--` that ends a program's own arguments; argc if there is none. Local. */
int ps_setup_end(const struct ps_setup *s, int argc, char **argv);

/** A process without MPI? Local. */
static inline bool ps_alone(const struct ps_run *run)
{
    return run->comm == MPI_COMM_NULL;
}

/** Exit status that belongs to a code. Local. */
int ps_exit_status(enum ps_status rc);

/** True at log = debug. Local. */
bool ps_log_debug(const struct ps_run *run);

/** Catch USR1 and TERM for programs that can stop and go on; let them be otherwise. Local. */
void ps_stop_watch(bool can_stop);

/** Seconds of a clock that only goes forward. Local. */
double ps_now(void);

/** Timer of a run that began at `start` (ps_now). Collective over run->comm. @param reported waits and joules
 * are measured, too @return PS_OK; PS_ENOMEM */
enum ps_status ps_timer_make(const struct ps_run *run, double start, bool reported, struct ps_timer **out);
void ps_timer_free(struct ps_timer *t);

/** Record: open for appending (rank 0 only), write the `start` line, close. Start is collective over
 * run->comm; the rest is local. */
enum ps_status ps_record_open(const char *path, struct ps_record **out);
void ps_record_start(struct ps_run *run, const struct ps_setup *s, int argc, char **argv, double to_mpi);
void ps_record_close(struct ps_record *r);

/** Version, git state, compiler, optional libraries that are built in (a blank before each). Local. */
const char *ps_version(void);
const char *ps_git(void);
const char *ps_compiler(void);
const char *ps_features(void);

#endif
