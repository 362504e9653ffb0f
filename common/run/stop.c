/* Stop signals set a flag; loops look at it between steps. */
#include "common/run/stop.h"

#include <signal.h>
#include <string.h>
#include "common/run/run_parts.h"

static volatile sig_atomic_t asked;

static void on_signal(int signal)
{
    asked = signal;
}

static void set_handler(int signal, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART; /* reads and writes in progress go on */
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void ps_stop_watch(bool can_stop)
{
    /* A program without checkpoint may still finish in the time that USR1 announces. TERM ends it as usual.
     */
    set_handler(SIGUSR1, can_stop ? on_signal : SIG_IGN);
    set_handler(SIGTERM, can_stop ? on_signal : SIG_DFL);
}

bool ps_stop_seen(void)
{
    return asked != 0;
}

int ps_stop_signal(void)
{
    return asked;
}

bool ps_stop_agree(MPI_Comm comm)
{
    int mine = ps_stop_seen(), any = 0;
    MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm);
    return any != 0;
}
