/* A run from its first instruction to its exit status. The only place that names MPI_COMM_WORLD. */
#include "common/run/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef _OPENMP
#    include <omp.h>
#endif
#include "common/par/place.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/run_parts.h"
#include "common/run/timer.h"
#include "common/run/trials.h"

/* Seconds that a rank with a failure waits for the others to come to the same point. */
static const double patience = 5;

/* Where no launcher started the process, Open MPI would start a daemon for it and look for networks that
 * nobody is to be reached by: 0.3 s. Its hwloc would load libraries to find displays and OpenCL devices and
 * read the configuration of every PCI device, a millisecond each on a virtual machine; nothing here asks for
 * them. Its folder of the session would be that of all such processes: where many start and end on a node at
 * the same time, one removes it while another needs it, and one in forty fails. */
static void start_mpi(int *argc, char ***argv)
{
    int provided;
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMIX_RANK") && !getenv("PMI_RANK")) {
        setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
        setenv("OMPI_MCA_pml", "ob1", 0);
        setenv("OMPI_MCA_btl", "self", 0);
        setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
        setenv("OMPI_MCA_sharedfp", "^sm", 0); /* has a file in such a folder */
        setenv("HWLOC_PLUGINS_PATH", "", 0);
        setenv("HWLOC_COMPONENTS", "-linux:pci", 0);
    }
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
}

static void start(struct ps_run *run, const struct ps_program *program, int *argc, char ***argv)
{
    run->comm = MPI_COMM_NULL;
    run->size = 1;
    if (program->common & PS_ALONE) return;
    start_mpi(argc, argv);
    run->comm = MPI_COMM_WORLD;
    MPI_Comm_rank(run->comm, &run->rank);
    MPI_Comm_size(run->comm, &run->size);
}

static void print_failure(const struct ps_run *run, enum ps_status rc)
{
    const char *message = ps_err_message()[0] ? ps_err_message() : ps_status_text(rc);
    fflush(stdout);
    if (ps_err_rank() > 0)
        fprintf(stderr, "%s: %s (on rank %d)\n", run->name, message, ps_err_rank());
    else
        fprintf(stderr, "%s: %s\n", run->name, message);
    fflush(stderr);
}

/* Rank 0 reads the parameters; all get them.
 * @param trial these are those of a trial; where its parameters are still to come, some may be missing */
static enum ps_status share_parameters(struct ps_run *run, struct ps_setup *s, int argc, char **argv,
                                       bool trial)
{
    int code = PS_OK;
    if (run->rank == 0) {
        code = (int)ps_setup_read(s, argc, argv, false);
        if (code == PS_OK && (trial || !s->common->trials[0])) code = (int)ps_table_check(s->tables, 2);
    }
    if (ps_alone(run)) return (enum ps_status)code;
    MPI_Bcast(&code, 1, MPI_INT, 0, run->comm);
    if (code != PS_OK) return (enum ps_status)code;
    MPI_Bcast(s->buffer, (int)s->bytes, MPI_BYTE, 0, run->comm);
    return PS_OK;
}

/* @param cores of this rank, where that is known; 0: find out */
static void set_threads(struct ps_run *run, int cores)
{
    run->threads = 1;
    if (ps_alone(run)) return;
#ifdef _OPENMP
    /* rank 0 decides how, since finding the place is collective */
    int wanted = run->common->threads, from_place = wanted == 0 && !getenv("OMP_NUM_THREADS");
    MPI_Bcast(&from_place, 1, MPI_INT, 0, run->comm);
    if (from_place)
        wanted = cores ? cores : ps_place_find(run->comm).cores;
    else if (wanted == 0)
        wanted = omp_get_max_threads();
    run->threads = wanted;
    omp_set_num_threads(wanted);
#endif
}

/* Are phases told at the end? */
static bool reports(const struct ps_run *run)
{
    return run->common->record[0] || ps_log_debug(run);
}

static enum ps_status begin(struct ps_run *run, struct ps_setup *s, int argc, char **argv, double start,
                            int cores)
{
    double to_mpi = ps_now() - start;
    enum ps_status rc = ps_timer_make(run, start, reports(run), &run->timer);
    if (rc == PS_OK && run->rank == 0 && run->common->record[0])
        rc = ps_record_open(run->common->record, &run->record);
    PS_TRY(ps_agree(run->comm, rc));
    set_threads(run, cores);
    if (run->common->record[0]) ps_record_start(run, s, argc, argv, to_mpi);
    return PS_OK;
}

_Noreturn void ps_run_abandon(const struct ps_run *run, enum ps_status rc)
{
    print_failure(run, rc);
    MPI_Abort(run->comm, ps_exit_status(rc));
    _Exit(ps_exit_status(rc)); /* for the compiler: it has ended */
}

/* All ranks come here after the program's work. One that failed alone, while others wait for it in some
 * collective, would wait for ever: it ends the job after a while. */
static enum ps_status come_together(struct ps_run *run, MPI_Comm all, enum ps_status rc)
{
    int failed = rc != PS_OK, any = 0, done = 0;
    MPI_Request request;
    MPI_Iallreduce(&failed, &any, 1, MPI_INT, MPI_MAX, all, &request);
    double limit = ps_now() + patience;
    while (failed && !done && ps_now() < limit) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    if (failed && !done) ps_run_abandon(run, rc);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    return any ? ps_agree(all, rc) : PS_OK;
}

static void record_end(struct ps_run *run, enum ps_status rc)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t mine = (int64_t)usage.ru_maxrss * 1024, max = mine, sum = mine;
    if (!ps_alone(run)) {
        MPI_Reduce(&mine, &max, 1, MPI_INT64_T, MPI_MAX, 0, run->comm);
        MPI_Reduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, 0, run->comm);
    }
    ps_debug(run, "peak memory: %.1f MB at most on a rank, %.1f MB together; elapsed %.3f s\n",
             (double)max / 1e6, (double)sum / 1e6, ps_elapsed(run));
    ps_record_begin(run, "end");
    ps_record_str(run, "status", rc == PS_OK ? "ok" : rc == PS_STOPPED ? "stopped" : "failed");
    ps_record_int(run, "exit", ps_exit_status(rc));
    if (rc != PS_OK) ps_record_str(run, "message", ps_err_message());
    ps_record_num(run, "elapsed", ps_elapsed(run));
    ps_record_int(run, "memory_max", max);
    ps_record_int(run, "memory_sum", sum);
    ps_record_end(run);
}

static enum ps_status work(struct ps_run *run, struct ps_setup *s)
{
    const MPI_Comm all = run->comm;
    if (!ps_alone(run)) MPI_Comm_dup(all, &run->comm);
    enum ps_status rc = s->program->run(run, s->buffer);
    if (fflush(stdout) != 0 && rc == PS_OK)
        rc = ps_fail(PS_EIO, "the results cannot be written to standard output: %s", strerror(errno));
    if (!ps_alone(run)) {
        rc = come_together(run, all, rc);
        /* after a failure messages may be under way on the program's communicator: it is left alone */
        if (rc == PS_OK) MPI_Comm_free(&run->comm);
        run->comm = all;
    }
    if (reports(run)) {
        char message[2048]; /* of the run; the report agrees too */
        snprintf(message, sizeof message, "%s", ps_err_message());
        int rank = ps_err_rank();
        ps_phases_report(run);
        ps_err_restore(message, rank);
        record_end(run, rc);
    }
    return rc;
}

/* A run from its parameters to its status, in which its ranks agree. */
static enum ps_status run_one(struct ps_run *run, struct ps_setup *s, int argc, char **argv, double began,
                              int cores)
{
    run->many = s->tables[0].many;
    if (!s->common->checkpoint[0] && !(s->program->common & PS_STOPS)) ps_stop_watch(false);
    PS_TRY(begin(run, s, argc, argv, began, cores));
    return work(run, s);
}

/* One of several runs of this job; its failure is told where it prints to. @return the worst of them */
static enum ps_status run_trial(struct ps_run *run, struct ps_setup *s, int argc, char **argv, double began)
{
    const MPI_Comm all = run->comm;
    const struct ps_place place = ps_place_find(all); /* all ranks of the node share it, whatever they do */
    struct ps_words words = {.n = 0};
    enum ps_status rc = ps_trials_take(run, s, argc, argv, &words);
    const bool taken = rc == PS_OK;
    if (taken) rc = share_parameters(run, s, words.n, words.word, true);
    run->node_rank = place.node_rank;
    run->node_ranks = place.node_size;
    if (rc == PS_OK) rc = run_one(run, s, words.n, words.word, began, place.cores);
    if (rc != PS_OK && run->rank == 0) print_failure(run, rc);
    ps_words_free(&words);
    return taken ? ps_trials_end(run, all, rc) : rc;
}

int ps_main(int argc, char **argv, const struct ps_program *program)
{
    double began = ps_now();
    int status;
    struct ps_setup s;
    struct ps_run run = {.comm = MPI_COMM_NULL, .name = program->name, .node_rank = -1};
    if (ps_setup_make(&s, program) != PS_OK) {
        print_failure(&run, PS_EINTERNAL);
        return EXIT_FAILURE;
    }
    if (ps_setup_serve(&s, argc, argv, &status)) {
        ps_setup_free(&s);
        return status;
    }
    ps_stop_watch(program->common & (PS_HAS_CHECKPOINT | PS_STOPS));
    start(&run, program, &argc, &argv);
    run.common = s.common;
    const int end = ps_setup_end(&s, argc, argv);
    if (end < argc) run.rest = argv + end + 1;

    enum ps_status rc = share_parameters(&run, &s, argc, argv, false);
    const bool trials = rc == PS_OK && s.common->trials[0];
    if (trials)
        rc = run_trial(&run, &s, argc, argv, began);
    else if (rc == PS_OK)
        rc = run_one(&run, &s, argc, argv, began, 0);
    if (rc != PS_OK && run.rank == 0 && !trials) print_failure(&run, rc);
    fflush(stdout);
    ps_record_close(run.record);
    ps_timer_free(run.timer);
    ps_setup_free(&s);
    if (!ps_alone(&run)) MPI_Finalize();
    return ps_exit_status(rc);
}
