/* The journal: how it begins, and what its names say. */
#include "apps/results/sweep_journal.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "apps/results/grid.h"

enum { GRID_BYTES_MAX = (4 << 20) + 1 };

static void path_of(const struct sweep_journal *j, const char *name, char *out)
{
    snprintf(out, SWEEP_PATH_MAX, "%s/%s", j->dir, name);
}

static enum ps_status make_folder(const char *path)
{
    PS_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST, PS_EIO, "the folder %s cannot be made: %s", path,
             strerror(errno));
    return PS_OK;
}

/* The first line in which two texts differ. */
static void first_difference(const char *a, const char *b, int *len_a, const char **line_a, int *len_b,
                             const char **line_b)
{
    for (;;) {
        const size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");
        *line_a = a, *len_a = (int)na, *line_b = b, *len_b = (int)nb;
        if (na != nb || memcmp(a, b, na) != 0 || !a[na] || !b[nb]) return;
        a += na + 1;
        b += nb + 1;
    }
}

static enum ps_status same_sweep(struct sweep_journal *j, const char *about)
{
    char path[SWEEP_PATH_MAX], there[SWEEP_ABOUT_MAX];
    const char *old, *new;
    int old_len, new_len;
    bool made;
    path_of(j, "sweep", path);
    PS_TRY(sweep_once_make(&j->once, path, about, &made));
    if (made) return PS_OK;
    PS_TRY(sweep_journal_about(j->dir, there));
    if (strcmp(there, about) == 0) return PS_OK;
    first_difference(there, about, &old_len, &old, &new_len, &new);
    return ps_fail(PS_EUSAGE,
                   "the journal %s was begun with '%.*s', and this is '%.*s': give another --journal", j->dir,
                   old_len, old, new_len, new);
}

static enum ps_status copy_grid(struct sweep_journal *j, const char *grid)
{
    char path[SWEEP_PATH_MAX], *text;
    bool made;
    path_of(j, "sweep.grid", path);
    struct stat st;
    if (stat(path, &st) == 0) return PS_OK;
    PS_TRY(ps_alloc(&text, GRID_BYTES_MAX, 1, "a grid file"));
    enum ps_status rc = sweep_once_read(grid, text, GRID_BYTES_MAX)
                            ? PS_OK
                            : ps_fail(PS_EIO, "the grid file %s cannot be read", grid);
    if (rc == PS_OK) rc = sweep_once_make(&j->once, path, text, &made);
    free(text);
    return rc;
}

enum ps_status sweep_journal_about(const char *dir, char *text)
{
    char path[SWEEP_PATH_MAX];
    snprintf(path, sizeof path, "%s/sweep", dir);
    PS_CHECK(sweep_once_read(path, text, SWEEP_ABOUT_MAX), PS_EIO,
             "%s is no journal of a sweep: its file sweep cannot be read", dir);
    return PS_OK;
}

enum ps_status sweep_journal_open(const char *dir, const char *about, const char *grid, int rungs,
                                  int64_t trials, struct sweep_journal *out)
{
    char path[SWEEP_PATH_MAX];
    *out = (struct sweep_journal){.rungs = rungs, .trials = trials};
    PS_CHECK(strlen(dir) < sizeof out->dir, PS_EUSAGE, "the name of the journal is too long");
    PS_CHECK(strlen(about) < SWEEP_ABOUT_MAX, PS_EUSAGE, "the command of the trials is too long");
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    sweep_owner_self(&out->self);
    path_of(out, "scratch", path);
    if (grid) {
        PS_TRY(make_folder(dir));
        PS_TRY(make_folder(path));
        PS_TRY(sweep_once_begin(path, &out->once));
        PS_TRY(same_sweep(out, about));
        PS_TRY(copy_grid(out, grid));
        path_of(out, "claims", path);
        PS_TRY(make_folder(path));
    }
    PS_TRY(ps_zalloc(&out->piece, rungs * trials, sizeof *out->piece, "the trials of a sweep"));
    enum ps_status rc = sweep_journal_read(out);
    if (rc != PS_OK) sweep_journal_free(out);
    return rc;
}

void sweep_journal_free(struct sweep_journal *j)
{
    free(j->piece);
    free(j->queue.jobs);
    j->piece = NULL;
    j->queue.jobs = NULL;
}

/* TRIAL.RUNG.done, TRIAL.RUNG.GENERATION, the latter also with .failed or .released. Other names mean
 * nothing. */
static void take_name(struct sweep_journal *j, const char *name)
{
    char *end;
    const long long trial = strtoll(name, &end, 10);
    if (end == name || *end != '.') return;
    const long rung = strtol(end + 1, &end, 10);
    if (*end != '.' || trial < 0 || trial >= j->trials || rung < 0 || rung >= j->rungs) return;
    struct sweep_piece *p = sweep_piece(j, (int)rung, trial);
    if (strcmp(end, ".done") == 0) {
        p->done = true;
        return;
    }
    const char *number = end + 1;
    const long generation = strtol(number, &end, 10);
    if (end == number || generation < 1 || generation > SWEEP_LOST_MAX * 1000) return;
    const bool failed = strcmp(end, ".failed") == 0;
    if (*end && !failed && strcmp(end, ".released") != 0) return;
    if (generation > p->claims) {
        p->claims = (int)generation;
        p->last_ended = false;
    }
    if (!*end) return;
    p->ended++;
    p->failed += failed;
    if (generation == p->claims) p->last_ended = true;
}

/* Figures of a result. */
static void learn(const struct sweep_journal *j, int rung, int64_t trial, struct sweep_piece *p)
{
    char path[SWEEP_PATH_MAX], name[64], text[1024], number[64];
    snprintf(name, sizeof name, "claims/%06lld.%d.done", (long long)trial, rung);
    path_of(j, name, path);
    if (!sweep_once_read(path, text, sizeof text)) return;
    p->metric = sweep_once_field(text, "metric", number, sizeof number) ? strtod(number, NULL) : NAN;
    p->seconds = sweep_once_field(text, "seconds", number, sizeof number) ? strtod(number, NULL) : 0;
    p->known = true;
}

enum ps_status sweep_journal_read(struct sweep_journal *j)
{
    char path[SWEEP_PATH_MAX];
    path_of(j, "claims", path);
    DIR *d = opendir(path);
    PS_CHECK(d, PS_EIO, "the journal %s cannot be read: %s", path, strerror(errno));
    for (int64_t i = 0; i < j->rungs * j->trials; i++) {
        struct sweep_piece *p = &j->piece[i];
        p->claims = p->failed = p->ended = 0;
        p->last_ended = p->last_gone = false;
    }
    int error = 0;
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        error = errno;
        if (!e) break;
        take_name(j, e->d_name);
    }
    closedir(d);
    PS_CHECK(!error, PS_EIO, "the journal %s cannot be read: %s", path, strerror(error));
    for (int r = 0; r < j->rungs; r++)
        for (int64_t i = 0; i < j->trials; i++) {
            struct sweep_piece *p = sweep_piece(j, r, i);
            if (p->done && !p->known) learn(j, r, i, p);
        }
    return PS_OK;
}

bool sweep_broken(const struct sweep_journal *j, const struct sweep_piece *p)
{
    return !p->done && (p->failed > j->retries || p->claims - p->ended > SWEEP_LOST_MAX);
}

bool sweep_open(const struct sweep_journal *j, const struct sweep_piece *p)
{
    return !p->done && !sweep_broken(j, p) && (p->claims == 0 || p->last_ended || p->last_gone);
}

struct sweep_count sweep_journal_count(const struct sweep_journal *j)
{
    struct sweep_count n = {.done = 0};
    for (int64_t i = 0; i < j->rungs * j->trials; i++) {
        const struct sweep_piece *p = &j->piece[i];
        if (p->done)
            n.done++, n.seconds += p->seconds;
        else if (sweep_broken(j, p))
            n.broken++;
        else if (sweep_open(j, p))
            n.open++;
        else
            n.running++;
    }
    return n;
}

void sweep_trial_path(const struct sweep_journal *j, int64_t trial, const char *name, char *out)
{
    snprintf(out, SWEEP_PATH_MAX, "%s/trial-%06lld%s%s", j->dir, (long long)trial, *name ? "/" : "", name);
}

void sweep_failure(const struct sweep_journal *j, int rung, int64_t trial, char *out, size_t room)
{
    char path[SWEEP_PATH_MAX], name[64];
    *out = '\0';
    for (int g = sweep_piece(j, rung, trial)->claims; g > 0 && !*out; g--) {
        snprintf(name, sizeof name, "claims/%06lld.%d.%d.failed", (long long)trial, rung, g);
        path_of(j, name, path);
        if (!sweep_once_read(path, out, room)) *out = '\0';
    }
    out[strcspn(out, "\n")] = '\0';
}
