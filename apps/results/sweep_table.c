/* psml-results sweep table: what came of the trials. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/figure.h"
#include "apps/results/results_commands.h"
#include "apps/results/sweep_result.h"
#include "apps/results/sweep_view.h"
#include "apps/results/text_table.h"

struct params {
    ps_str journal, rows, columns, metric, figure;
    int form;
    bool failed;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, journal, .positional = 1, .help = "folder of the sweep"),
    PS_PARAM(struct params, rows, .letter = 'r', .def = "",
             .help = "parameter whose values are the rows; empty: a row for each trial"),
    PS_PARAM(struct params, columns, .letter = 'c', .def = "",
             .help = "parameter whose values are the columns, with --rows"),
    PS_PARAM(struct params, metric, .letter = 'm', .def = "",
             .help = "figure of the record, EVENT.FIELD; empty: the one of the sweep"),
    PS_PARAM(struct params, form, .letter = 'f', .def = "text", .choices = TEXT_TABLE_FORMS,
             .help = "of the table"),
    PS_PARAM(struct params, figure, .def = "",
             .help = "beginning of the names of a table of colour that is written (SVG, PNG), with --rows"),
    PS_PARAM(struct params, failed, .flag = true, .def = "no", .help = "only trials that failed, and why"),
};

enum { VALUES_MAX = 200, CELL_MAX = 96 };

static const char *title(const struct sweep_view *v, const struct params *p)
{
    return p->metric[0] ? p->metric : v->metric[0] ? v->metric : "metric";
}

/* A figure as text: what is none is an empty cell. */
static void figure(double x, char text[CELL_MAX])
{
    if (isnan(x))
        *text = '\0';
    else
        snprintf(text, CELL_MAX, "%.6g", x);
}

static enum ps_status add_trial(const struct sweep_view *v, const struct params *p, int64_t i,
                                struct text_table *t)
{
    struct sweep_outcome o;
    struct grid_trial values;
    char text[CELL_MAX];
    PS_TRY(sweep_view_outcome(v, i, p->metric, &o));
    PS_TRY(grid_trial(&v->grid, i, &values));
    PS_TRY(ps_words_add(&t->cell, "%lld", (long long)i));
    for (int k = 0; k < v->grid.params; k++) PS_TRY(ps_words_add(&t->cell, "%s", values.value[k].text));
    figure(o.metric, text);
    PS_TRY(ps_words_add(&t->cell, "%s", text));
    snprintf(text, sizeof text, o.rung >= 0 ? "%.3g" : "", o.seconds / 60);
    PS_TRY(ps_words_add(&t->cell, "%s", text));
    PS_TRY(ps_words_add(&t->cell, "%s", o.state));
    return ps_words_add(&t->cell, "%d", o.attempts);
}

static enum ps_status list_trials(const struct sweep_view *v, const struct params *p, struct text_table *t)
{
    t->columns = v->grid.params + 5;
    PS_TRY(ps_words_add(&t->cell, "trial"));
    for (int k = 0; k < v->grid.params; k++) PS_TRY(ps_words_add(&t->cell, "%s", v->grid.param[k].name));
    PS_TRY(ps_words_add(&t->cell, "%s", title(v, p)));
    PS_TRY(ps_words_add(&t->cell, "minutes"));
    PS_TRY(ps_words_add(&t->cell, "state"));
    PS_TRY(ps_words_add(&t->cell, "attempts"));
    for (int64_t i = 0; i < v->grid.trials; i++) PS_TRY(add_trial(v, p, i, t));
    return PS_OK;
}

static enum ps_status list_failures(const struct sweep_view *v, struct text_table *t)
{
    const struct sweep_journal *j = &v->journal;
    char message[1024];
    t->columns = v->grid.params + 3;
    PS_TRY(ps_words_add(&t->cell, "trial"));
    for (int k = 0; k < v->grid.params; k++) PS_TRY(ps_words_add(&t->cell, "%s", v->grid.param[k].name));
    PS_TRY(ps_words_add(&t->cell, "failed"));
    PS_TRY(ps_words_add(&t->cell, "last message"));
    for (int64_t i = 0; i < v->grid.trials; i++)
        for (int r = 0; r < j->rungs; r++) {
            struct grid_trial values;
            const struct sweep_piece *p = sweep_piece(j, r, i);
            if (p->done || p->failed == 0) continue;
            PS_TRY(grid_trial(&v->grid, i, &values));
            PS_TRY(ps_words_add(&t->cell, "%lld", (long long)i));
            for (int k = 0; k < v->grid.params; k++)
                PS_TRY(ps_words_add(&t->cell, "%s", values.value[k].text));
            sweep_failure(j, r, i, message, sizeof message);
            PS_TRY(ps_words_add(&t->cell, "%d", p->failed));
            PS_TRY(ps_words_add(&t->cell, "%s", message));
        }
    return PS_OK;
}

/* The values of a parameter that trials have. */
struct axis {
    int param, n;
    struct grid_value value[VALUES_MAX];
};

static int by_number(const void *a, const void *b)
{
    const double x = ((const struct grid_value *)a)->number, y = ((const struct grid_value *)b)->number;
    return x < y ? -1 : x > y;
}

static int place_of(const struct axis *a, const struct grid_trial *t)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->value[i].text, t->value[a->param].text) == 0) return i;
    return -1;
}

static enum ps_status axis_make(const struct sweep_view *v, const char *name, struct axis *a)
{
    struct grid_trial t;
    bool numbers = true;
    *a = (struct axis){.param = grid_find(&v->grid, name, strlen(name))};
    PS_CHECK(a->param >= 0, PS_EUSAGE, "the sweep has no parameter '%.64s'", name);
    for (int64_t i = 0; i < v->grid.trials; i++) {
        PS_TRY(grid_trial(&v->grid, i, &t));
        if (place_of(a, &t) >= 0) continue;
        PS_CHECK(a->n < VALUES_MAX, PS_EUSAGE,
                 "%s has more than %d values: leave out --rows for a row a trial", name, VALUES_MAX);
        a->value[a->n++] = t.value[a->param];
        numbers = numbers && !isnan(t.value[a->param].number);
    }
    if (numbers) qsort(a->value, (size_t)a->n, sizeof *a->value, by_number);
    return PS_OK;
}

/* The best trial of each cell. @param best out [rows][columns] */
static enum ps_status best_of_cells(const struct sweep_view *v, const struct params *p, const struct axis *r,
                                    const struct axis *c, struct sweep_outcome *best)
{
    for (int i = 0; i < r->n * c->n; i++) best[i].rung = -1;
    for (int64_t i = 0; i < v->grid.trials; i++) {
        struct grid_trial t;
        struct sweep_outcome o;
        PS_TRY(grid_trial(&v->grid, i, &t));
        PS_TRY(sweep_view_outcome(v, i, p->metric, &o));
        struct sweep_outcome *cell = &best[place_of(r, &t) * c->n + place_of(c, &t)];
        const bool better = v->rule.minimize ? o.metric < cell->metric : o.metric > cell->metric;
        if (o.rung > cell->rung || (o.rung == cell->rung && (better || isnan(cell->metric)))) *cell = o;
    }
    return PS_OK;
}

/* A cell holds metric and minutes: side by side in CSV, else as `0.93 (1.5)`. */
static enum ps_status add_cell(struct text_table *t, const struct sweep_outcome *o, bool csv)
{
    char metric[CELL_MAX] = "", minutes[CELL_MAX] = "";
    if (o->rung >= 0) {
        figure(o->metric, metric);
        snprintf(minutes, sizeof minutes, "%.3g", o->seconds / 60);
    }
    if (csv) {
        PS_TRY(ps_words_add(&t->cell, "%s", metric));
        return ps_words_add(&t->cell, "%s", minutes);
    }
    return ps_words_add(&t->cell, *minutes ? "%s (%s)" : "%s%s", metric, minutes);
}

/* The figures of the cells as a table of colour. */
static enum ps_status draw(const struct sweep_view *v, const struct params *p, const struct axis *r,
                           const struct axis *c, const struct sweep_outcome *best)
{
    enum { WIDE = 640 };
    const struct axis *const side[2] = {r, c};
    const char *names[2][VALUES_MAX];
    struct figure f = {.kind = FIGURE_CELLS,
                       .title = title(v, p),
                       .x_name = v->grid.param[c->param].name,
                       .y_name = v->grid.param[r->param].name,
                       .rows = r->n,
                       .columns = c->n,
                       .row_name = names[0],
                       .column_name = names[1],
                       .cell_format = "%.4g",
                       .least = INFINITY,
                       .most = -INFINITY};
    double *value;
    PS_TRY(ps_alloc(&value, r->n * c->n, sizeof *value, "the cells of a figure"));
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < side[k]->n; i++) names[k][i] = side[k]->value[i].text;
    for (int i = 0; i < r->n * c->n; i++) {
        value[i] = best[i].rung >= 0 ? best[i].metric : NAN;
        f.least = fmin(f.least, value[i]), f.most = fmax(f.most, value[i]);
    }
    f.value = value;
    const enum ps_status rc = figure_write(&f, WIDE, figure_height(&f, WIDE), p->figure);
    free(value);
    return rc;
}

static enum ps_status cross(const struct sweep_view *v, const struct params *p, struct text_table *t)
{
    struct axis *a = NULL;
    struct sweep_outcome *best = NULL;
    const bool csv = p->form == TEXT_TABLE_CSV;
    enum ps_status rc;
    PS_TRY_DONE(ps_alloc(&a, 2, sizeof *a, "the axes of a table"));
    PS_TRY_DONE(axis_make(v, p->rows, &a[0]));
    PS_TRY_DONE(axis_make(v, p->columns, &a[1]));
    PS_TRY_DONE(ps_zalloc(&best, a[0].n * a[1].n, sizeof *best, "the cells of a table"));
    PS_TRY_DONE(best_of_cells(v, p, &a[0], &a[1], best));
    t->columns = 1 + a[1].n * (csv ? 2 : 1);
    PS_TRY_DONE(
        ps_words_add(&t->cell, "%s \\ %s", v->grid.param[a[0].param].name, v->grid.param[a[1].param].name));
    for (int c = 0; c < a[1].n; c++) {
        PS_TRY_DONE(ps_words_add(&t->cell, "%s", a[1].value[c].text));
        if (csv) PS_TRY_DONE(ps_words_add(&t->cell, "%s minutes", a[1].value[c].text));
    }
    for (int r = 0; r < a[0].n; r++) {
        PS_TRY_DONE(ps_words_add(&t->cell, "%s", a[0].value[r].text));
        for (int c = 0; c < a[1].n; c++) PS_TRY_DONE(add_cell(t, &best[r * a[1].n + c], csv));
    }
    if (p->figure[0]) PS_TRY_DONE(draw(v, p, &a[0], &a[1], best));
done:
    free(best);
    free(a);
    return rc;
}

static enum ps_status run_table(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct sweep_view v;
    struct text_table t = {.columns = 1};
    (void)run;
    PS_CHECK(!p->rows[0] == !p->columns[0], PS_EUSAGE, "--rows and --columns belong together");
    PS_CHECK(!p->figure[0] || p->rows[0], PS_EUSAGE, "--figure shows a table with --rows and --columns");
    PS_CHECK(!p->metric[0] || sweep_metric_good(p->metric), PS_EUSAGE,
             "--metric %s: write EVENT.FIELD of the record, such as result.test_accuracy", p->metric);
    PS_TRY(sweep_view_open(p->journal, &v));
    enum ps_status rc = p->failed    ? list_failures(&v, &t)
                        : p->rows[0] ? cross(&v, p, &t)
                                     : list_trials(&v, p, &t);
    if (rc == PS_OK) {
        if (p->rows[0] && p->form != TEXT_TABLE_CSV) printf("%s (minutes)\n\n", title(&v, p));
        text_table_print(stdout, &t, (enum text_table_form)p->form);
    }
    ps_words_free(&t.cell);
    sweep_view_close(&v);
    return rc;
}

const struct ps_program results_sweep_table = {
    .name = "psml-results sweep table",
    .summary = "print what came of the trials: one a row, or any two parameters as rows and columns",
    .synopsis = "[options] JOURNAL",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_ALONE,
    .run = run_table,
};
