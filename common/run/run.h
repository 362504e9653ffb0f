/** What every program starts with: MPI, parameters, signals, record, and the exit status. */
#ifndef PS_RUN_H
#define PS_RUN_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/run/err.h"
#include "common/run/param.h"

struct ps_record;
struct ps_timer;

/** Parameters that programs share; a program takes the ones it names in ps_program.common. */
struct ps_common {
    ps_str record;     /**< JSON-lines file that the run appends to; "" = none */
    ps_str checkpoint; /**< file to write on a stop signal and every so often */
    bool resume;
    ps_str backend; /**< auto | ref | cpu | cuda */
    int threads;    /**< OpenMP threads per rank; 0 = what place finds */
    int64_t seed;
    int64_t grains;  /**< 0 = number of ranks */
    ps_str log;      /**< quiet | info | debug */
    ps_str trials;   /**< file with a line a trial: the ranks are split into as many parts; "" = one run */
    ps_str progress; /**< auto | on | off: progress line; auto = only on a terminal */
};

enum ps_common_bit {
    PS_HAS_CHECKPOINT = 1, /* checkpoint resume */
    PS_HAS_BACKEND = 2,
    PS_HAS_SEED = 4,
    PS_HAS_GRAINS = 8,
    PS_STOPS = 16, /* no parameter: it stops on a signal without a checkpoint, and the same command goes on */
    PS_ALONE = 32, /* one process without MPI: run->comm is MPI_COMM_NULL, nothing collective may be called
                      but ps_agree; it may start programs that use MPI */
    PS_TAKES_REST = 64 /* arguments after `--` are not parsed: they are run->rest */
    /* record log progress are always there, threads and trials but for PS_ALONE */
};

/** State of a run, valid from ps_main's start to its end. Communicators made from comm must be freed by
 * whoever made them. */
struct ps_run {
    MPI_Comm comm;
    int rank, size;
    const char *name; /**< of the program */
    int threads;      /**< OpenMP threads of this rank, already set */
    /** Among all ranks of the job on this node, and their number, where that is not as in comm; or -1, 0. */
    int node_rank, node_ranks;
    const struct ps_common *common;
    struct ps_record *record;
    struct ps_timer *timer;
    char **many; /**< free arguments of the row that takes many, ended by NULL; on rank 0; NULL if there are
                    none */
    char **rest; /**< with PS_TAKES_REST the arguments after `--`, ended by NULL; NULL if there is no `--` */
};

struct ps_alias {
    char letter;
    const char *name;
};

/** A program: its name, its table, its work. */
struct ps_program {
    const char *name;
    const char *summary;  /**< one line for --help, the man page and docs */
    const char *synopsis; /**< arguments after the name, e.g. "[options] [parameters.par | data]" */
    const struct ps_param *rows;
    int nrows;
    size_t params_size;
    unsigned common; /**< ps_common_bit */
    const struct ps_alias
        *letters; /**< letters for common rows ({'t', "threads"}), ended by letter 0; NULL = none */
    /** Collective over run->comm. Returns a status that is equal on all ranks (ps_agree). */
    enum ps_status (*run)(struct ps_run *run, const void *params);
};

/** Run a program from start to exit status: 0, 1 = failed, 2 = usage, 85 = stopped and can be resumed.
 * `--help`, `--version`, `--help-markdown` (docs table), `--help-man`, `--help-complete`, `--write-params`
 * (resolved parameter file on stdout) are served here, without MPI where possible. A failure is printed once,
 * by rank 0, as `NAME: message`. */
int ps_main(int argc, char **argv, const struct ps_program *program);

/** Print this rank's failure and end the job at once: for a rank that the others wait for in a way that no
 * message ends. Local; does not return. */
_Noreturn void ps_run_abandon(const struct ps_run *run, enum ps_status rc);

#endif
