#include "apps/results/sweep_batch.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "apps/results/sweep_result.h"
#include "common/run/log.h"
#include "common/run/process.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

enum { USAGE = 2, STOPPED = 85, COMMAND_MAX = 8192, TEXT_MAX = 512 };

/* After a stop signal the program has so many seconds to end before it gets SIGTERM, where that came. */
static const double grace = 5;

struct batch {
    int n;
    struct sweep_claim *claim; /* [each] */
    int64_t *before;           /* [each] runs in their records */
};

/* Claim one piece more, if there is one. Others claim at the same time: what is lost is looked at anew. */
static enum ps_status claim_one(struct sweep *s, struct batch *b, bool *found)
{
    struct sweep_journal *j = &s->journal;
    bool looked = false;
    for (;;) {
        int rung;
        int64_t trial;
        bool taken;
        PS_TRY(sweep_next(j, &s->rule, found, &rung, &trial));
        if (!*found && looked) return PS_OK;
        /* what failed may take the trials beside it along: it is tried alone */
        if (*found && b->n > 0 && sweep_piece(j, rung, trial)->failed > 0) {
            *found = false;
            return PS_OK;
        }
        if (!*found) { /* what nobody has claimed comes first, then what the dead have left */
            PS_TRY(sweep_journal_look(j));
            looked = true;
            continue;
        }
        PS_TRY(sweep_claim(j, rung, trial, &b->claim[b->n], &taken));
        if (taken) break;
        PS_TRY(sweep_journal_read(j));
        looked = false;
    }
    b->n++;
    return PS_OK;
}

static enum ps_status claim_all(struct sweep *s, struct batch *b)
{
    bool found = true;
    PS_TRY(sweep_journal_read(&s->journal));
    while (found && b->n < s->each && s->left > 0 && !ps_stop_seen()) {
        const int before = b->n;
        PS_TRY(claim_one(s, b, &found));
        s->left -= b->n - before;
        if (b->n == 1 && sweep_piece(&s->journal, b->claim[0].rung, b->claim[0].trial)->failed > 0) break;
    }
    return PS_OK;
}

static void output_of(const struct sweep *s, const struct batch *b, int i, char *path)
{
    sweep_trial_path(&s->journal, b->claim[i].trial, "output.txt", path);
}

/* A line in the trial's output that says what is tried. Best effort. */
static void head_output(const struct sweep *s, const struct batch *b, int i, const struct ps_words *command)
{
    char path[SWEEP_PATH_MAX], text[COMMAND_MAX], date[32];
    struct tm utc;
    const time_t now = time(NULL);
    output_of(s, b, i, path);
    FILE *f = fopen(path, "a");
    if (!f) return;
    ps_words_join(command, text, sizeof text);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    fprintf(f, "# attempt %d, %s, %s: %s\n", b->claim[i].generation, date, s->journal.self.host, text);
    fclose(f);
}

/* A file for --trials: a line a trial, its output and its arguments. */
static enum ps_status write_trials(struct sweep *s, const struct batch *b, const char *path)
{
    char line[COMMAND_MAX], output[SWEEP_PATH_MAX];
    enum ps_status rc = PS_OK;
    FILE *f = fopen(path, "w");
    PS_CHECK(f, PS_EIO, "%s cannot be written: %s", path, strerror(errno));
    for (int i = 0; rc == PS_OK && i < b->n; i++) {
        struct ps_words words = {.n = 0};
        output_of(s, b, i, output);
        rc = ps_words_add(&words, "%s", output);
        if (rc == PS_OK)
            rc = sweep_arguments(&s->command, &s->grid, &s->journal, b->claim[i].rung, b->claim[i].trial,
                                 &words);
        if (rc == PS_OK) {
            ps_words_join(&words, line, sizeof line);
            fprintf(f, "%s\n", line);
            head_output(s, b, i, &words);
        }
        ps_words_free(&words);
    }
    const bool bad = ferror(f);
    if ((fclose(f) != 0 || bad) && rc == PS_OK)
        rc = ps_fail(PS_EIO, "%s cannot be written: %s", path, strerror(errno));
    return rc;
}

/* The whole command. @param output out: where it prints to */
static enum ps_status command_of(struct sweep *s, const struct batch *b, struct ps_words *out, char *output)
{
    for (int i = 0; i < s->launch.n; i++) PS_TRY(ps_words_add(out, "%s", s->launch.word[i]));
    PS_TRY(ps_words_add(out, "%s", s->command.program[0]));
    output_of(s, b, 0, output);
    if (s->each == 1) {
        PS_TRY(sweep_arguments(&s->command, &s->grid, &s->journal, b->claim[0].rung, b->claim[0].trial, out));
        head_output(s, b, 0, out);
        return PS_OK;
    }
    char path[SWEEP_PATH_MAX];
    sweep_trial_path(&s->journal, b->claim[0].trial, "trials", path);
    PS_TRY(write_trials(s, b, path));
    return ps_words_add(out, "--trials=%s", path);
}

/* Wait for the program; show that this task lives, and pass signals on. @return its exit status */
static int wait_for(struct sweep *s, const struct batch *b, pid_t pid)
{
    const double every = s->journal.lost / SWEEP_BEATS, patience = every < 1 ? every : 1;
    double beat = ps_elapsed(s->run) + every, told = 0;
    bool ended = false, asked = false, urged = false;
    int status = 0;
    while (!ended) {
        ended = ps_process_wait(pid, patience, &status);
        const double now = ps_elapsed(s->run);
        if (now >= beat) {
            for (int i = 0; i < b->n; i++) sweep_claim_touch(&s->journal, &b->claim[i]);
            beat = now + every;
        }
        if (ended || !ps_stop_seen()) continue;
        if (!asked) {
            kill(pid, SIGUSR1); /* launchers pass it on, and kill ranks soon after SIGTERM */
            asked = true;
            told = now;
        } else if (!urged && ps_stop_signal() == SIGTERM && now > told + grace) {
            kill(pid, SIGTERM);
            urged = true;
        }
    }
    return status;
}

/* What people see of a piece of work: how far the sweep is, then `what`. */
static void tell(struct sweep *s, const struct sweep_claim *c, const char *what)
{
    const struct sweep_count n = sweep_journal_count(&s->journal);
    const int64_t all = sweep_expected(&s->journal, &s->rule), open = all - n.done - n.broken;
    char place[96], left[48] = "", rung[32] = "";
    const int64_t tasks = n.running > 1 ? n.running : 1;
    if (n.done > 0 && open > 0) {
        const double seconds = n.seconds / (double)n.done * (double)open / (double)tasks;
        snprintf(left, sizeof left, seconds < 90 ? ", %.0f s left" : ", %.0f min left",
                 seconds < 90 ? seconds : seconds / 60);
    }
    snprintf(place, sizeof place, "%lld/%lld done, %lld running, %lld failed", (long long)n.done,
             (long long)(all > n.done ? all : n.done), (long long)n.running, (long long)n.broken);
    if (s->journal.rungs > 1 && c->rung < s->journal.rungs - 1)
        snprintf(rung, sizeof rung, " to epoch %.15g", s->command.pause[c->rung]);
    ps_info(s->run, "[%s%s] trial %lld%s: %s\n", place, left, (long long)c->trial, rung, what);
}

static enum ps_status commit(struct sweep *s, const struct sweep_claim *c, double metric, double seconds)
{
    char text[2 * TEXT_MAX], values[TEXT_MAX];
    bool first;
    PS_TRY(sweep_claim_commit(&s->journal, c, metric, seconds, &first));
    PS_TRY(sweep_journal_read(&s->journal));
    sweep_describe(&s->grid, c->trial, values, sizeof values);
    if (*s->metric)
        snprintf(text, sizeof text, "%.6g in %.1f s (%s)%s", metric, seconds, values,
                 first ? "" : "; another task was first");
    else
        snprintf(text, sizeof text, "done in %.1f s (%s)%s", seconds, values,
                 first ? "" : "; another task was first");
    tell(s, c, text);
    s->finished += first;
    return PS_OK;
}

/* It ended well without the figure that is wanted: so will all others. */
static enum ps_status no_metric(struct sweep *s, const struct sweep_claim *c, const struct sweep_result *r)
{
    char path[SWEEP_PATH_MAX];
    sweep_trial_path(&s->journal, c->trial, "record.jsonl", path);
    PS_TRY(sweep_claim_end(&s->journal, c, false, "its record lacks the metric"));
    PS_CHECK(r->there, PS_EINPUT,
             "trial %lld ended well, but wrote no record to %s: without --metric its exit status is enough",
             (long long)c->trial, path);
    return ps_fail(PS_EINPUT, "trial %lld ended well, but its record has no number %s; it has: %s",
                   (long long)c->trial, s->metric, r->fields[0] ? r->fields : "none");
}

static enum ps_status fail(struct sweep *s, const struct sweep_claim *c, int exit, const char *reason)
{
    char text[SWEEP_PATH_MAX + 2 * TEXT_MAX], path[SWEEP_PATH_MAX];
    const struct sweep_piece *p = sweep_piece(&s->journal, c->rung, c->trial);
    if (exit > 128)
        snprintf(text, sizeof text, "ended by signal %d", exit - 128);
    else
        snprintf(text, sizeof text, "status %d%s%s", exit, *reason ? ": " : "", reason);
    PS_TRY(sweep_claim_end(&s->journal, c, true, text));
    s->failures++;
    sweep_trial_path(&s->journal, c->trial, "output.txt", path);
    const size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, " (failed %d of %d times; see %s)", p->failed, s->journal.retries + 1,
             path);
    tell(s, c, text);
    return PS_OK;
}

/* What came of one piece. @param status of the program */
static enum ps_status judge(struct sweep *s, const struct batch *b, int i, int status, double seconds)
{
    const struct sweep_claim *c = &b->claim[i];
    struct sweep_result r;
    char record[SWEEP_PATH_MAX], output[SWEEP_PATH_MAX];
    sweep_trial_path(&s->journal, c->trial, "record.jsonl", record);
    output_of(s, b, i, output);
    PS_TRY(sweep_result_read(record, b->before[i], s->metric, &r));
    int exit = status; /* of a trial beside others the record says more */
    if (s->each > 1) exit = r.ended ? r.exit : status ? status : EXIT_FAILURE;
    if (exit == 0 && r.has_metric) return commit(s, c, r.metric, seconds);
    if (exit == 0 && !*s->metric && !r.there) return commit(s, c, NAN, seconds);
    if (exit == 0) return no_metric(s, c, &r);
    if (exit == STOPPED || ps_stop_seen()) {
        s->stopped = true;
        return sweep_claim_end(&s->journal, c, false, "stopped");
    }
    if (!r.message[0]) sweep_last_line(output, r.message, sizeof r.message);
    if (exit == USAGE && sweep_journal_count(&s->journal).done == 0) {
        PS_TRY(sweep_claim_end(&s->journal, c, false, r.message));
        return ps_fail(PS_EUSAGE, "trial %lld, the first one, is refused: %s", (long long)c->trial,
                       r.message);
    }
    return fail(s, c, exit, r.message);
}

static enum ps_status work(struct sweep *s, struct batch *b)
{
    struct ps_words command = {.n = 0};
    char output[SWEEP_PATH_MAX], record[SWEEP_PATH_MAX];
    pid_t pid;
    for (int i = 0; i < b->n; i++) {
        sweep_trial_path(&s->journal, b->claim[i].trial, "record.jsonl", record);
        b->before[i] = sweep_result_runs(record);
    }
    enum ps_status rc = command_of(s, b, &command, output);
    const double start = ps_elapsed(s->run);
    if (rc == PS_OK) rc = ps_process_start(command.word, output, &pid);
    ps_words_free(&command);
    int done = 0;
    if (rc == PS_OK) {
        const int status = wait_for(s, b, pid);
        const double seconds = ps_elapsed(s->run) - start;
        while (rc == PS_OK && done < b->n) rc = judge(s, b, done++, status, seconds);
    }
    /* after a failure the other claims are given back, whatever comes of that */
    for (int i = done; rc != PS_OK && i < b->n; i++)
        sweep_claim_end(&s->journal, &b->claim[i], false, "not begun");
    return rc;
}

enum ps_status sweep_batch(struct sweep *s, int *n)
{
    struct batch b = {.n = 0};
    enum ps_status rc = ps_alloc(&b.claim, s->each, sizeof *b.claim, "the claims");
    if (rc == PS_OK) rc = ps_alloc(&b.before, s->each, sizeof *b.before, "the claims");
    if (rc == PS_OK) rc = claim_all(s, &b);
    if (rc == PS_OK && b.n > 0) rc = work(s, &b);
    *n = b.n;
    free(b.claim);
    free(b.before);
    return rc;
}
