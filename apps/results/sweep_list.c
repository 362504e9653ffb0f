/* psml-results sweep count and sweep list: what a grid file comes to. */
#include <stdio.h>
#include <string.h>
#include "apps/results/grid.h"
#include "apps/results/results_commands.h"
#include "common/run/log.h"

struct count_params {
    ps_str grid;
    int64_t each;
};

static const struct ps_param count_rows[] = {
    PS_PARAM(struct count_params, grid, .positional = 1, .help = "grid file"),
    PS_PARAM(struct count_params, each, .def = "1", .range = "[1,inf)", .unit = "trials",
             .help = "of an array task: print the number of tasks, rounded up"),
};

static enum ps_status run_count(struct ps_run *run, const void *params)
{
    const struct count_params *p = params;
    struct grid g;
    PS_TRY(grid_read(p->grid, &g));
    ps_print(run, "%lld\n", (long long)((g.trials + p->each - 1) / p->each));
    grid_free(&g);
    return PS_OK;
}

const struct ps_program results_sweep_count = {
    .name = "psml-results sweep count",
    .summary = "print the number of trials of a grid file, as --array needs it",
    .synopsis = "[options] GRID",
    .rows = count_rows,
    .nrows = sizeof count_rows / sizeof *count_rows,
    .params_size = sizeof(struct count_params),
    .common = PS_ALONE,
    .run = run_count,
};

struct list_params {
    ps_str grid;
    int64_t first, n;
};

static const struct ps_param list_rows[] = {
    PS_PARAM(struct list_params, grid, .positional = 1, .help = "grid file"),
    PS_PARAM(struct list_params, first, .def = "0", .range = "[0,inf)", .help = "trial to begin with"),
    PS_PARAM(struct list_params, n, .letter = 'n', .def = "0", .range = "[0,inf)", .unit = "trials",
             .help = "at most; 0: all"),
};

static enum ps_status run_list(struct ps_run *run, const void *params)
{
    const struct list_params *p = params;
    struct grid g;
    struct grid_trial t;
    enum ps_status rc = PS_OK;
    PS_TRY(grid_read(p->grid, &g));
    const int64_t last = p->n > 0 && p->n < g.trials - p->first ? p->first + p->n : g.trials;
    ps_print(run, "trial");
    for (int k = 0; k < g.params; k++) ps_print(run, "\t%s", g.param[k].name);
    ps_print(run, "\n");
    for (int64_t i = p->first; i < last; i++) {
        PS_TRY_DONE(grid_trial(&g, i, &t));
        ps_print(run, "%lld", (long long)i);
        for (int k = 0; k < g.params; k++) ps_print(run, "\t%s", t.value[k].text);
        ps_print(run, "\n");
    }
done:
    grid_free(&g);
    return rc;
}

const struct ps_program results_sweep_list = {
    .name = "psml-results sweep list",
    .summary = "print the trials of a grid file, one a line",
    .synopsis = "[options] GRID",
    .rows = list_rows,
    .nrows = sizeof list_rows / sizeof *list_rows,
    .params_size = sizeof(struct list_params),
    .common = PS_ALONE,
    .run = run_list,
};
