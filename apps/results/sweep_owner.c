#include "apps/results/sweep_owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/results/sweep_once.h"

enum { ASK_SECONDS = 30 };

/* When process `pid` started, in ticks since the boot: field 22 of its stat, counted behind the name, which
 * may hold blanks. "" if there is no such process, or it is dead and only not yet collected. */
static void start_of(const char *pid, char *out, size_t room)
{
    char path[64], text[1024];
    *out = '\0';
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (!sweep_once_read(path, text, sizeof text)) return;
    const char *at = strrchr(text, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return;
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    if (at) snprintf(out, room, "%.*s", (int)strcspn(at + 1, " \n"), at + 1);
}

static void environment(const char *name, char *out, size_t room)
{
    const char *value = getenv(name);
    snprintf(out, room, "%s", value ? value : "");
}

void sweep_owner_self(struct sweep_owner *o)
{
    memset(o, 0, sizeof *o);
    gethostname(o->host, sizeof o->host - 1);
    if (sweep_once_read("/proc/sys/kernel/random/boot_id", o->boot, sizeof o->boot))
        o->boot[strcspn(o->boot, "\n")] = '\0';
    const ssize_t n = readlink("/proc/self/ns/pid", o->space, sizeof o->space - 1);
    if (n < 0) o->space[0] = '\0';
    snprintf(o->pid, sizeof o->pid, "%ld", (long)getpid());
    start_of(o->pid, o->start, sizeof o->start);
    environment("SLURM_JOB_ID", o->job, sizeof o->job);
    environment("SLURM_RESTART_COUNT", o->restart, sizeof o->restart);
}

void sweep_owner_write(const struct sweep_owner *o, char *text, size_t room)
{
    snprintf(text, room, "host %s\nboot %s\nspace %s\npid %s\nstart %s\njob %s\nrestart %s\n", o->host,
             o->boot, o->space, o->pid, o->start, o->job, o->restart);
}

void sweep_owner_parse(const char *text, struct sweep_owner *o)
{
    memset(o, 0, sizeof *o);
    sweep_once_field(text, "host", o->host, sizeof o->host);
    sweep_once_field(text, "boot", o->boot, sizeof o->boot);
    sweep_once_field(text, "space", o->space, sizeof o->space);
    sweep_once_field(text, "pid", o->pid, sizeof o->pid);
    sweep_once_field(text, "start", o->start, sizeof o->start);
    sweep_once_field(text, "job", o->job, sizeof o->job);
    sweep_once_field(text, "restart", o->restart, sizeof o->restart);
}

bool sweep_owner_gone(const struct sweep_owner *self, const struct sweep_owner *other)
{
    char start[24];
    if (other->job[0] && strcmp(self->job, other->job) == 0 && strcmp(self->restart, other->restart) != 0)
        return true;
    if (strcmp(self->host, other->host) != 0 || !self->boot[0] || !other->boot[0]) return false;
    if (strcmp(self->boot, other->boot) != 0) return true;
    if (!other->start[0] || !self->start[0] || strcmp(self->space, other->space) != 0) return false;
    start_of(other->pid, start, sizeof start);
    return strcmp(start, other->start) != 0;
}

/* All jobs, not one: of a job that ended long ago Slurm gives an error, as it does when it is down. */
static void ask(struct sweep_queue *q, double now)
{
    size_t room = 0;
    free(q->jobs);
    q->jobs = NULL;
    q->asked = now;
    FILE *f = popen("echo && squeue --noheader --format=%A 2>/dev/null", "r");
    if (!f) return;
    const bool read = getdelim(&q->jobs, &room, '\0', f) > 0;
    if (pclose(f) == 0 && read) return;
    free(q->jobs);
    q->jobs = NULL;
}

bool sweep_owner_job_ended(struct sweep_queue *q, const struct sweep_owner *other, double seen, double now)
{
    char line[sizeof other->job + 2];
    if (!other->job[0]) return false;
    if (now >= q->asked + ASK_SECONDS) ask(q, now);
    snprintf(line, sizeof line, "\n%s\n", other->job);
    return q->jobs && seen < q->asked && !strstr(q->jobs, line);
}
