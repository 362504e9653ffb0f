/** Run a command and measure it from outside: wall seconds, peak memory of all its processes, exit status.
 * usage: wall -o FILE [-t SECONDS] [-w MB] [-m] COMMAND...   FILE receives "seconds kilobytes status"; status
 * 124 = out of time. Without -m, memory is that of the largest process, as the kernel counts it, and nothing
 * is polled while the clock runs; with -m it is the sum of the peaks of all the command's processes, read
 * every 5 ms. -w: that much memory is touched and given back before the clock starts. A virtual machine hands
 * free memory back to its host after a while, and the first process to want it again would wait for the host.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024 };
static struct {
    pid_t pid;
    long peak_kb;
} seen[MOST]; /* processes of the command, those that are gone included */
static int nseen;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long peak_of(pid_t pid)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
    fclose(f);
    return kb;
}

static void note(pid_t pid)
{
    int i = 0;
    while (i < nseen && seen[i].pid != pid) i++;
    if (i == MOST) return;
    if (i == nseen) seen[nseen++].pid = pid;
    long kb = peak_of(pid);
    if (kb > seen[i].peak_kb) seen[i].peak_kb = kb;
}

/* note all processes below pid */
static void walk(pid_t pid)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, e->d_name);
        FILE *f = fopen(path, "r");
        int child;
        while (f && fscanf(f, "%d", &child) == 1) {
            note((pid_t)child);
            walk((pid_t)child);
        }
        if (f) fclose(f);
    }
    closedir(dir);
}

static long sum_kb(void)
{
    long kb = 0;
    for (int i = 0; i < nseen; i++) kb += seen[i].peak_kb;
    return kb;
}

static void touch(size_t bytes)
{
    char *p =
        bytes ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (p == MAP_FAILED) return;
    for (size_t i = 0; i < bytes; i += 4096) *(volatile char *)(p + i) = 1;
    munmap(p, bytes);
}

static int usage(void)
{
    fputs("usage: wall -o FILE [-t SECONDS] [-w MB] [-m] COMMAND...\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *out = NULL;
    double limit = 1e9;
    size_t warm = 0;
    bool poll = false;
    for (int c; (c = getopt(argc, argv, "+o:t:w:m")) != -1;) {
        if (c == 'o')
            out = optarg;
        else if (c == 't')
            limit = strtod(optarg, NULL);
        else if (c == 'w')
            warm = (size_t)strtoul(optarg, NULL, 10) << 20;
        else if (c == 'm')
            poll = true;
        else
            return usage();
    }
    if (!out || optind == argc) return usage();

    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what the command leaves behind becomes our child */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    touch(warm);
    const double start = now();
    const pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        setpgid(0, 0);
        execvp(argv[optind], argv + optind);
        fprintf(stderr, "wall: %s: %s\n", argv[optind], strerror(errno));
        _exit(127);
    }
    if (child < 0) return perror("wall: fork"), 2;

    int status = 0;
    bool late = false;
    double end = 0;
    while (end == 0) {
        const double left = limit - (now() - start), step = poll ? 0.005 : left > 0 ? left : 0;
        const struct timespec wait = {(time_t)step, (long)(1e9 * (step - (double)(time_t)step))};
        if (poll) {
            note(child);
            walk(child);
        }
        sigtimedwait(&set, NULL, &wait); /* a child ended, or the step is over */
        if (waitpid(child, &status, WNOHANG) == child)
            end = now();
        else if (now() - start >= limit && !late) {
            late = true;
            nseen = 0; /* process numbers of a moment ago may be somebody else's by now */
            walk(getpid());
            kill(-child, SIGKILL);
            for (int i = 0; i < nseen; i++) kill(seen[i].pid, SIGKILL);
        }
    }
    struct rusage use;
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    getrusage(RUSAGE_CHILDREN, &use);
    const int code = late ? 124 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *f = fopen(out, "w");
    if (!f) return perror(out), 2;
    fprintf(f, "%.4f %ld %d\n", end - start, poll ? sum_kb() : use.ru_maxrss, code);
    return fclose(f) == 0 ? code : 2;
}
