/* psml-results sweep best: the best trials, and a parameter file of the best one. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/results_commands.h"
#include "apps/results/sweep_view.h"
#include "apps/results/text_table.h"
#include "common/run/log.h"
#include "common/run/recordfile.h"

struct params {
    ps_str journal, output;
    int64_t n;
    int form;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, journal, .positional = 1, .help = "folder of the sweep"),
    PS_PARAM(struct params, n, .letter = 'n', .def = "1", .range = "[1,inf)", .unit = "trials",
             .help = "that are shown, best first"),
    PS_PARAM(struct params, output, .letter = 'o', .def = "",
             .help = "parameter file (.par) for all that the best trial was given: its program then runs it "
                     "again"),
    PS_PARAM(struct params, form, .letter = 'f', .def = "text", .choices = TEXT_TABLE_FORMS,
             .help = "of the table"),
};

/* What belongs to the trial's run in the sweep alone. */
static bool is_of_the_sweep(const char *name)
{
    static const char *const names[] = {"record",      "checkpoint", "resume",  "trials",
                                        "pause_epoch", "log",        "progress"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static enum ps_status write_lines(FILE *f, const struct sweep_view *v, int64_t trial, const char *record,
                                  const struct ps_recorded *run)
{
    char value[PS_TEXT_MAX];
    const char *origin, *name;
    const struct ps_recorded_event *start = ps_recorded_event(run, "start", 0);
    fprintf(f, "# trial %lld of the sweep %s: %s %s of %s\n# its folder was that of: %s\n", (long long)trial,
            v->journal.dir, ps_recorded_str(start, "program", "?"), ps_recorded_str(start, "version", "?"),
            record, v->command);
    for (int64_t i = 0; (name = ps_recorded_param_name(run, i, &origin)); i++) {
        if (strcmp(origin, "default") == 0 || is_of_the_sweep(name)) continue;
        PS_TRY(ps_recorded_param(run, name, value, sizeof value));
        fprintf(f, "%s = ", name);
        ps_table_write_text(f, value);
        fputc('\n', f);
    }
    return PS_OK;
}

static enum ps_status write_params(const struct sweep_view *v, int64_t trial, const char *path)
{
    struct ps_records r = {.runs = 0};
    char record[SWEEP_PATH_MAX];
    FILE *f = NULL;
    enum ps_status rc;
    sweep_trial_path(&v->journal, trial, "record.jsonl", record);
    PS_TRY_DONE(ps_records_read(&r, record));
    PS_CHECK_DONE(r.runs > 0, PS_EINPUT, "%s holds no run", record);
    f = fopen(path, "w");
    PS_CHECK_DONE(f, PS_EIO, "%s cannot be opened for writing: %s", path, strerror(errno));
    PS_TRY_DONE(write_lines(f, v, trial, record, &r.run[r.runs - 1]));
    const bool bad = ferror(f) || fflush(f) != 0;
    PS_CHECK_DONE(!bad, PS_EIO, "%s cannot be written: %s", path, strerror(errno));
done:
    if (f) fclose(f);
    ps_records_free(&r);
    return rc;
}

static enum ps_status fill(const struct sweep_view *v, const int64_t *order, int64_t n, struct text_table *t)
{
    t->columns = v->grid.params + 4;
    PS_TRY(ps_words_add(&t->cell, "trial"));
    for (int k = 0; k < v->grid.params; k++) PS_TRY(ps_words_add(&t->cell, "%s", v->grid.param[k].name));
    PS_TRY(ps_words_add(&t->cell, "%s", v->metric[0] ? v->metric : "metric"));
    PS_TRY(ps_words_add(&t->cell, "minutes"));
    PS_TRY(ps_words_add(&t->cell, "state"));
    for (int64_t i = 0; i < n; i++) {
        struct sweep_outcome o;
        struct grid_trial values;
        PS_TRY(sweep_view_outcome(v, order[i], "", &o));
        PS_TRY(grid_trial(&v->grid, order[i], &values));
        PS_TRY(ps_words_add(&t->cell, "%lld", (long long)order[i]));
        for (int k = 0; k < v->grid.params; k++) PS_TRY(ps_words_add(&t->cell, "%s", values.value[k].text));
        PS_TRY(ps_words_add(&t->cell, "%.6g", o.metric));
        PS_TRY(ps_words_add(&t->cell, "%.3g", o.seconds / 60));
        PS_TRY(ps_words_add(&t->cell, "%s", o.state));
    }
    return PS_OK;
}

static enum ps_status run_best(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct sweep_view v;
    struct text_table t = {.columns = 1};
    int64_t *order = NULL;
    enum ps_status rc;
    PS_TRY(sweep_view_open(p->journal, &v));
    PS_CHECK_DONE(v.metric[0], PS_EUSAGE, "the sweep %s has no metric: what is the best is not known",
                  p->journal);
    PS_TRY_DONE(ps_alloc(&order, v.grid.trials * (v.journal.rungs + 1), sizeof *order, "the ranking"));
    const int64_t there = sweep_view_rank(&v, order), n = p->n < there ? p->n : there;
    PS_CHECK_DONE(there > 0, PS_EINPUT, "no trial of the sweep %s has a result yet", p->journal);
    PS_TRY_DONE(fill(&v, order, n, &t));
    text_table_print(stdout, &t, (enum text_table_form)p->form);
    if (p->output[0]) {
        PS_TRY_DONE(write_params(&v, order[0], p->output));
        ps_info(run, "%s runs trial %lld again\n", p->output, (long long)order[0]);
    }
done:
    free(order);
    ps_words_free(&t.cell);
    sweep_view_close(&v);
    return rc;
}

const struct ps_program results_sweep_best = {
    .name = "psml-results sweep best",
    .summary = "print the best trials, and write the parameter file that runs the best one again",
    .synopsis = "[options] JOURNAL",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_ALONE,
    .run = run_best,
};
