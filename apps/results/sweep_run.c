/* psml-results sweep run: a task that takes trials of a sweep until none is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "apps/results/results_commands.h"
#include "apps/results/sweep_batch.h"
#include "apps/results/sweep_result.h"
#include "common/run/log.h"
#include "common/run/stop.h"

struct params {
    ps_str grid, journal, metric, launch;
    bool minimize, checkpoints, wait;
    int trials_per_job, retries;
    int64_t most;
    double lost, eta;
    struct ps_list rungs;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, grid, .positional = 1, .help = "grid file"),
    PS_PARAM(struct params, journal, .letter = 'j',
             .help = "folder of the sweep, made if it is not there; on a file system that all tasks see"),
    PS_PARAM(struct params, metric, .letter = 'm', .def = "",
             .help = "figure of a trial, EVENT.FIELD of its record such as result.test_accuracy: of the "
                     "last event that has it; empty: none"),
    PS_PARAM(struct params, minimize, .flag = true, .def = "no", .help = "smaller is better, not larger"),
    PS_PARAM(struct params, launch, .def = "",
             .help = "what starts the program, such as 'srun' or 'mpirun -np 4'; empty: itself"),
    PS_PARAM(struct params, trials_per_job, .letter = 'k', .def = "1", .range = "[1,4096]", .unit = "trials",
             .help = "of one start of the program, which shares its ranks out"),
    PS_PARAM(struct params, checkpoints, .flag = true, .def = "no",
             .help = "give trials --checkpoint and --resume: stopped and lost ones go on where they were"),
    PS_PARAM(struct params, rungs, .def = "", .unit = "epochs",
             .help = "early stopping by successive halving: training pauses there, and goes on for the best"),
    PS_PARAM(struct params, eta, .def = "3", .range = "(1,1000]",
             .help = "one of so many trials goes on beyond a rung"),
    PS_PARAM(struct params, retries, .def = "2", .range = "[0,1000]", .unit = "attempts",
             .help = "beyond the first, for a trial that fails"),
    PS_PARAM(struct params, lost, .def = "300", .range = "[1,86400]", .unit = "s",
             .help = "without a sign of life, after which a task is taken for dead; more than the file "
                     "system's delay between nodes"),
    PS_PARAM(struct params, most, .letter = 'n', .def = "0", .range = "[0,inf)", .unit = "trials",
             .help = "that this task begins at most; 0: any number"),
    PS_PARAM(struct params, wait, .flag = true, .def = "no",
             .help = "wait for trials that other tasks run, and take them over if these die"),
};

static enum ps_status check(const struct ps_run *run, const struct params *p)
{
    PS_CHECK(run->rest && run->rest[0], PS_EUSAGE,
             "the program is missing: write -- PROGRAM ARGUMENTS at the end (see --help)");
    PS_CHECK(!p->metric[0] || sweep_metric_good(p->metric), PS_EUSAGE,
             "--metric %s: write EVENT.FIELD of the record, such as result.test_accuracy", p->metric);
    PS_CHECK(p->rungs.n < SWEEP_RUNGS_MAX, PS_EUSAGE, "--rungs: at most %d", SWEEP_RUNGS_MAX - 1);
    PS_CHECK(p->rungs.n == 0 || p->metric[0], PS_EUSAGE, "--rungs needs --metric: who is the best?");
    for (int i = 0; i < p->rungs.n; i++)
        PS_CHECK(p->rungs.value[i] >= 1 && p->rungs.value[i] == (double)(int64_t)p->rungs.value[i] &&
                     (i == 0 || p->rungs.value[i] > p->rungs.value[i - 1]),
                 PS_EUSAGE, "--rungs: epochs are whole numbers, each larger than the one before");
    return PS_OK;
}

/* What must be the same for all tasks of a sweep. @param text out [SWEEP_ABOUT_MAX] */
static enum ps_status about(const struct ps_run *run, const struct params *p, const struct grid *g,
                            char *text)
{
    struct ps_words words = {.n = 0};
    char command[SWEEP_ABOUT_MAX - 2048], rungs[512] = "";
    size_t n = 0;
    enum ps_status rc = PS_OK;
    for (char **arg = run->rest; rc == PS_OK && *arg; arg++) rc = ps_words_add(&words, "%s", *arg);
    if (rc == PS_OK) ps_words_join(&words, command, sizeof command);
    ps_words_free(&words);
    PS_TRY(rc);
    PS_CHECK(strlen(command) + 1 < sizeof command && !strchr(command, '\n'), PS_EUSAGE,
             "the program's arguments are too long, or hold a line break");
    for (int i = 0; i < p->rungs.n; i++)
        n += (size_t)snprintf(rungs + n, sizeof rungs - n, " %.15g", p->rungs.value[i]);
    snprintf(text, SWEEP_ABOUT_MAX,
             "digest %016llx\ntrials %lld\nmetric %s\ngoal %s\nrungs%s\neta %.15g\ncommand %s\n",
             (unsigned long long)grid_digest(g), (long long)g->trials, p->metric,
             p->minimize ? "minimize" : "maximize", rungs, p->eta, command);
    return PS_OK;
}

static enum ps_status begin(struct sweep *s, const struct params *p)
{
    char text[SWEEP_ABOUT_MAX];
    PS_TRY(grid_read(p->grid, &s->grid));
    const char *unknown = sweep_unknown_place(&s->command, &s->grid);
    PS_CHECK(!unknown, PS_EUSAGE, "'%.40s': neither a parameter of %s nor {trial}, {dir} or {record}",
             unknown ? unknown : "", p->grid);
    PS_TRY(ps_words_split(&s->launch, p->launch));
    PS_TRY(about(s->run, p, &s->grid, text));
    PS_TRY(sweep_journal_open(p->journal, text, p->grid, p->rungs.n + 1, s->grid.trials, &s->journal));
    s->journal.lost = p->lost;
    s->journal.retries = p->retries;
    return PS_OK;
}

/* Trials until none is left for this task. */
static enum ps_status loop(struct sweep *s, const struct params *p)
{
    static const struct timespec pause = {.tv_sec = 1};
    for (;;) {
        int n;
        PS_TRY(sweep_batch(s, &n));
        if (s->stopped || ps_stop_seen() || s->left == 0) return PS_OK;
        if (n > 0) continue;
        if (!p->wait || sweep_journal_count(&s->journal).running == 0) return PS_OK;
        nanosleep(&pause, NULL);
    }
}

/* The last words of a task, and its status. */
static enum ps_status end(struct sweep *s)
{
    PS_TRY(sweep_journal_read(&s->journal));
    const struct sweep_count n = sweep_journal_count(&s->journal);
    const char *dir = s->journal.dir;
    ps_info(s->run, "this task finished %lld trials; of the sweep %lld are done, %lld run elsewhere\n",
            (long long)s->finished, (long long)n.done, (long long)n.running);
    if ((s->stopped || ps_stop_seen()) && n.open + n.running > 0)
        return ps_fail(PS_STOPPED, "stopped with %lld trials done; the same command goes on",
                       (long long)n.done);
    PS_CHECK(n.broken == 0, PS_EINPUT,
             "%lld trials failed for good: psml-results sweep table %s --failed says why",
             (long long)n.broken, dir);
    return PS_OK;
}

static enum ps_status run_sweep(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    PS_TRY(check(run, p));
    struct sweep s = {
        .run = run,
        .metric = p->metric,
        .each = p->trials_per_job,
        .left = p->most > 0 ? p->most : INT64_MAX,
        .rule = {.minimize = p->minimize, .eta = p->eta},
        .command = {.program = run->rest, .checkpoints = p->checkpoints, .pause = p->rungs.value}};
    enum ps_status rc = begin(&s, p);
    if (rc == PS_OK) rc = loop(&s, p);
    if (rc == PS_OK) rc = end(&s);
    ps_words_free(&s.launch);
    sweep_journal_free(&s.journal);
    grid_free(&s.grid);
    return rc;
}

const struct ps_program results_sweep_run = {
    .name = "psml-results sweep run",
    .summary = "run trials until none is left, beside any number of other tasks",
    .synopsis = "[options] GRID --journal DIR -- PROGRAM ARGUMENTS",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_ALONE | PS_TAKES_REST | PS_STOPS,
    .run = run_sweep,
};
