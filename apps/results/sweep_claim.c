/* Claims on pieces of work: taking them, keeping them, giving them up. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "apps/results/sweep_journal.h"

enum { OWNER_TEXT_MAX = 512 };

static void claim_path(const struct sweep_journal *j, int64_t trial, int rung, int generation,
                       const char *end, char *out)
{
    snprintf(out, SWEEP_PATH_MAX, "%s/claims/%06lld.%d.%d%s", j->dir, (long long)trial, rung, generation,
             end);
}

static void done_path(const struct sweep_journal *j, int rung, int64_t trial, char *out)
{
    snprintf(out, SWEEP_PATH_MAX, "%s/claims/%06lld.%d.done", j->dir, (long long)trial, rung);
}

enum ps_status sweep_claim(struct sweep_journal *j, int rung, int64_t trial, struct sweep_claim *out,
                           bool *taken)
{
    char path[SWEEP_PATH_MAX], text[OWNER_TEXT_MAX];
    struct sweep_piece *p = sweep_piece(j, rung, trial);
    *out = (struct sweep_claim){.trial = trial, .rung = rung, .generation = p->claims + 1};
    claim_path(j, trial, rung, out->generation, "", path);
    sweep_owner_write(&j->self, text, sizeof text);
    const size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, "lost %.15g\n", j->lost);
    PS_TRY(sweep_once_make(&j->once, path, text, taken));
    p->claims++;
    p->last_ended = p->last_gone = false;
    if (!*taken) return PS_OK;
    /* an owner that is gone may have left a result since the journal was read */
    done_path(j, rung, trial, path);
    if (access(path, F_OK) == 0) {
        *taken = false;
        return sweep_claim_end(j, out, false, "it was done");
    }
    sweep_trial_path(j, trial, "", path);
    PS_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST, PS_EIO, "the folder %s cannot be made: %s", path,
             strerror(errno));
    return PS_OK;
}

void sweep_claim_touch(const struct sweep_journal *j, const struct sweep_claim *c)
{
    char path[SWEEP_PATH_MAX];
    claim_path(j, c->trial, c->rung, c->generation, "", path);
    utimensat(AT_FDCWD, path, NULL, 0); /* the file server's time */
}

enum ps_status sweep_claim_end(struct sweep_journal *j, const struct sweep_claim *c, bool failed,
                               const char *message)
{
    char path[SWEEP_PATH_MAX], text[1024];
    struct sweep_piece *p = sweep_piece(j, c->rung, c->trial);
    bool made;
    claim_path(j, c->trial, c->rung, c->generation, failed ? ".failed" : ".released", path);
    snprintf(text, sizeof text, "%s\n", message);
    PS_TRY(sweep_once_make(&j->once, path, text, &made));
    p->last_ended = true;
    p->ended++;
    p->failed += failed;
    return PS_OK;
}

enum ps_status sweep_claim_commit(struct sweep_journal *j, const struct sweep_claim *c, double metric,
                                  double seconds, bool *first)
{
    char path[SWEEP_PATH_MAX], text[256];
    struct sweep_piece *p = sweep_piece(j, c->rung, c->trial);
    done_path(j, c->rung, c->trial, path);
    snprintf(text, sizeof text, "metric %.17g\nseconds %.3f\nattempt %d\nhost %s\n", metric, seconds,
             c->generation, j->self.host);
    PS_TRY(sweep_once_make(&j->once, path, text, first));
    p->done = true;
    if (*first) p->metric = metric, p->seconds = seconds, p->known = true;
    return PS_OK;
}

/* Is the owner of the last generation of this piece dead? */
static bool is_gone(struct sweep_journal *j, int rung, int64_t trial, double now)
{
    char path[SWEEP_PATH_MAX], text[OWNER_TEXT_MAX], number[32];
    struct sweep_owner owner;
    struct stat st;
    claim_path(j, trial, rung, sweep_piece(j, rung, trial)->claims, "", path);
    if (stat(path, &st) != 0 || !sweep_once_read(path, text, sizeof text)) return false;
    if (!sweep_once_field(text, "lost", number, sizeof number)) return false;
    const double lost = strtod(number, NULL);
    const double touched = (double)st.st_mtim.tv_sec + 1e-9 * (double)st.st_mtim.tv_nsec;
    if (now > touched + lost) return true;
    sweep_owner_parse(text, &owner);
    if (sweep_owner_gone(&j->self, &owner)) return true;
    /* it should have touched its claim: has its job ended? */
    return now > touched + lost / SWEEP_BEATS * 2 && sweep_owner_job_ended(&j->queue, &owner, touched, now);
}

enum ps_status sweep_journal_look(struct sweep_journal *j)
{
    double now;
    PS_TRY(sweep_once_clock(&j->once, &now));
    for (int r = 0; r < j->rungs; r++)
        for (int64_t i = 0; i < j->trials; i++) {
            struct sweep_piece *p = sweep_piece(j, r, i);
            if (!p->done && p->claims > 0 && !p->last_ended) p->last_gone = is_gone(j, r, i, now);
        }
    return PS_OK;
}
