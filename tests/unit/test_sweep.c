/* ranks: 1 */
/* The journal of a sweep under many processes, and successive halving. */
#include "tests/unit/mpicheck.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "apps/results/sweep_next.h"

enum { WORKERS = 6 };

static char dir[512], grid[600];
static struct sweep_journal j;

/* A new journal's name, and a grid file for it. */
static void fresh(void)
{
    static int n;
    const char *folder = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/test_sweep.%d.%d", folder ? folder : P_tmpdir, (int)getpid(), n++);
    snprintf(grid, sizeof grid, "%s.grid", dir);
    FILE *f = fopen(grid, "w");
    ck_assert(f && fputs("a = 1\n", f) >= 0 && fclose(f) == 0);
}

static void begin(int rungs, int64_t trials)
{
    ck_assert_msg(sweep_journal_open(dir, "metric x.y\n", grid, rungs, trials, &j) == PS_OK, "%s",
                  ps_err_message());
    j.retries = 1;
    j.lost = 300;
}

/* Worth of a trial: every way of going through them meets good and bad ones. */
static double worth(int64_t trial, int64_t trials)
{
    return (double)(trial * 7 % trials);
}

/* Work on whatever comes next until nothing does. @return results of this process that came first */
static int work(const struct sweep_rule *rule, double (*metric)(int64_t, int64_t))
{
    int mine = 0;
    for (;;) {
        struct sweep_claim c;
        bool found, taken, first;
        int rung;
        int64_t trial;
        if (sweep_journal_read(&j) != PS_OK || sweep_next(&j, rule, &found, &rung, &trial) != PS_OK)
            return 255;
        if (!found) return mine;
        if (sweep_claim(&j, rung, trial, &c, &taken) != PS_OK) return 255;
        if (!taken) continue;
        usleep(200);
        if (sweep_claim_commit(&j, &c, metric(trial, j.trials), 1, &first) != PS_OK) return 255;
        mine += first;
    }
}

/* The same in several processes. @return the sum of what they did */
static int work_together(const struct sweep_rule *rule, int rungs, int64_t trials)
{
    int sum = 0, status;
    pid_t pid[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        if (pid[i] != 0) continue;
        const bool good = sweep_journal_open(dir, "metric x.y\n", grid, rungs, trials, &j) == PS_OK;
        _exit(good ? work(rule, worth) : 255);
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert(waitpid(pid[i], &status, 0) == pid[i] && WIFEXITED(status) && WEXITSTATUS(status) != 255);
        sum += WEXITSTATUS(status);
    }
    return sum;
}

static int64_t done_at(int rung)
{
    int64_t n = 0;
    for (int64_t i = 0; i < j.trials; i++) n += sweep_piece(&j, rung, i)->done;
    return n;
}

START_TEST(each_trial_once)
{
    const struct sweep_rule rule = {.eta = 3};
    fresh();
    ck_assert_int_eq(work_together(&rule, 1, 120), 120);
    begin(1, 120);
    ck_assert_int_eq(done_at(0), 120);
    for (int64_t i = 0; i < 120; i++) {
        ck_assert_int_eq(sweep_piece(&j, 0, i)->claims, 1);
        ck_assert(sweep_piece(&j, 0, i)->metric == worth(i, 120));
    }
    sweep_journal_free(&j);
}
END_TEST

START_TEST(dead_owners)
{
    const struct sweep_rule rule = {.eta = 3};
    struct sweep_claim c, late;
    bool found, taken, first;
    int rung, status;
    int64_t trial;
    fresh();
    begin(1, 2);
    const pid_t pid = fork();
    if (pid == 0) { /* claims trial 0 and dies */
        sweep_owner_self(&j.self);
        _exit(sweep_claim(&j, 0, 0, &c, &taken) == PS_OK && taken ? 0 : 1);
    }
    ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
    ck_assert_int_eq(sweep_claim(&j, 0, 1, &late, &taken), PS_OK);
    ck_assert(taken);
    /* nothing is free until one looks; then trial 0 is, and trial 1, whose owner lives, is not */
    ck_assert_int_eq(sweep_journal_read(&j), PS_OK);
    ck_assert_int_eq(sweep_next(&j, &rule, &found, &rung, &trial), PS_OK);
    ck_assert(!found);
    ck_assert_int_eq(sweep_journal_look(&j), PS_OK);
    ck_assert_int_eq(sweep_next(&j, &rule, &found, &rung, &trial), PS_OK);
    ck_assert(found && trial == 0);
    ck_assert_int_eq(sweep_claim(&j, 0, 0, &c, &taken), PS_OK);
    ck_assert(taken && c.generation == 2);
    ck_assert_int_eq(sweep_claim_commit(&j, &c, 5, 1, &first), PS_OK);
    ck_assert(first);
    /* an owner that shows no sign of life for long is taken for dead; when it wakes up, the first result
     * stays */
    char path[1024];
    snprintf(path, sizeof path, "%s/claims/000001.0.1", dir);
    const struct timespec old[2] = {{.tv_sec = time(NULL) - 400}, {.tv_sec = time(NULL) - 400}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_assert_int_eq(sweep_journal_look(&j), PS_OK);
    ck_assert(sweep_open(&j, sweep_piece(&j, 0, 1)));
    sweep_claim_touch(&j, &late);
    ck_assert_int_eq(sweep_journal_look(&j), PS_OK);
    ck_assert(!sweep_open(&j, sweep_piece(&j, 0, 1)));
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_assert_int_eq(sweep_journal_look(&j), PS_OK);
    ck_assert_int_eq(sweep_claim(&j, 0, 1, &c, &taken), PS_OK);
    ck_assert(taken && c.generation == 2);
    ck_assert_int_eq(sweep_claim_commit(&j, &c, 7, 1, &first), PS_OK);
    ck_assert(first);
    ck_assert_int_eq(sweep_claim_commit(&j, &late, 8, 1, &first), PS_OK);
    ck_assert(!first);
    /* who has not yet seen a result and claims the piece does not get it */
    sweep_piece(&j, 0, 1)->done = false;
    ck_assert_int_eq(sweep_claim(&j, 0, 1, &c, &taken), PS_OK);
    ck_assert(!taken && c.generation == 3);
    sweep_journal_free(&j);
    begin(1, 2);
    ck_assert(sweep_piece(&j, 0, 1)->metric == 7);
    sweep_journal_free(&j);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* A claim of another host, which has not been touched for a while: is its job in the queue? */
START_TEST(ended_jobs)
{
    char path[1100], script[1100], search[8192];
    const struct timespec then[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    fresh();
    begin(1, 1);
    snprintf(path, sizeof path, "%s/claims/000000.0.1", dir);
    write_file(path, "host elsewhere\nboot x\nspace y\npid 1\nstart 2\njob 4711\nrestart \nlost 300\n");
    ck_assert_int_eq(utimensat(AT_FDCWD, path, then, 0), 0);
    snprintf(script, sizeof script, "%s/squeue", dir);
    snprintf(search, sizeof search, "%s:%s", dir, getenv("PATH"));
    setenv("PATH", search, 1);
    static const struct {
        const char *script;
        bool open;
    } queue[] = {{"#!/bin/sh\necho 4710; echo 4711\n", false}, /* there */
                 {"#!/bin/sh\necho 471; exit 1\n", false},     /* no answer */
                 {"#!/bin/sh\necho 471; echo 47111\n", true}}; /* it has ended */
    for (int i = 0; i < 3; i++) {
        write_file(script, queue[i].script);
        ck_assert_int_eq(chmod(script, 0755), 0);
        j.queue.asked = 0;
        ck_assert_int_eq(sweep_journal_read(&j), PS_OK);
        ck_assert_int_eq(sweep_journal_look(&j), PS_OK);
        ck_assert_int_eq(sweep_open(&j, sweep_piece(&j, 0, 0)), queue[i].open);
    }
    sweep_journal_free(&j);
}
END_TEST

START_TEST(failures)
{
    const struct sweep_rule rule = {.eta = 3};
    struct sweep_claim c;
    char text[64];
    bool found, taken;
    int rung;
    int64_t trial;
    fresh();
    begin(1, 1);
    const bool fails[] = {true, false, true}; /* released ones do not count */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sweep_journal_read(&j), PS_OK);
        ck_assert_int_eq(sweep_next(&j, &rule, &found, &rung, &trial), PS_OK);
        ck_assert(found);
        ck_assert_int_eq(sweep_claim(&j, 0, 0, &c, &taken), PS_OK);
        ck_assert(taken && c.generation == i + 1);
        ck_assert_int_eq(sweep_claim_end(&j, &c, fails[i], i == 2 ? "status 1: no disk" : "x"), PS_OK);
    }
    ck_assert_int_eq(sweep_journal_read(&j), PS_OK);
    ck_assert(sweep_broken(&j, sweep_piece(&j, 0, 0)));
    ck_assert_int_eq(sweep_next(&j, &rule, &found, &rung, &trial), PS_OK);
    ck_assert(!found);
    sweep_failure(&j, 0, 0, text, sizeof text);
    ck_assert_str_eq(text, "status 1: no disk");
    j.retries = 2; /* one more is allowed: it goes on */
    ck_assert_int_eq(sweep_next(&j, &rule, &found, &rung, &trial), PS_OK);
    ck_assert(found);
    sweep_journal_free(&j);
}
END_TEST

START_TEST(other_sweeps)
{
    fresh();
    begin(1, 3);
    sweep_journal_free(&j);
    ps_err_clear();
    ck_assert_int_eq(sweep_journal_open(dir, "metric x.z\n", grid, 1, 3, &j), PS_EUSAGE);
    ck_assert(strstr(ps_err_message(), "begun with 'metric x.y', and this is 'metric x.z'"));
    ps_err_clear();
    ck_assert_int_eq(sweep_journal_open(grid, "", NULL, 1, 3, &j), PS_EIO);
}
END_TEST

/* At the end the best floor(n / eta) of each rung, and at least one, have gone on. */
static void check_bracket(const struct sweep_rule *rule)
{
    int64_t order[256];
    for (int k = 0; k + 1 < j.rungs; k++) {
        const int64_t n = sweep_rank(&j, rule, k, order);
        int64_t best = (int64_t)((double)n / rule->eta);
        if (best == 0) best = 1;
        ck_assert_int_ge(done_at(k + 1), best);
        for (int64_t i = 0; i < best; i++) ck_assert(sweep_piece(&j, k + 1, order[i])->done);
        for (int64_t i = 0; i < j.trials; i++) /* nothing jumps over a rung */
            ck_assert(!sweep_piece(&j, k + 1, i)->done || sweep_piece(&j, k, i)->done);
    }
}

/* Each trial that begins is worse than those before it. */
static double best_first(int64_t trial, int64_t trials)
{
    static double given[64];
    static int n;
    (void)trials;
    if (given[trial] == 0) given[trial] = 100 - n++;
    return given[trial];
}

START_TEST(halving)
{
    const struct sweep_rule largest = {.eta = 3}, smallest = {.eta = 3, .minimize = true};
    fresh();
    begin(4, 27); /* where good trials come first nobody goes on in vain */
    ck_assert_int_eq(sweep_expected(&j, &largest), 27 + 9 + 3 + 1);
    ck_assert_int_eq(work(&largest, best_first), 27 + 9 + 3 + 1);
    for (int k = 0, n = 27; k < 4; k++, n /= 3) ck_assert_int_eq(done_at(k), n);
    check_bracket(&largest);
    sweep_journal_free(&j);

    fresh();
    begin(4, 27); /* any order; the smallest is the best: trial 0, worth 0 */
    work(&smallest, worth);
    check_bracket(&smallest);
    ck_assert(sweep_piece(&j, 3, 0)->done);
    ck_assert_int_eq(done_at(0), 27);
    sweep_journal_free(&j);

    fresh();
    begin(3, 2); /* fewer trials than eta: one goes to the end all the same */
    work(&largest, worth);
    ck_assert_int_eq(done_at(1), 1);
    ck_assert(sweep_piece(&j, 2, 1)->done);
    sweep_journal_free(&j);
}
END_TEST

START_TEST(halving_together)
{
    const struct sweep_rule rule = {.eta = 4};
    fresh();
    const int sum = work_together(&rule, 3, 64);
    begin(3, 64);
    /* whoever came last may have found the last promotions claimed by others, not done: go on */
    const int rest = work(&rule, worth);
    ck_assert_int_eq(done_at(0), 64);
    ck_assert_int_eq(sum + rest, done_at(0) + done_at(1) + done_at(2));
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < 64; i++)
            ck_assert_int_eq(sweep_piece(&j, k, i)->claims, sweep_piece(&j, k, i)->done);
    check_bracket(&rule);
    int64_t best = 0; /* the best of all is trained to the end */
    for (int64_t i = 0; i < 64; i++)
        if (worth(i, 64) > worth(best, 64)) best = i;
    ck_assert(sweep_piece(&j, 2, best)->done);
    sweep_journal_free(&j);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {each_trial_once, dead_owners, ended_jobs,       failures,
                                  other_sweeps,    halving,     halving_together, NULL};
    return mck_main(argc, argv, "sweep", tests);
}
