#include "common/run/trials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 << 20 };

/* The file's text, zero-terminated. Local. @param text out, owned by the caller */
static enum ps_status read_file(const char *path, char **text, int *bytes)
{
    struct stat st;
    enum ps_status rc;
    *text = NULL;
    *bytes = 0;
    FILE *f = fopen(path, "r");
    PS_CHECK(f, PS_EIO, "the file of trials %s cannot be opened: %s", path, strerror(errno));
    PS_CHECK_DONE(fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size < FILE_MAX_BYTES, PS_EIO,
                  "%s is no file of trials", path);
    PS_TRY_DONE(ps_zalloc(text, st.st_size + 1, 1, "the trials"));
    *bytes = (int)fread(*text, 1, (size_t)st.st_size, f) + 1;
    PS_CHECK_DONE(!ferror(f), PS_EIO, "the file of trials %s cannot be read: %s", path, strerror(errno));
done:
    fclose(f);
    return rc;
}

/* Rank 0 reads; all get the text. Collective. @param text out, owned by the caller */
static enum ps_status share_file(struct ps_run *run, const char *path, char **text)
{
    int bytes = 0;
    enum ps_status rc = PS_OK;
    *text = NULL;
    if (run->rank == 0) rc = read_file(path, text, &bytes);
    PS_TRY(ps_agree(run->comm, rc));
    MPI_Bcast(&bytes, 1, MPI_INT, 0, run->comm);
    if (run->rank != 0) rc = ps_zalloc(text, bytes, 1, "the trials");
    PS_TRY(ps_agree(run->comm, rc));
    MPI_Bcast(*text, bytes, MPI_CHAR, 0, run->comm);
    return PS_OK;
}

/* Cut into lines that mean something. @param line out, NULL to count alone @return how many there are */
static int cut_lines(char *text, int wanted, char **line)
{
    int n = 0;
    for (char *at = text; at;) {
        char *next = strchr(at, '\n'), *end = next ? next : at + strlen(at);
        const size_t blank = strspn(at, " \t\r");
        const bool empty = at + blank >= end || at[blank] == '#';
        if (!empty && n++ == wanted && line) {
            *end = '\0';
            *line = at;
            return n;
        }
        at = next ? next + 1 : NULL;
    }
    return n;
}

/* What this process prints goes to the end of a file from now on. The job's own pipes stay open to the end:
 * a launcher takes closed ones for the end of the process, and Open MPI's may then crash or wait for ever. */
static enum ps_status print_to(const char *path)
{
    if (strcmp(path, "-") == 0) return PS_OK;
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    PS_CHECK(fd >= 0, PS_EIO, "%s cannot be opened for writing: %s", path, strerror(errno));
    fflush(NULL);
    const bool kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) >= 0 &&
                      fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) >= 0;
    const bool good = kept && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
    close(fd);
    PS_CHECK(good, PS_EIO, "%s cannot be printed to: %s", path, strerror(errno));
    return PS_OK;
}

/* The trial's arguments: those of the command line, then those of its line. Local. */
static enum ps_status arguments(char *line, int argc, char **argv, struct ps_words *out)
{
    struct ps_words own = {.n = 0};
    enum ps_status rc = ps_words_split(&own, line);
    for (int i = 0; rc == PS_OK && i < argc; i++) rc = ps_words_add(out, "%s", argv[i]);
    for (int i = 1; rc == PS_OK && i < own.n; i++) rc = ps_words_add(out, "%s", own.word[i]);
    if (rc == PS_OK) rc = print_to(own.word[0]);
    ps_words_free(&own);
    return rc;
}

enum ps_status ps_trials_take(struct ps_run *run, struct ps_setup *s, int argc, char **argv,
                              struct ps_words *out)
{
    const struct ps_program *program = s->program;
    ps_str path;
    char *text = NULL, *line = NULL;
    MPI_Comm part;
    enum ps_status rc;
    snprintf(path, sizeof path, "%s", s->common->trials);
    PS_TRY_DONE(share_file(run, path, &text));
    const int trials = cut_lines(text, -1, NULL);
    PS_CHECK_DONE(trials > 0, PS_EINPUT, "the file of trials %s has no trial", path);
    PS_CHECK_DONE(trials <= run->size, PS_EUSAGE,
                  "%d trials need as many ranks at least, and there are %d: start more, or fewer trials",
                  trials, run->size);
    /* as many ranks each, one more for the first ones */
    const int each = run->size / trials, more = run->size % trials, border = more * (each + 1);
    const int mine = run->rank < border ? run->rank / (each + 1) : more + (run->rank - border) / each;
    cut_lines(text, mine, &line);
    ps_setup_free(s);
    rc = arguments(line, argc, argv, out);
    if (rc == PS_OK) rc = ps_setup_make(s, program);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    run->common = s->common;
    MPI_Comm_split(run->comm, mine, run->rank, &part);
    run->comm = part;
    MPI_Comm_rank(part, &run->rank);
    MPI_Comm_size(part, &run->size);
done:
    free(text);
    return rc;
}

enum ps_status ps_trials_end(struct ps_run *run, MPI_Comm all, enum ps_status rc)
{
    /* a failure is worse than a stop; of failures any one will do */
    int mine = rc == PS_OK ? 0 : rc == PS_STOPPED ? 1 : 2 + (int)rc, worst = 0, done = 0;
    MPI_Request request;
    MPI_Iallreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, all, &request);
    while (!done) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (rc == PS_OK) MPI_Comm_free(&run->comm);
    run->comm = all;
    return worst == 0 ? PS_OK : worst == 1 ? PS_STOPPED : (enum ps_status)(worst - 2);
}
