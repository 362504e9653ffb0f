#include "common/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What makes a process a rank: a child would take it for its own. */
static void forget_launcher(void)
{
    static const char *const prefix[] = {"PMIX_",         "PMI_",           "OMPI_COMM_WORLD_",
                                         "OMPI_MCA_ess_", "OMPI_MCA_orte_", "OMPI_UNIVERSE_",
                                         "OMPI_APP_CTX_", "MPI_LOCALRANKID"};
    static const char *const keep[] = {"PMIX_MCA_", "OMPI_MCA_orte_abort_timeout"};
    if (!getenv("PMIX_RANK") && !getenv("OMPI_COMM_WORLD_RANK") && !getenv("PMI_RANK")) return;
    for (char **e = environ; *e;) {
        bool mine = false;
        for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
            mine = mine || strncmp(*e, prefix[i], strlen(prefix[i])) == 0;
        for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
            mine = mine && strncmp(*e, keep[i], strlen(keep[i])) != 0;
        char name[128];
        const size_t len = strcspn(*e, "=");
        if (mine && len < sizeof name) {
            memcpy(name, *e, len);
            name[len] = '\0';
            unsetenv(name); /* moves what follows to this place */
        } else {
            e++;
        }
    }
}

/* The child: does not return. Errors go through the pipe, which a started program has closed. */
static void become(char *const *argv, int output, int errors, pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(EXIT_FAILURE); /* it died before it could be said */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    const int input = open("/dev/null", O_RDONLY);
    if (input >= 0) dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    forget_launcher();
    execvp(argv[0], argv);
    const int error = errno;
    const ssize_t written = write(errors, &error, sizeof error);
    _exit(written == sizeof error ? 127 : 126);
}

enum ps_status ps_process_start(char *const *argv, const char *output, pid_t *out)
{
    int pipe_ends[2], error = 0;
    sigset_t child;
    const int fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    PS_CHECK(fd >= 0, PS_EIO, "%s cannot be opened for writing: %s", output, strerror(errno));
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        close(fd);
        return ps_fail(PS_EIO, "a pipe could not be had: %s", strerror(errno));
    }
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL); /* the end of a child waits until it is asked for */
    const pid_t parent = getpid();
    *out = fork();
    if (*out == 0) become(argv, fd, pipe_ends[1], parent);
    close(pipe_ends[1]);
    close(fd);
    const bool failed = *out > 0 && read(pipe_ends[0], &error, sizeof error) == sizeof error;
    close(pipe_ends[0]);
    PS_CHECK(*out > 0, PS_ENOMEM, "no process can be started: %s", strerror(errno));
    if (failed) waitpid(*out, NULL, 0);
    PS_CHECK(!failed, PS_EUSAGE, "%s cannot be started: %s", argv[0], strerror(error));
    return PS_OK;
}

static bool ended(pid_t pid, int *status)
{
    int raw;
    if (waitpid(pid, &raw, WNOHANG) != pid) return false;
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

bool ps_process_wait(pid_t pid, double seconds, int *status)
{
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (ended(pid, status)) return true;
    sigtimedwait(&child, NULL, &time);
    return ended(pid, status);
}
