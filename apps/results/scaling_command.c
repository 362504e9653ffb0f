/* psml-results scaling: how a program scales, from the records of its runs. */
#include <string.h>
#include "apps/results/resultfile.h"
#include "apps/results/results_commands.h"
#include "apps/results/scaling_plot.h"
#include "common/run/log.h"

struct params {
    ps_str records, output, phase, use;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, records, .positional = 1, .many = true, .help = "files that --record wrote"),
    PS_PARAM(struct params, output, .letter = 'o', .def = "",
             .help =
                 "beginning of the names of what is written: CSV, figures (SVG, PNG), Extra-P's text format"),
    PS_PARAM(struct params, phase, .def = "", .help = "compare the time of this phase, instead of all"),
    PS_PARAM(struct params, use, .def = "median", .choices = "median|fastest",
             .help = "of repetitions: the fastest where others use the machine, too"),
};

enum ps_status results_read(struct ps_run *run, struct ps_records *out)
{
    for (int i = 0; run->many && run->many[i]; i++) PS_TRY(ps_records_read(out, run->many[i]));
    if (out->cut > 0)
        ps_info(run, "lines that were cut off by a stop and are left out: %lld\n", (long long)out->cut);
    return PS_OK;
}

static enum ps_status write_figures(const struct scaling *s, int group, const char *prefix)
{
    struct scaling_figure f;
    enum ps_status rc = PS_OK;
    for (int plot = 0; rc == PS_OK && plot < SCALING_PLOTS; plot++) {
        char name[2 * sizeof(ps_str) + 32]; /* the prefix may be that long without the rest */
        rc = scaling_figure_make(s, group, (enum scaling_plot)plot, &f);
        snprintf(name, sizeof name, "%s-%s", prefix, scaling_plot_name[plot]);
        const int wide = 640, high = f.figure.kind == FIGURE_BARS ? figure_height(&f.figure, wide) : 420;
        if (rc == PS_OK && (f.figure.curves > 0 || f.figure.rows > 0))
            rc = figure_write(&f.figure, wide, high, name);
        scaling_figure_free(&f);
    }
    return rc;
}

/* Names of a group's files: PREFIX-PROGRAM, with a number where a program has several groups. */
static void group_prefix(const struct scaling *s, int group, const char *prefix, char *out, size_t room)
{
    int before = 0, all = 0;
    for (int g = 0; g < s->groups; g++) {
        if (strcmp(s->group[g].program, s->group[group].program) != 0) continue;
        before += g < group;
        all++;
    }
    snprintf(out, room, "%s-%s", prefix, s->group[group].program);
    if (all > 1) snprintf(out + strlen(out), room - strlen(out), "-%d", before + 1);
}

static enum ps_status write_all(const struct scaling *s, const char *prefix)
{
    struct resultfile f;
    char name[2 * sizeof(ps_str)], file[sizeof name + 16];
    snprintf(file, sizeof file, "%s.csv", prefix);
    PS_TRY(resultfile_open(file, &f));
    scaling_csv(s, f.to);
    PS_TRY(resultfile_close(&f, PS_OK));
    for (int g = 0; g < s->groups; g++) {
        group_prefix(s, g, prefix, name, sizeof name);
        PS_TRY(write_figures(s, g, name));
        snprintf(file, sizeof file, "%s-extrap.txt", name);
        PS_TRY(resultfile_open(file, &f));
        PS_TRY(resultfile_close(&f, scaling_extrap(s, g, f.to)));
    }
    return PS_OK;
}

static enum ps_status run_scaling(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_records records = {.runs = 0};
    struct scaling s = {.runs = 0};
    enum ps_status rc = results_read(run, &records);
    if (rc == PS_OK) rc = scaling_make(&records, p->phase, strcmp(p->use, "fastest") == 0, &s);
    if (rc == PS_OK) scaling_markdown(&s, stdout);
    if (rc == PS_OK && p->output[0]) rc = write_all(&s, p->output);
    scaling_free(&s);
    ps_records_free(&records);
    return rc;
}

const struct ps_program results_scaling = {
    .name = "psml-results scaling",
    .summary = "tell how programs scale over ranks and threads, from the records of runs",
    .synopsis = "[options] RECORD...",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_ALONE,
    .run = run_scaling,
};
