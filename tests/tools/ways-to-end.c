/* A program that ends in each way that ps_main must turn into one message and one exit status. */
#include <signal.h>
#include <unistd.h>
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

enum way { WELL, TOGETHER, AGREED, ALONE, CRASH, STOPPED, WAIT };

struct params {
    int way, rank;
    ps_str text;
    double x;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, way, .positional = 1, .def = "well",
             .choices = "well|together|agreed|alone|crash|stopped|wait", .help = "how to end"),
    PS_PARAM(struct params, rank, .letter = 'r', .def = "0", .range = "[0,inf)", .help = "rank that fails"),
    PS_PARAM(struct params, text, .def = "", .help = "some text"),
    PS_PARAM(struct params, x, .def = "0.5", .range = "[0,1]", .help = "some number"),
};

static enum ps_status end(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    bool mine = run->rank == p->rank;
    ps_phase(run, "work");
    ps_print(run, "x %.17g, text '%s', seed %lld\n", p->x, p->text, (long long)run->common->seed);
    switch ((enum way)p->way) {
    case WELL:
        return PS_OK;
    case TOGETHER:
        return ps_fail(PS_EINPUT, "all ranks see this"); /* without agreement */
    case AGREED:
        return ps_agree(run->comm, mine ? ps_fail(PS_EIO, "this rank's disk is full") : PS_OK);
    case ALONE: /* a program that forgot to agree: the others wait for this rank */
        if (mine) return ps_fail(PS_ENOMEM, "this rank's memory is full");
        MPI_Barrier(run->comm);
        return PS_OK;
    case CRASH:
        if (mine) raise(SIGSEGV);
        MPI_Barrier(run->comm);
        return PS_OK;
    case STOPPED:
        return ps_fail(PS_STOPPED, "stopped on request");
    case WAIT:
        sleep(3);
        return PS_OK;
    }
    return PS_EINTERNAL;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {.name = "ways-to-end",
                                              .summary = "end in the way that is asked for",
                                              .rows = rows,
                                              .nrows = sizeof rows / sizeof rows[0],
                                              .params_size = sizeof(struct params),
                                              .common = PS_HAS_SEED,
                                              .run = end};
    return ps_main(argc, argv, &program);
}
